package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/sluice-gateway/sluice/analytics/ledger"
	"github.com/sluice-gateway/sluice/analytics/ledger/billing"
	"github.com/sluice-gateway/sluice/auth"
	"github.com/sluice-gateway/sluice/operation"
	"github.com/sluice-gateway/sluice/transport"
)

// usageScope is the scope of those who read what every consumer has had. Others read their own.
const usageScope = "usage:read"

const codeNotFound = "NOT_FOUND"

// A usageFile is what a request for usage asks for.
type usageFile struct {
	name   string // without its ending
	format string // csv or json
	write  func(ctx context.Context, w io.Writer) error
}

// usageRoutes serve usage on one listener.
type usageRoutes struct {
	gateway *Gateway
	turns   *turns
}

// addUsage adds GET /usage, which is sluice usage export, and GET /usage/invoice, which is sluice usage
// invoice.
func (g *Gateway) addUsage(mux *http.ServeMux) {
	u := &usageRoutes{gateway: g, turns: newTurns()}
	mux.HandleFunc("/usage", u.handler(u.export))
	mux.HandleFunc("/usage/invoice", u.handler(u.invoice))
}

// An ask reads what a viewer asks for.
type ask func(v *auth.Viewer, q *usageQuery) (*usageFile, *transport.Refusal)

func (u *usageRoutes) handler(ask ask) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if u.gateway.reader.Begin(w, r, http.MethodGet) {
			return
		}
		if refusal := u.answer(w, r, ask); refusal != nil {
			refusal.Write(w, transport.ParseAccept(r.Header.Values("Accept")))
		}
	}
}

func (u *usageRoutes) answer(w http.ResponseWriter, r *http.Request, ask ask) *transport.Refusal {
	switch {
	case r.Method != http.MethodGet:
		return transport.RefuseMethod("usage is read by GET", http.MethodGet)
	case u.gateway.options.Usage == nil:
		return transport.Refuse(http.StatusNotFound, codeNotFound, "this gateway keeps no usage")
	case !r.ProtoAtLeast(1, 1):
		// Its end is the connection's: a file that was cut would look whole.
		return transport.Refuse(http.StatusHTTPVersionNotSupported, operation.CodeBadRequest, "usage is sent over HTTP/1.1 or later: have the proxy speak it")
	}
	viewer, refusal := u.gateway.reader.Viewer(r)
	switch {
	case refusal != nil:
		return refusal
	case viewer.IsAnonymous():
		return transport.Refuse(http.StatusUnauthorized, operation.CodeUnauthenticated, "usage needs credentials: a consumer reads its own, with the scope %s that of all", usageScope)
	}
	if refusal := u.gateway.reader.Discard(w, r); refusal != nil {
		return refusal
	}
	query, refusal := parseUsageQuery(r)
	if refusal != nil {
		return refusal
	}
	file, refusal := ask(viewer, query)
	if refusal != nil {
		return refusal
	}
	return u.send(w, r, viewer, file)
}

// send sends a file when it is the viewer's turn.
func (u *usageRoutes) send(w http.ResponseWriter, r *http.Request, v *auth.Viewer, file *usageFile) *transport.Refusal {
	who := turn{v.Issuer, v.Consumer}
	if !u.turns.take(who) {
		u.gateway.engine.Refusals().Note("usage-files", 1)
		return transport.Refuse(http.StatusTooManyRequests, operation.CodeRateLimited,
			"at most %d files of usage are sent at a time, %d of them to one consumer: try again when one is over", mostFiles, mostFilesEach)
	}
	defer u.turns.give(who)
	d := newDownload(w, r, file, u.turns)
	err := d.send(r.Context())
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errTurn):
		u.gateway.engine.Refusals().Note("usage-files", 1)
		return transport.Refuse(http.StatusTooManyRequests, operation.CodeRateLimited, "at most %d files of usage are made at a time: try again in a moment", mostMade)
	}
	if !d.broken && r.Context().Err() == nil {
		u.gateway.options.Log.Error("usage cannot be read", "file", file.name, "begun", d.begun, "error", err)
	}
	if d.begun {
		panic(http.ErrAbortHandler) // or who receives it would take it for whole
	}
	if errors.Is(err, billing.ErrTooMuch) {
		return transport.Refuse(http.StatusInternalServerError, operation.CodeInternal, "an amount is larger than can be written")
	}
	return transport.Refuse(http.StatusServiceUnavailable, operation.CodeUsageUnavailable, "usage cannot be read at the moment; try again")
}

func (u *usageRoutes) export(v *auth.Viewer, q *usageQuery) (*usageFile, *transport.Refusal) {
	q.only("from", "to", "step", "format", "consumer")
	from := q.hour("from", time.Time{})
	to := q.hour("to", time.Now().UTC())
	step := parameter(q, "step", string(ledger.Hour), ledger.ParseStep)
	format := q.format("csv")
	if to.Before(from) {
		q.refuse(refuseParameter("to", errors.New("it is before from")))
	}
	reader := u.visible(v, q)
	name := fmt.Sprintf("usage_%s_%s_%s", stamp(from), stamp(to), step)
	return &usageFile{name: name, format: format, write: func(ctx context.Context, w io.Writer) error {
		exporter, err := ledger.NewExporter(format, w, step)
		if err != nil {
			return err
		}
		return ended(ledger.Sum(ctx, reader, ledger.Query{From: from, To: to}, step, exporter.Write), exporter)
	}}, q.refusal
}

func (u *usageRoutes) invoice(v *auth.Viewer, q *usageQuery) (*usageFile, *transport.Refusal) {
	prices := u.gateway.options.Prices
	if len(prices) == 0 {
		return nil, transport.Refuse(http.StatusNotFound, codeNotFound, "this gateway knows no prices: they stand in the section prices of its configuration file")
	}
	q.only("month", "format", "consumer")
	month := parameter(q, "month", "", ledger.ParseMonth)
	format := q.format("json")
	reader := u.visible(v, q)
	return &usageFile{name: "invoice_" + month.Format("2006-01"), format: format, write: func(ctx context.Context, w io.Writer) error {
		exporter, err := billing.NewExporter(format, w)
		if err != nil {
			return err
		}
		return ended(prices.Invoices(ctx, reader, month, "", exporter.Write), exporter)
	}}, q.refusal
}

// ended ends a file of which everything is written. One that is not whole is not ended.
func ended(err error, exporter io.Closer) error {
	if err != nil {
		return err
	}
	return exporter.Close()
}

// visible is what a viewer reads of usage: that of the consumer it asks for, or else all that it may.
func (u *usageRoutes) visible(v *auth.Viewer, q *usageQuery) ledger.Reader {
	all, consumer := u.gateway.options.Usage, q.get("consumer")
	if v.Has(usageScope) {
		return part{Reader: all, consumer: ledger.Kept(consumer)}
	}
	if v.IsEndUser() {
		q.refuse(transport.Refuse(http.StatusForbidden, operation.CodeForbidden, "an end user does not see what the application has had: ask with credentials of its own"))
	}
	if consumer != "" && consumer != v.Consumer {
		refusal := transport.Refuse(http.StatusForbidden, operation.CodeForbidden, "the usage of other consumers needs the scope %s", usageScope)
		refusal.Errors[0].Extensions["missingScopes"] = []string{usageScope}
		q.refuse(refusal)
	}
	issuer := ledger.Kept(v.Issuer)
	return part{Reader: all, consumer: ledger.Kept(v.Consumer), issuer: &issuer}
}

// A part is what may be read of a ledger, whatever is asked for.
type part struct {
	ledger.Reader
	consumer string  // empty: every one
	issuer   *string // nil: whoever it is
}

// Hours implements ledger.Reader.
func (p part) Hours(ctx context.Context, q ledger.Query, each func(ledger.Entry) error) error {
	q.Consumer, q.Issuer = p.consumer, p.issuer
	return p.Reader.Hours(ctx, q, each)
}

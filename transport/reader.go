package transport

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"time"

	"github.com/sluice-gateway/sluice/auth"
	"github.com/sluice-gateway/sluice/internal/complain"
	"github.com/sluice-gateway/sluice/limits"
	"github.com/sluice-gateway/sluice/operation"
)

// ReaderOptions bound what a Reader reads. The zero value works.
type ReaderOptions struct {
	// BodyBytes is the size of the largest body; default 256 KiB.
	BodyBytes int64
	// BodyTimeout is how long a body may take to arrive; default 10 s.
	BodyTimeout time.Duration
	// Credentials say where credentials stand.
	Credentials CredentialOptions
	// Refusals count the bodies that were too large, or took too long; nil: nobody counts.
	Refusals *limits.Refusals
	// Log receives why credentials were refused, or could not be checked; never what they were. Default
	// slog.Default().
	Log *slog.Logger
}

// A Reader reads GraphQL requests from HTTP, for every handler that takes them. It refuses what
// comes from a foreign page, with bad credentials, too big, too slow, or in another format than
// JSON. It is safe for concurrent use.
type Reader struct {
	authn   auth.Authenticator
	origins *Origins
	options ReaderOptions
	trouble complain.Log
}

// NewReader makes a reader.
func NewReader(authn auth.Authenticator, origins *Origins, options ReaderOptions) *Reader {
	if options.BodyBytes == 0 {
		options.BodyBytes = 256 << 10
	}
	if options.BodyTimeout == 0 {
		options.BodyTimeout = 10 * time.Second
	}
	if options.Log == nil {
		options.Log = slog.Default()
	}
	return &Reader{authn: authn, origins: origins, options: options}
}

// Begin comes first in a handler. It gives the body its time, for whoever reads it: of a request that
// is refused, the server itself does, and waits. Then it does what Origins.CORS does, and reports
// true when the request has its answer. Pages of listed origins may send cookies where one counts.
func (rd *Reader) Begin(w http.ResponseWriter, r *http.Request, methods ...string) bool {
	if r.ContentLength != 0 {
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(rd.options.BodyTimeout))
	}
	if rd.options.Credentials.Cookie != "" && rd.origins.Listed(r) {
		w.Header().Set("Access-Control-Allow-Credentials", "true")
	}
	return rd.origins.CORS(w, r, methods...)
}

// Allowed does what Origins.Allow does.
func (rd *Reader) Allowed(r *http.Request) bool { return rd.origins.Allow(r) }

// Address is the client's, as far as trusted proxies tell.
func (rd *Reader) Address(r *http.Request) netip.Addr {
	return ClientAddress(r, rd.options.Credentials.Proxies)
}

// Authenticate says whose credentials these are, with the errors of auth.Authenticator.
func (rd *Reader) Authenticate(ctx context.Context, c auth.Credentials) (*auth.Viewer, error) {
	viewer, err := rd.authn.Authenticate(ctx, c)
	switch {
	case errors.Is(err, auth.ErrBadCredentials):
		rd.options.Log.Debug("credentials were refused", "error", err)
	case err != nil:
		rd.trouble.Warn(rd.options.Log, "credentials cannot be checked", "error", err)
	case viewer.ExpiredAt(time.Now()):
		return nil, auth.ErrBadCredentials
	}
	return viewer, err
}

// What callers are told of credentials that do not help them, over every transport.
const (
	BadCredentials  = "the credentials are not valid"
	CannotBeChecked = "credentials cannot be checked at the moment"
)

// Viewer says who sent a request.
func (rd *Reader) Viewer(r *http.Request) (*auth.Viewer, *Refusal) {
	if !sameOrigin(r) && !rd.origins.Allow(r) {
		return nil, Refuse(http.StatusForbidden, operation.CodeForbidden, "pages of this origin are not allowed to use this server")
	}
	viewer, err := rd.Authenticate(r.Context(), rd.Credentials(r))
	switch {
	case errors.Is(err, auth.ErrBadCredentials):
		return nil, Refuse(http.StatusUnauthorized, operation.CodeUnauthenticated, BadCredentials)
	case err != nil: // not the caller's fault: its credentials could not be checked
		return nil, Refuse(http.StatusServiceUnavailable, operation.CodeInternal, CannotBeChecked)
	}
	return viewer, nil
}

// Deliberate refuses a GET that a foreign page may have made the browser send.
func (rd *Reader) Deliberate(r *http.Request) *Refusal {
	if r.Method != http.MethodGet || rd.origins.Deliberate(r) {
		return nil
	}
	return Refuse(http.StatusForbidden, operation.CodeForbidden,
		"a GET needs the header graphql-require-preflight, with any value, so that no foreign page can send it")
}

// Request reads the operation of a GET or a POST.
func (rd *Reader) Request(w http.ResponseWriter, r *http.Request) (operation.Request, *Refusal) {
	if r.Method == http.MethodGet {
		if refusal := rd.Discard(w, r); refusal != nil {
			return operation.Request{}, refusal
		}
		values, err := url.ParseQuery(r.URL.RawQuery)
		if err != nil {
			return operation.Request{}, Refuse(http.StatusBadRequest, operation.CodeBadRequest, "the URL's query is not well encoded")
		}
		return refuseMalformed(ParseQuery(values))
	}
	if !IsJSON(r.Header) {
		return operation.Request{}, RefuseType()
	}
	body, refusal := rd.body(w, r)
	if refusal != nil {
		return operation.Request{}, refusal
	}
	return refuseMalformed(ParseRequest(body))
}

func refuseMalformed(req operation.Request, err error) (operation.Request, *Refusal) {
	switch {
	case errors.Is(err, ErrNotJSON):
		return req, Refuse(http.StatusBadRequest, operation.CodeBadRequest, "%v", err)
	case errors.Is(err, ErrBatch):
		return req, Refuse(0, operation.CodeBatchLimit, "%v", err)
	case err != nil:
		return req, Refuse(0, operation.CodeBadRequest, "%v", err)
	}
	return req, nil
}

// IsJSON reports whether a body is sent as JSON in UTF-8. It looks at the essence of the type alone: a
// browser sends "text/plain; x=application/json" for any page, without asking.
func IsJSON(h http.Header) bool {
	types := h.Values("Content-Type")
	if len(types) != 1 {
		return false
	}
	essence, params, err := mime.ParseMediaType(types[0])
	return err == nil && essence == JSON && utf8Only(params)
}

// Discard reads a body that means nothing. What goes on after the request must not begin before: the
// server notices that a client leaves only when its request was read to the end.
func (rd *Reader) Discard(w http.ResponseWriter, r *http.Request) *Refusal {
	if r.ContentLength == 0 {
		return nil
	}
	_, refusal := rd.body(w, r)
	return refusal
}

// body reads a body of an ordinary size, and notes one that is none.
func (rd *Reader) body(w http.ResponseWriter, r *http.Request) ([]byte, *Refusal) {
	body, refusal := rd.Body(w, r, rd.options.BodyBytes)
	if refusal != nil && refusal.Status != http.StatusBadRequest { // it did not just break off
		rd.options.Refusals.Note("max-body", 1)
	}
	return body, refusal
}

// Body reads a body of so many bytes at most.
func (rd *Reader) Body(w http.ResponseWriter, r *http.Request, most int64) ([]byte, *Refusal) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, most))
	var big *http.MaxBytesError
	switch {
	case errors.As(err, &big):
		return nil, Refuse(http.StatusRequestEntityTooLarge, operation.CodeQueryTooLarge, "the body is larger than %d bytes", big.Limit)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, Refuse(http.StatusRequestTimeout, operation.CodeBadRequest, "the body took longer than %v to arrive", rd.options.BodyTimeout)
	case err != nil:
		return nil, Refuse(http.StatusBadRequest, operation.CodeBadRequest, "the body broke off")
	}
	// The server goes on reading, to notice that the client leaves: that may take for ever.
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
	return body, nil
}

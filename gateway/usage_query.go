package gateway

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/sluice-gateway/sluice/analytics/ledger"
	"github.com/sluice-gateway/sluice/operation"
	"github.com/sluice-gateway/sluice/transport"
)

// A usageQuery is the parameters of a URL. It keeps the first mistake in them.
type usageQuery struct {
	values  url.Values
	refusal *transport.Refusal
}

func parseUsageQuery(r *http.Request) (*usageQuery, *transport.Refusal) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, transport.Refuse(http.StatusBadRequest, operation.CodeBadRequest, "the URL's query is not well encoded")
	}
	return &usageQuery{values: values}, nil
}

func refuseParameter(name string, err error) *transport.Refusal {
	return transport.Refuse(http.StatusBadRequest, operation.CodeBadRequest, "parameter %s: %v", name, err)
}

// only refuses parameters that mean nothing here, or several things: who mistypes one would get more than
// was asked for.
func (q *usageQuery) only(names ...string) {
	for name, values := range q.values {
		if !slices.Contains(names, name) {
			q.refuse(transport.Refuse(http.StatusBadRequest, operation.CodeBadRequest, "there is no parameter %.40q; the parameters are %s",
				name, strings.Join(names, ", ")))
		}
		if len(values) > 1 {
			q.refuse(refuseParameter(name, errors.New("give it once")))
		}
	}
}

// refuse keeps a mistake, if it is the first.
func (q *usageQuery) refuse(refusal *transport.Refusal) {
	if q.refusal == nil {
		q.refusal = refusal
	}
}

// get is a parameter; empty: it was not given, which is the same.
func (q *usageQuery) get(name string) string { return q.values.Get(name) }

// parameter reads a parameter, or in its place what else it is; where that is nothing, it must be given.
func parameter[T any](q *usageQuery, name, otherwise string, parse func(string) (T, error)) T {
	text := q.get(name)
	if text == "" {
		text = otherwise
	}
	value, err := parse(text)
	if err != nil {
		q.refuse(refuseParameter(name, err))
	}
	return value
}

// hour reads a time; a zero otherwise says that it must be given.
func (q *usageQuery) hour(name string, otherwise time.Time) time.Time {
	if q.get(name) == "" && !otherwise.IsZero() {
		return otherwise
	}
	return parameter(q, name, "", ledger.ParseHour)
}

func (q *usageQuery) format(otherwise string) string {
	return parameter(q, "format", otherwise, func(text string) (string, error) {
		if text != "csv" && text != "json" {
			return "", fmt.Errorf("%.40q is neither csv nor json", text)
		}
		return text, nil
	})
}

// stamp is a time in the name of a file.
func stamp(t time.Time) string {
	if t.Equal(ledger.Day.Start(t)) {
		return t.Format(time.DateOnly)
	}
	return t.Format("2006-01-02T15")
}

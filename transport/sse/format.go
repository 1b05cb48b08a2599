// Package sse speaks GraphQL over server-sent events, in both modes of the graphql-sse protocol:
// distinct connections, a response for each operation, and a single connection that many share.
//
// Everything here is safe for concurrent use.
package sse

import (
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/sluice-gateway/sluice/operation"
	"github.com/sluice-gateway/sluice/transport"
)

// heartbeat is what the reference client expects at least; proxies cut silent streams after 15 s.
const heartbeat = 12 * time.Second

// A format is what both modes have in common.
type format struct{}

func (format) Header(h http.Header) {
	h.Set("Content-Type", transport.EventStream+"; charset=utf-8")
	h.Set("Cache-Control", "no-cache")
	h.Set("X-Accel-Buffering", "no")
}

var comment = []byte(":\n\n")

// Open is a comment, because browsers and proxies wait for a byte, and how long EventSource waits
// before it comes back: not the same for all, so that they do not come back together.
func (format) Open() []byte { return append([]byte(":\n\n"), retry(2*time.Second, 5*time.Second)...) }

// Beat is a comment: the reference client fails on events that it does not know.
func (format) Beat() []byte { return comment }

func retry(least, most time.Duration) []byte {
	wait := least + rand.N(most-least+1)
	return []byte("retry: " + strconv.FormatInt(wait.Milliseconds(), 10) + "\n\n")
}

// Parting ends the response without `complete`, which tells clients to come back; a restart takes
// a little longer than usual.
func (format) Parting(ending operation.Ending) []byte {
	if ending == operation.Restarting {
		return retry(5*time.Second, 10*time.Second)
	}
	return nil
}

// Transport implements transport.Format.
func (format) Transport() string { return "sse" }

// AppendFrame implements outbox.Framer. A result is one line of JSON, as an event must be.
func (format) AppendFrame(dst, head, body, tail []byte) []byte {
	return append(append(append(dst, head...), body...), tail...)
}

const (
	nextEvent     = "event: next\ndata: "
	completeEvent = "event: complete\ndata:" // no space: urql would read one as JSON
	endEvent      = "\n\n"
	idField       = "id: "
	noID          = "\nid:" // EventSource forgets the one that it has
)

// A distinctFormat is that of a response for one operation.
type distinctFormat struct{ format }

var (
	distinctHead, distinctTail = []byte(nextEvent), []byte(endEvent)
	distinctMark               = []byte("\n" + idField)
	distinctComplete           = []byte(completeEvent + endEvent)
)

func (distinctFormat) Around() (head, tail []byte) { return distinctHead, distinctTail }

// CursorMark implements transport.CursorFormat: a cursor is the id of its event.
func (distinctFormat) CursorMark() []byte { return distinctMark }

// At implements transport.CursorFormat. A block without data is no event to anybody, but EventSource
// remembers its id.
func (distinctFormat) At(cursor []byte) []byte {
	return append(append([]byte(idField), cursor...), endEvent...)
}

// Last always ends with `complete`: without it clients would ask again. One that would ask for what is
// not kept any more is told to forget where it was.
func (f distinctFormat) Last(errs gqlerror.List) []byte {
	if len(errs) == 0 {
		return distinctComplete
	}
	tail := distinctTail
	if operation.Code(errs) == operation.CodeResumeGap {
		tail = []byte(noID + endEvent)
	}
	return append(f.AppendFrame(nil, distinctHead, transport.ErrorResult(errs), tail), distinctComplete...)
}

package outbox

import (
	"strconv"
	"sync"
)

// An Event is one result of an operation on its way to the client.
type Event struct {
	// Body is a JSON object without a member "extensions". It is shared with many others: nobody may
	// change it.
	Body []byte
	// Key is what the event is about, such as the topic "price.42": a stream that keeps the latest
	// keeps one event of each.
	Key string
	// Dropped is how many events were lost before this one; the client is told.
	Dropped uint64
	// Origin is where it comes from; nil: that does not matter.
	Origin *Origin
	// Extensions are members for the object "extensions" of this stream's own, as JSON on one line
	// without braces: `"budget":{}`; or nil.
	Extensions []byte

	since *Origin // of the first of those whose place it took; nil: it took none
}

// size is what the event counts for in the limit of bytes. Its cursor, which all share, does not.
func (e *Event) size() int { return len(e.Body) + len(e.Extensions) }

// plain reports whether the event is nothing but a body, for who cares neither for its key nor its cursor.
func (e *Event) plain() bool { return e.Dropped == 0 && e.Extensions == nil && len(e.Body) > 0 }

// appendFrame frames an event. lost are the events to be told besides those that it tells itself.
func appendFrame(framer Framer, dst []byte, s *Stream, e *Event, lost uint64) []byte {
	lost += e.Dropped
	inside, behind := s.shown(e, InExtensions), s.shown(e, BeforeTail)
	extended := lost > 0 || e.Extensions != nil || len(inside) > 0
	if !extended && len(behind) == 0 {
		return framer.AppendFrame(dst, s.Head, e.Body, s.Tail)
	}
	body, buf := e.Body, tails.Get().(*[]byte)
	tail := (*buf)[:0]
	if extended {
		body = body[:len(body)-1]
		tail = appendExtensions(tail, e, lost, inside)
	}
	if len(behind) > 0 {
		tail = append(append(tail, s.CursorMark...), behind...)
	}
	tail = append(tail, s.Tail...)
	dst = framer.AppendFrame(dst, s.Head, body, tail)
	if cap(tail) <= largeTail {
		*buf = tail
		tails.Put(buf)
	}
	return dst
}

// appendExtensions appends what stands in the place of the body's closing brace.
func appendExtensions(dst []byte, e *Event, lost uint64, cursor []byte) []byte {
	if len(e.Body) > len("{}") {
		dst = append(dst, ',')
	}
	dst = append(dst, `"extensions":{`...)
	if lost > 0 {
		dst = append(dst, `"dropped":`...)
		dst = append(strconv.AppendUint(dst, lost, 10), ',')
	}
	if e.Extensions != nil {
		dst = append(append(dst, e.Extensions...), ',')
	}
	if len(cursor) > 0 {
		dst = append(append(append(dst, `"cursor":"`...), cursor...), `",`...)
	}
	return append(dst[:len(dst)-1], "}}"...) // without the last comma
}

// largeTail is the size of the largest tail that is used again.
const largeTail = 4 << 10

var tails = sync.Pool{New: func() any { return new([]byte) }}

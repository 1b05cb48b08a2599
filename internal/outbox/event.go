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
}

// size is what the event counts for in the limit of bytes.
func (e *Event) size() int { return len(e.Body) + len(e.Extensions) }

// plain reports whether the event is nothing but a body, for who does not care for its key.
func (e *Event) plain() bool { return e.Dropped == 0 && e.Extensions == nil && e.Body != nil }

// appendFrame frames an event. lost are the events to be told besides those that it tells itself.
func appendFrame(framer Framer, dst []byte, s *Stream, e *Event, lost uint64) []byte {
	lost += e.Dropped
	if lost == 0 && e.Extensions == nil {
		return framer.AppendFrame(dst, s.Head, e.Body, s.Tail)
	}
	tail := tails.Get().(*[]byte)
	*tail = append(appendExtensions((*tail)[:0], e, lost), s.Tail...)
	dst = framer.AppendFrame(dst, s.Head, e.Body[:len(e.Body)-1], *tail)
	if cap(*tail) <= largeTail {
		tails.Put(tail)
	}
	return dst
}

// appendExtensions appends what stands in the place of the body's closing brace.
func appendExtensions(dst []byte, e *Event, lost uint64) []byte {
	if len(e.Body) > len("{}") {
		dst = append(dst, ',')
	}
	dst = append(dst, `"extensions":{`...)
	if lost > 0 {
		dst = append(dst, `"dropped":`...)
		dst = strconv.AppendUint(dst, lost, 10)
		if e.Extensions != nil {
			dst = append(dst, ',')
		}
	}
	dst = append(dst, e.Extensions...)
	return append(dst, "}}"...)
}

// largeTail is the size of the largest tail that is used again.
const largeTail = 4 << 10

var tails = sync.Pool{New: func() any { return new([]byte) }}

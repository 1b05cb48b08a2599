// Package outbox is the bounded queue between operations and their socket.
//
// Operations offer bytes that they share with many others; the outbox keeps pointers to them and
// builds the frames only when its socket can take them, everything that waits in one piece. Offering
// never blocks and never allocates once the queue has its size. It knows no protocol: a Framer does.
package outbox

import (
	"sync"
)

// A Framer builds one frame of a protocol. It is called under the outbox' lock: it only appends.
type Framer interface {
	AppendFrame(dst, head, body, tail []byte) []byte
}

// A Writer takes what an outbox holds to the peer. Both methods are called without the outbox' lock.
type Writer interface {
	// Ready says that something waits, once until Take has found nothing. It must not block.
	Ready()
	// Urge says that the outbox is full, for the turn-th time in a row. It gives the writing a turn,
	// within a fraction of a millisecond, and reports whether that may have made room. So a peer is
	// found slow only when it does not read, never because this machine was too busy to write.
	Urge(turn int) bool
}

// A Stream is one operation's place in an outbox: the bytes that stand around each of its bodies.
type Stream struct {
	Head, Tail []byte

	ended, dropped bool // guarded by the outbox' mu
}

// Limits bound what waits for one socket; they are reached as soon as one of them is.
type Limits struct {
	Events int // bodies of streams
	Bytes  int // of everything
}

// controls is how many messages that belong to no stream's flow (acks, pongs, endings) may wait
// besides the events. Only a peer that asks and never reads comes near it.
const controls = 1024

// maxTurns is how often the writer of a full outbox gets a turn before its peer is found slow.
const maxTurns = 100

// A Verdict says what became of something offered.
type Verdict uint8

// Verdicts.
const (
	Queued Verdict = iota
	Full           // nothing was queued: a limit is reached
	Closed         // nothing was queued: the outbox has its last words already, or was abandoned
)

// An Outbox is safe for concurrent use.
type Outbox struct {
	framer Framer
	limits *Limits
	writer Writer

	mu     sync.Mutex // guards what follows
	items  []item
	first  int // index of the oldest item
	events int // items that count as events
	bytes  int
	// controlBytes are those of them that belong to no event.
	controlBytes int
	told         bool // the writer was told and has not come to an end since
	last         bool // nothing is taken in any more
	finished     bool // Take has given out the last words
}

type item struct {
	stream *Stream // nil: body is a whole frame
	body   []byte
}

// queues holds the arrays of empty outboxes: an idle session has none.
var queues = sync.Pool{New: func() any { return new([16]item) }}

// New makes an outbox for a writer.
func New(framer Framer, limits *Limits, writer Writer) *Outbox {
	return &Outbox{framer: framer, limits: limits, writer: writer}
}

// Offer queues one event of a stream. body is shared: nobody may change it afterwards. A body
// larger than the limit of bytes passes when nothing else waits.
func (o *Outbox) Offer(s *Stream, body []byte) Verdict {
	verdict := o.offer(s, body)
	for turn := 0; verdict == Full && turn < maxTurns && o.writer.Urge(turn); turn++ {
		verdict = o.offer(s, body)
	}
	return verdict
}

func (o *Outbox) offer(s *Stream, body []byte) Verdict {
	o.mu.Lock()
	switch {
	case o.last || s.ended:
		o.mu.Unlock()
		return Closed
	case o.events >= o.limits.Events, o.bytes > 0 && o.bytes+len(body) > o.limits.Bytes:
		o.mu.Unlock()
		return Full
	}
	o.events++
	o.pushUnlock(item{s, body})
	return Queued
}

// Send queues one whole frame after everything queued before, whatever the limits of events say.
// It reports false when the peer lets too many of them wait, or nothing is taken in any more.
func (o *Outbox) Send(frame []byte) bool {
	o.mu.Lock()
	if o.last || o.fullLocked(frame) {
		o.mu.Unlock()
		return false
	}
	o.pushUnlock(item{nil, frame})
	return true
}

// End queues a stream's last frame, under the same bound as Send. The stream takes nothing after it.
func (o *Outbox) End(s *Stream, frame []byte) Verdict {
	o.mu.Lock()
	switch {
	case o.last || s.ended:
		o.mu.Unlock()
		return Closed
	case o.fullLocked(frame):
		o.mu.Unlock()
		return Full
	}
	s.ended = true
	o.pushUnlock(item{nil, frame})
	return Queued
}

// fullLocked reports whether too much waits besides events for another frame.
func (o *Outbox) fullLocked(frame []byte) bool {
	return len(o.items)-o.first-o.events >= controls ||
		o.controlBytes > 0 && o.controlBytes+len(frame) > o.limits.Bytes
}

// Drop forgets a stream: what it has queued will not be sent, and nothing more is taken from it.
func (o *Outbox) Drop(s *Stream) {
	o.mu.Lock()
	s.ended, s.dropped = true, true
	o.mu.Unlock()
}

// Finish queues the last words of the whole outbox; nothing is taken in after them. With discard,
// what waits is forgotten first. It reports whether these became the last words: the first call's do.
func (o *Outbox) Finish(frame []byte, discard bool) bool {
	o.mu.Lock()
	if o.last {
		o.mu.Unlock()
		return false
	}
	if discard {
		o.clearLocked()
	}
	o.last = true
	o.pushUnlock(item{nil, frame})
	return true
}

// Abandon forgets everything and takes nothing in any more: the socket is gone.
func (o *Outbox) Abandon() {
	o.mu.Lock()
	o.last, o.finished = true, true
	o.clearLocked()
	o.mu.Unlock()
}

// pushUnlock adds an item, unlocks, and tells that there is something to take.
func (o *Outbox) pushUnlock(it item) {
	switch {
	case o.items == nil:
		o.items = queues.Get().(*[16]item)[:0]
	case len(o.items) == cap(o.items) && o.first > len(o.items)/2:
		n := copy(o.items, o.items[o.first:])
		clear(o.items[n:])
		o.items, o.first = o.items[:n], 0
	}
	o.items = append(o.items, it)
	o.bytes += len(it.body)
	if it.stream == nil {
		o.controlBytes += len(it.body)
	}
	tell := !o.told
	o.told = true
	o.mu.Unlock()
	if tell {
		o.writer.Ready()
	}
}

// Take appends the frames of what waits, in order, to buf, until buf holds max bytes or more. When
// it appends nothing, nothing waits and the writer will be told of the next item; finished says
// that the last words have been given out. One goroutine at a time may take.
func (o *Outbox) Take(buf []byte, max int) (frames []byte, finished bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	start := len(buf)
	for o.first < len(o.items) && len(buf) < max {
		it := &o.items[o.first]
		o.first++
		o.bytes -= len(it.body)
		switch s := it.stream; s {
		case nil:
			o.controlBytes -= len(it.body)
			buf = append(buf, it.body...)
		default:
			o.events--
			if !s.dropped {
				buf = o.framer.AppendFrame(buf, s.Head, it.body, s.Tail)
			}
		}
		*it = item{}
	}
	if o.first == len(o.items) {
		o.finished = o.finished || o.last
		o.releaseLocked()
		if len(buf) == start {
			o.told = false
		}
	}
	return buf, o.finished
}

// Waiting is what waits: events and bytes of everything.
func (o *Outbox) Waiting() (events, bytes int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.events, o.bytes
}

func (o *Outbox) clearLocked() {
	clear(o.items)
	o.releaseLocked()
	o.events, o.bytes, o.controlBytes = 0, 0, 0
}

// releaseLocked gives the array of an empty queue back. One that had to grow is left to the garbage
// collector, so that one slow moment does not keep its size for ever.
func (o *Outbox) releaseLocked() {
	if cap(o.items) == 16 {
		queues.Put((*[16]item)(o.items[:16]))
	}
	o.items, o.first = nil, 0
}

package outbox

import "sync/atomic"

// A Stream is one operation's place in an outbox: the bytes that stand around each of its bodies, and
// what happens when too many of them wait. What is exported is set before the first event is offered.
type Stream struct {
	Head, Tail []byte
	// Overflow is what becomes of events that do not fit; the zero value is Disconnect.
	Overflow Overflow
	// Cursor is where frames show the cursors of events; the zero value is NoCursor.
	Cursor CursorPlace
	// Keeps says that what is refused of the stream is not lost: whoever offers it keeps it, and comes
	// again once Room was called. Only for streams of Disconnect: their session need not end as slow then.
	Keeps bool

	// Guarded by the outbox' mu, as line is. They stand here because every event needs them.
	known, ended, dropped bool
	marked                bool   // its mark is in the queue
	bodies                int32  // in the queue
	offered               uint64 // events, see Offered
	offeredBytes          uint64

	// Most is how many of the stream's events may wait; 0: as many as the outbox takes.
	Most int
	// Lost is told how many of the events that were offered will never be sent, once for each of them,
	// and why. What was framed counts as sent. It is called without the outbox' lock, maybe with locks of
	// whoever called the outbox, from several goroutines at a time: it must not block. May be nil.
	Lost func(n int, why Loss)
	// Room is called when all is taken that was in the outbox when Offer was Full: once, or once for
	// several that were refused meanwhile. Nothing is locked then; it must not block, for it is called by
	// the goroutine that writes. After the stream's end it is not called, but for a call under way. Only for
	// streams that Keep; may be nil.
	Room func()
	// CursorMark stands before each cursor that is shown BeforeTail.
	CursorMark []byte

	// Tracks has Sent tell which event was framed last. Only for patient streams.
	Tracks bool
	sent   atomic.Pointer[byte] // the first byte of its body
	missed atomic.Bool          // see Missed

	line *line // the events that wait and are more than a body; nil: none ever was
}

// count counts an event that was offered.
func (s *Stream) count(e *Event) {
	s.offered++
	s.offeredBytes += uint64(e.size())
}

// Offered is how many events of a stream were offered to the outbox, and the bytes of their bodies and
// extensions. Lost has told which of them will never be sent. What the stream keeps is not among them.
func (o *Outbox) Offered(s *Stream) (events, bytes uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return s.offered, s.offeredBytes
}

// Sent reports whether a body is that of the event that was framed last, so that none waits that was
// offered before it. It may be called at any time.
func (s *Stream) Sent(body []byte) bool {
	return len(body) > 0 && s.sent.Load() == &body[0]
}

// Missed reports whether the event that was offered last to a patient stream found no room: what others
// have in the outbox takes all of it, and nothing of this stream waits. It may be called at any time.
func (s *Stream) Missed() bool { return s.missed.Load() }

// waiting is how many of the stream's events wait.
func (s *Stream) waiting() int {
	if s.line == nil {
		return int(s.bodies)
	}
	return int(s.bodies) + s.line.count
}

// A Loss is why an event was not sent that was offered.
type Loss uint8

// Losses.
const (
	TooSlow Loss = iota // it was refused or gave way, or its peer was given up as slow
	Gone                // the stream was dropped, or the outbox was at its end
)

func (s *Stream) lose(n int, why Loss) {
	if n > 0 && s.Lost != nil {
		s.Lost(n, why)
	}
}

// A loss is what a stream is to be told once the outbox is unlocked.
type loss struct {
	stream *Stream
	events int
}

func tellLosses(losses []loss, why Loss) {
	for _, l := range losses {
		l.stream.lose(l.events, why)
	}
}

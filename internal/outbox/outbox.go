// Package outbox is the bounded queue between operations and their socket.
//
// Operations offer bytes that they share with many others; the outbox keeps pointers to them and
// builds the frames only when its socket can take them, everything that waits in one piece. Offering
// never waits for the peer and never allocates once the queue has its size. What becomes of events
// that do not fit is each stream's own Overflow. The package knows no protocol: a Framer does.
package outbox

import (
	"sync"
	"sync/atomic"
)

// A Framer builds one frame of a protocol. It is called under the outbox' lock: it only appends.
type Framer interface {
	AppendFrame(dst, head, body, tail []byte) []byte
}

// A Writer takes what an outbox holds to the peer. Its methods are called without the outbox' lock.
type Writer interface {
	// Ready says that something waits, once until Take has found nothing. It must not block.
	Ready()
	// Urge says that the outbox is full, for the turn-th time in a row. It gives the writing a turn,
	// within a fraction of a millisecond, and reports whether that may have made room. So a peer is
	// found slow only when it does not read, never because this machine was too busy to write.
	Urge(turn int) bool
	// Slow reports whether the peer has let a write wait within the last two minutes.
	Slow() bool
}

// Limits bound what waits for one socket; they are reached as soon as one of them is.
type Limits struct {
	Events int // bodies of streams
	Bytes  int // of everything
	// Losses count what the limits cost patient streams; nil: nobody counts.
	Losses *Losses
}

const (
	// controls is how many messages that belong to no stream's flow (acks, pongs, endings) may wait
	// besides the events. Only a peer that asks and never reads comes near it.
	controls = 1024
	// maxTurns is how often the writer of a full outbox gets a turn before its peer is found slow.
	maxTurns = 100
	// batch is how many bytes one write gathers: frames of many events, one system call.
	batch = 64 << 10
	// patientBatch is that of a patient outbox: what has been framed cannot give way any more.
	patientBatch = 4 << 10
)

// A Verdict says what became of something offered.
type Verdict uint8

// Verdicts.
const (
	Queued Verdict = iota
	Full           // nothing was queued: a limit is reached
	Lost           // nothing was queued: others fill the outbox; a patient stream goes on
	Closed         // nothing was queued: the outbox has its last words already, or was abandoned
)

// An Outbox is safe for concurrent use.
type Outbox struct {
	framer Framer
	limits *Limits
	writer Writer

	mu       sync.Mutex // guards what follows
	told     bool       // the writer was told and has not come to an end since
	last     bool       // nothing is taken in any more
	finished bool       // Take has given out the last words
	items    []item     // in one, in an array of queues, or in a larger one of its own
	one      [1]item    // most outboxes never hold more
	first    int        // index of the oldest item
	events   int        // that wait
	bytes    int
	// controlBytes are those of them that belong to no event.
	controlBytes int
	surplus      int // items that are places without an event
	// Streams that have offered something and are not over, by what they need of their peer.
	strict, keeping, lenient int
	tolerant                 atomic.Bool // none is strict; read without mu
	patient                  atomic.Bool // all are patient; read without mu

	marks int         // items that are marks of streams that go on
	roomy []*Stream   // that are to be told that there is room
	room  atomic.Bool // there are such; read without mu

	sample sample
}

// An item is a whole frame, the body of an event, or a place for an event that stands in its stream's
// line: most events are nothing but a body, and take no more room than that. Or it marks where the
// outbox was full for a stream that keeps its events.
type item struct {
	stream *Stream // nil: the body is a whole frame
	body   []byte  // nil: a place; empty: a mark
}

func (it *item) isPlace() bool { return it.stream != nil && it.body == nil }
func (it *item) isMark() bool  { return it.stream != nil && it.body != nil && len(it.body) == 0 }

// queues holds arrays for outboxes in which more waits: an idle session has none.
var queues = sync.Pool{New: func() any { return new([16]item) }}

// New makes an outbox for a writer.
func New(framer Framer, limits *Limits, writer Writer) *Outbox {
	return &Outbox{framer: framer, limits: limits, writer: writer}
}

// Offer queues one event of a stream, as its overflow says if there is no room. A body larger than
// the limit of bytes passes when nothing else waits. What is refused of a stream that keeps its events
// counts for nothing: it comes again, once Room was called.
func (o *Outbox) Offer(s *Stream, e Event) Verdict {
	verdict, lost := o.offer(s, &e, false)
	for turn := 0; verdict == Full && turn < maxTurns && o.urge(s, turn); turn++ {
		verdict, lost = o.offer(s, &e, false)
	}
	if verdict == Full && s.tolerant() {
		verdict, lost = o.offer(s, &e, true)
	}
	if verdict == Full && s.Keeps {
		return Full
	}
	if verdict != Queued {
		o.mu.Lock()
		s.count(&e)
		o.mu.Unlock()
	}
	switch verdict {
	case Closed:
		s.lose(lost, Gone)
	default:
		s.lose(lost, TooSlow)
	}
	return verdict
}

// urge gives the writer a turn. For a tolerant stream nobody waits on a peer that is known to be slow:
// its outbox may be full for a long time.
func (o *Outbox) urge(s *Stream, turn int) bool {
	if s.tolerant() && turn >= quickTurns && o.writer.Slow() {
		return false
	}
	return o.writer.Urge(turn)
}

// offer queues an event if there is room. At the last attempt a patient stream does so by force, and
// another one leaves its mark. lost is how many events will not be sent for it, itself included.
func (o *Outbox) offer(s *Stream, e *Event, last bool) (verdict Verdict, lost int) {
	o.mu.Lock()
	switch {
	case o.last || s.ended:
		verdict, lost = Closed, 1
	case s.patient() && last:
		verdict, lost = o.forceLocked(s, e)
		o.sweepLocked()
	case s.patient():
		verdict, lost = o.admitLocked(s, e)
	case o.events >= o.limits.Events, s.Most > 0 && s.waiting() >= s.Most, !o.fitsLocked(e.size(), 0):
		verdict, lost = Full, 1
		if last {
			o.markLocked(s)
		}
	case s.bare(e):
		o.enterLocked(s)
		s.bodies++
		o.events++
		o.bytes += len(e.Body)
		o.pushLocked(item{s, e.Body})
	default:
		o.enqueueLocked(s, e)
	}
	if verdict == Queued {
		s.count(e)
		o.sample.noteLocked(s, e)
	}
	o.unlockAndTell()
	return verdict, lost
}

// Send queues one whole frame after everything queued before, whatever the limits of events say.
// It reports false when the peer lets too many of them wait, or nothing is taken in any more.
func (o *Outbox) Send(frame []byte) bool { return o.send(nil, frame) }

// Begin is Send of the frame that stands before a stream's first event: the stream uses the outbox from
// then on.
func (o *Outbox) Begin(s *Stream, frame []byte) bool { return o.send(s, frame) }

func (o *Outbox) send(s *Stream, frame []byte) bool {
	o.mu.Lock()
	if o.last || s != nil && s.ended || o.fullLocked(frame) {
		o.mu.Unlock()
		return false
	}
	if s != nil {
		o.enterLocked(s)
	}
	o.pushFrameLocked(frame)
	o.unlockAndTell()
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
	o.forgetMarkLocked(s)
	o.leaveLocked(s)
	o.pushFrameLocked(frame)
	o.unlockAndTell()
	return Queued
}

// fullLocked reports whether too much waits besides events for another frame.
func (o *Outbox) fullLocked(frame []byte) bool {
	return len(o.items)-o.first-o.events-o.surplus-o.marks >= controls ||
		o.controlBytes > 0 && o.controlBytes+len(frame) > o.limits.Bytes
}

// Drop forgets a stream: what it has queued will not be sent, and nothing more is taken from it.
func (o *Outbox) Drop(s *Stream) {
	o.mu.Lock()
	lost := s.waiting()
	s.ended, s.dropped = true, true
	s.bodies = 0
	if l := s.line; l != nil {
		o.events -= l.count
		o.surplus += l.count
		o.bytes -= l.bytes
		l.clear()
	}
	o.sample.streamLostLocked(s)
	o.forgetMarkLocked(s)
	o.leaveLocked(s)
	o.sweepLocked()
	o.mu.Unlock()
	s.lose(lost, Gone)
}

// Finish queues the last words of the whole outbox; nothing is taken in after them. With discard,
// what waits is forgotten first: its peer is too slow. It reports whether these became the last words: the first call's do.
func (o *Outbox) Finish(frame []byte, discard bool) bool {
	o.mu.Lock()
	if o.last {
		o.mu.Unlock()
		return false
	}
	var lost []loss
	if discard {
		lost = o.clearLocked()
	}
	o.last = true
	o.countLocked()
	o.pushFrameLocked(frame)
	o.unlockAndTell()
	tellLosses(lost, TooSlow)
	return true
}

// Abandon forgets everything and takes nothing in any more: the socket is gone.
func (o *Outbox) Abandon() {
	o.mu.Lock()
	o.last, o.finished = true, true
	o.countLocked()
	lost := o.clearLocked()
	o.mu.Unlock()
	tellLosses(lost, Gone)
}

func (o *Outbox) pushFrameLocked(frame []byte) {
	o.bytes += len(frame)
	o.controlBytes += len(frame)
	o.pushLocked(item{nil, frame})
}

func (o *Outbox) pushLocked(it item) {
	if len(o.items) == cap(o.items) {
		o.growLocked()
	}
	o.items = append(o.items, it)
}

// growLocked makes room for an item where there is none behind the last.
func (o *Outbox) growLocked() {
	switch {
	case o.items == nil:
		o.items = o.one[:0]
	case len(o.items) == len(o.one):
		o.items, o.first = append(queues.Get().(*[16]item)[:0], o.items[o.first:]...), 0
		o.one[0] = item{}
	case o.first > len(o.items)/2:
		n := copy(o.items, o.items[o.first:])
		clear(o.items[n:])
		o.items, o.first = o.items[:n], 0
	}
}

// unlockAndTell unlocks, and tells the writer if something waits that it does not know of.
func (o *Outbox) unlockAndTell() {
	tell := !o.told && len(o.items) > 0
	o.told = o.told || tell
	o.mu.Unlock()
	if tell {
		o.writer.Ready()
	}
}

// Take appends the frames of what waits, in order, to buf, until buf holds max bytes or more. When
// it appends nothing, nothing waits and the writer will be told of the next item; finished says
// that the last words have been given out. One goroutine at a time may take, and calls Written before it
// takes again if what it took is written; and TellRoom soon after, once it holds no lock.
func (o *Outbox) Take(buf []byte, max int) (frames []byte, finished bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	start := len(buf)
	for o.first < len(o.items) && (len(buf) < max || o.items[o.first].isMark()) {
		it := &o.items[o.first]
		o.first++
		switch s := it.stream; {
		case s == nil:
			o.bytes -= len(it.body)
			o.controlBytes -= len(it.body)
			buf = append(buf, it.body...)
		case it.body == nil:
			buf = o.takePlaceLocked(buf, s)
		case len(it.body) == 0:
			o.markTakenLocked(s)
		default:
			o.events--
			o.bytes -= len(it.body)
			if !s.dropped {
				s.bodies--
				o.leaveLocked(s)
				buf = o.framer.AppendFrame(buf, s.Head, it.body, s.Tail)
				o.sample.bodyTakenLocked(s, it.body)
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

// clearLocked forgets everything, and says which streams are to be told.
func (o *Outbox) clearLocked() (lost []loss) {
	for _, it := range o.items[o.first:] {
		s := it.stream
		if s == nil {
			continue
		}
		if n := s.waiting(); n > 0 {
			lost = append(lost, loss{s, n})
		}
		s.bodies, s.marked = 0, false
		if s.line != nil {
			s.line.places = 0
			s.line.clear()
		}
	}
	clear(o.items)
	o.releaseLocked()
	o.sample.forgetLocked()
	o.events, o.surplus, o.marks, o.bytes, o.controlBytes = 0, 0, 0, 0, 0
	return lost
}

// releaseLocked gives the array of an empty queue back. One that had to grow is left to the garbage
// collector, so that one slow moment does not keep its size for ever.
func (o *Outbox) releaseLocked() {
	if cap(o.items) == 16 {
		queues.Put((*[16]item)(o.items[:16]))
	}
	o.items, o.first = nil, 0
}

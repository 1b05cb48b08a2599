// Package tail makes one sequence without a gap of what a node gets of a replayable topic: messages that
// come live and may be lost, come twice or come late, and a log that can be read.
//
// A Tail hands every event after its beginning to its receivers, once and in the order of the log, or
// else one event whose Gap says that this could not be. It never waits for the log where messages come:
// Run reads, in a goroutine of its owner, and what comes meanwhile waits in a buffer of bounded size. It
// knows no Redis. A Tail is safe for concurrent use.
package tail

import (
	"sync"

	"github.com/sluice-gateway/sluice/pubsub"
)

// The bounds of what waits while the log is read. What does not fit is read from the log.
const (
	bufferedEvents = 512
	bufferedBytes  = 1 << 20
)

// Hooks are what a Tail does to others.
type Hooks struct {
	// Hand hands an event to everybody who has joined. It is called by one goroutine at a time.
	Hand func(*pubsub.Event)
	// Start is called when there is something to read: somebody must call Run then. It is called with the
	// tail's lock held, and must not wait.
	Start func()
	// Stray is called for a message that is not of the log: one without a position, which is handed on,
	// or with one that the log does not know, which is not. It must not wait.
	Stray func()
}

// A Tail is the sequence of one topic on one node.
type Tail struct {
	topic string
	hooks Hooks

	mu      sync.Mutex      // guards what follows, never held while a hook but Start runs
	top     pubsub.Position // of the latest event that is in the sequence; zero before Confirmed
	running bool            // somebody runs, or is about to: what comes waits
	stale   bool            // the log is to be read (again)
	echoes  echoes
	buffer  buffer
	joiners []*joiner
	ended   bool
	out     []step    // the part of the sequence that is not handed over yet
	spare   []step    // an empty one, to be used again
	handing bool      // somebody hands over
	handed  sync.Cond // told when nobody does
}

// New returns a tail that does nothing before Confirmed.
func New(topic string, hooks Hooks) *Tail {
	t := &Tail{topic: topic, hooks: hooks}
	t.handed.L = &t.mu
	return t
}

// Confirmed says that from now on messages come live, for the first time or again. Between this and the
// time before, messages may have been lost.
func (t *Tail) Confirmed() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.readLocked()
}

// Begun says what Confirmed does, but only for the first time.
func (t *Tail) Begun() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.top.IsZero() && !t.running {
		t.readLocked()
	}
}

// Receive implements pubsub.Receiver for what comes live. It does not wait. What has no position has no
// order either that could be kept, and no log: while others hand over more than fits, it is lost.
func (t *Tail) Receive(e *pubsub.Event) {
	t.mu.Lock()
	stray, room := e.Position.IsZero(), len(t.out) < bufferedEvents
	switch {
	case stray && room:
		t.out = append(t.out, step{event: e})
	case stray:
	case t.running:
		t.buffer.add(e)
	case t.top.IsZero(): // nobody has joined
	case t.repeatsLocked(e.Position):
	case room && follows(t.top, e.Position):
		t.appendLocked(e)
	default:
		t.buffer.add(e)
		t.readLocked()
	}
	t.mu.Unlock()
	if stray {
		t.hooks.Stray()
	}
	t.handOver()
}

// Top is the position of the latest event in the sequence; zero before the log was read.
func (t *Tail) Top() pubsub.Position {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.top
}

// follows reports whether there is nothing between p and next.
func follows(p, next pubsub.Position) bool {
	return next.Epoch == p.Epoch && next.Offset == p.Offset+1
}

// appendLocked makes e the latest event of the sequence.
func (t *Tail) appendLocked(e *pubsub.Event) {
	t.top = e.Position
	t.out = append(t.out, step{event: e})
	t.echoes.forget()
}

// repeatsLocked reports whether the event at p is certainly in the sequence already.
func (t *Tail) repeatsLocked(p pubsub.Position) bool { return p == t.top || t.echoes.has(p) }

// readLocked has the log read.
func (t *Tail) readLocked() {
	t.stale = true
	if !t.running {
		t.running = true
		t.hooks.Start()
	}
}

package tail

import (
	"context"
	"errors"
	"time"

	"github.com/sluice-gateway/sluice/pubsub"
)

// page is how many events are read at once.
const page = 300

// A Log is what a tail reads.
type Log interface {
	// Start returns the position of the newest event of a topic. It begins the log if there is none.
	Start(ctx context.Context, topic string) (pubsub.Position, error)
	// Read does what pubsub.Broker's does; with a *pubsub.GapError it returns the newest position too, if
	// there is one.
	Read(ctx context.Context, topic string, after pubsub.Position, most int) (pubsub.Past, error)
	// Pause waits after so many failures before this one, and returns at once when ctx is done.
	Pause(ctx context.Context, failures int)
}

// Run reads the log until what has come live joins it, or ctx is done: then the tail is of no use any
// more. It is called once for each Hooks.Start.
//
// As long as it runs, what comes waits in the buffer until what came before has been handed over: it is
// bounded, and what is lost to it is read again.
func (t *Tail) Run(ctx context.Context, log Log) {
	failures := 0
	for ctx.Err() == nil {
		t.handAllOver()
		after, number, end := t.next()
		if end {
			t.handOver() // those who are let in, and what came since
			return
		}
		if after == nil {
			continue
		}
		past, gap, err := read(ctx, log, t.topic, *after)
		if err != nil {
			t.Confirmed() // the log is to be read all the same
			log.Pause(ctx, failures)
			failures++
			continue
		}
		failures = 0
		for range t.enter(number, past, gap) {
			t.hooks.Stray()
		}
	}
}

// next says after what to read, and how many messages had come by then. If there is nothing to read, it
// says nothing, and then there is something to hand over; or else it ends the run.
func (t *Tail) next() (after *pubsub.Position, number uint64, end bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.stale {
		t.mergeLocked(0)
	}
	switch {
	case t.stale:
		t.stale = false
		top := t.top
		return &top, t.buffer.count, false
	case len(t.out) > 0:
		return nil, 0, false
	}
	t.running = false
	t.admitLocked()
	return nil, 0, true
}

// read reads what is after a position, or where the log begins. A gap comes with the position behind it.
func read(ctx context.Context, log Log, topic string, after pubsub.Position) (past pubsub.Past, gap *pubsub.GapError, err error) {
	if after.IsZero() {
		past.Top, err = log.Start(ctx, topic)
		return past, nil, err
	}
	past, err = log.Read(ctx, topic, after, page)
	if !errors.As(err, &gap) {
		return past, nil, err
	}
	if past.Top.IsZero() { // there is no log any more
		if past.Top, err = log.Start(ctx, topic); err != nil {
			return past, nil, err
		}
		gap = &pubsub.GapError{Topic: topic, Epoch: past.Top.Epoch, Top: past.Top.Offset}
	}
	return past, gap, nil
}

// enter puts what was read into the sequence, and then what came live and joins it. number is how many
// messages had come when reading began. It returns how many of them the log does not know.
func (t *Tail) enter(number uint64, past pubsub.Past, gap *pubsub.GapError) (strays int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case gap != nil:
		t.out = append(t.out, step{event: &pubsub.Event{Topic: t.topic, Received: time.Now(), Gap: gap}})
		t.top = past.Top
		t.echoes.forget()
	case t.top.IsZero():
		t.top = past.Top
	}
	for _, e := range past.Events {
		t.top = e.Position
		t.out = append(t.out, step{event: e})
		t.echoes.add(e.Position)
	}
	if t.top != past.Top {
		t.stale = true // there is another page
	}
	if t.stale { // or messages come anew, perhaps of a log that is not the one that was read
		return 0
	}
	return t.mergeLocked(number)
}

// mergeLocked puts what came live and joins the sequence into it. Whatever had come when reading began,
// as one of the first number messages, is in the log if it is an event: a publisher sends it afterwards.
// What came later may only be known to the next reading.
func (t *Tail) mergeLocked(number uint64) (strays int) {
	var left []arrival
	for _, a := range t.buffer.take() {
		p := a.event.Position
		switch {
		case t.repeatsLocked(p):
		case a.number <= number && p.Epoch == t.top.Epoch && p.Offset < t.top.Offset: // too old for an echo
		case a.number <= number:
			strays++
		case follows(t.top, p):
			t.appendLocked(a.event)
		default:
			left = append(left, a)
		}
	}
	if len(left) > 0 {
		t.buffer.restore(left)
		t.stale = true
	}
	return strays
}

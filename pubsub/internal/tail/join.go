package tail

import (
	"context"
	"errors"
	"slices"

	"github.com/sluice-gateway/sluice/pubsub"
)

// A step is one step of the sequence: an event is handed over, or somebody joins.
type step struct {
	event *pubsub.Event
	join  *joiner
}

// A joiner waits for its place in the sequence.
type joiner struct {
	seat  func(at pubsub.Position) // takes the place
	at    pubsub.Position
	taken bool
	done  chan struct{} // closed when the place has been taken, or never will be
}

// ErrEnded reports that the tail has ended.
var ErrEnded = errors.New("tail: ended")

// Join calls seat between two events: whoever it gives a place is handed those after the position. It
// waits until the log has been read to its end. When it fails, with ErrEnded or because ctx is done, seat
// is not called any more.
func (t *Tail) Join(ctx context.Context, seat func(at pubsub.Position)) error {
	j := t.ask(seat)
	select {
	case <-j.done:
	case <-ctx.Done():
		if t.withdraw(j) {
			return context.Cause(ctx)
		}
		<-j.done // its turn has come, which waits for nobody
	}
	if !j.taken {
		return ErrEnded
	}
	return nil
}

// ask has seat called when the tail is not behind.
func (t *Tail) ask(seat func(at pubsub.Position)) *joiner {
	j := &joiner{seat: seat, done: make(chan struct{})}
	t.mu.Lock()
	if t.ended {
		close(j.done)
	} else {
		t.joiners = append(t.joiners, j)
		t.admitLocked()
	}
	t.mu.Unlock()
	t.handOver()
	return j
}

// withdraw reports whether j waited, and does not any more.
func (t *Tail) withdraw(j *joiner) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	waited := len(t.joiners)
	t.joiners = slices.DeleteFunc(t.joiners, func(other *joiner) bool { return other == j })
	return len(t.joiners) < waited
}

// End lets nobody wait any more. It does not end a Run: its context does.
func (t *Tail) End() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ended = true
	for _, j := range t.joiners {
		close(j.done)
	}
	t.joiners = nil
}

// admitLocked gives everybody who waits a place behind what is in the sequence.
func (t *Tail) admitLocked() {
	if t.running || t.top.IsZero() {
		return
	}
	for _, j := range t.joiners {
		j.at = t.top
		t.out = append(t.out, step{join: j})
	}
	t.joiners = nil
}

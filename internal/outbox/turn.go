package outbox

import (
	"runtime"
	"sync/atomic"
	"time"
)

const (
	// patience is how long a write may have waited for the peer before a full outbox is its fault.
	patience = 10 * time.Millisecond
	// lately is how long a peer counts as slow that has let a write wait.
	lately = 2 * time.Minute
	// quickTurns is how many turns of a full outbox only give way to other goroutines.
	quickTurns = 4
	// nap is how long a turn is when giving way was not enough: a goroutine that was asleep needs a
	// moment to be woken on another processor.
	nap = 100 * time.Microsecond
)

// A Turn tells a full outbox about a writer that is a goroutine: whether it waits for the peer, or
// for its own turn on a busy machine. The writer calls Begin and End around each write; Urge and Slow
// are for New. The zero Turn is ready.
type Turn struct {
	since  atomic.Int64 // when the write under way began, Unix nanoseconds; 0: none
	waited atomic.Int64 // when the last write ended that the peer let wait; 0: none
}

// Begin notes that a write begins.
func (t *Turn) Begin() { t.since.Store(time.Now().UnixNano()) }

// End notes that the write is over.
func (t *Turn) End() {
	now := time.Now().UnixNano()
	if now-t.since.Load() > int64(patience) {
		t.waited.Store(now)
	}
	t.since.Store(0)
}

// Slow reports whether the peer lets the write under way wait, or did so with another one lately.
func (t *Turn) Slow() bool {
	waited := t.waited.Load()
	return t.waiting() || waited != 0 && time.Now().UnixNano()-waited < int64(lately)
}

// waiting reports whether the write under way has waited long enough for the peer.
func (t *Turn) waiting() bool {
	since := t.since.Load()
	return since != 0 && time.Now().UnixNano()-since > int64(patience)
}

// Urge lets other goroutines run. It reports false when the write under way has waited long enough
// for the peer.
func (t *Turn) Urge(turn int) bool {
	switch {
	case t.waiting():
		return false
	case turn < quickTurns:
		runtime.Gosched()
	default:
		time.Sleep(nap)
	}
	return true
}

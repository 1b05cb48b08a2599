package outbox

import (
	"runtime"
	"sync/atomic"
	"time"
)

const (
	// patience is how long a write may have waited for the peer before a full outbox is its fault.
	patience = 10 * time.Millisecond
	// nap is how long a turn is when giving way to other goroutines was not enough: one that was
	// asleep needs a moment to be woken on another processor.
	nap = 100 * time.Microsecond
)

// A Turn tells a full outbox about a writer that is a goroutine: whether it waits for the peer, or
// for its own turn on a busy machine. The writer calls Begin and End around each write; Urge is for
// New. The zero Turn is ready.
type Turn struct {
	since atomic.Int64 // when the write under way began, Unix nanoseconds; 0: none
}

// Begin notes that a write begins.
func (t *Turn) Begin() { t.since.Store(time.Now().UnixNano()) }

// End notes that the write is over.
func (t *Turn) End() { t.since.Store(0) }

// Urge lets other goroutines run. It reports false when the write under way has waited long enough
// for the peer.
func (t *Turn) Urge(turn int) bool {
	since := t.since.Load()
	switch {
	case since != 0 && time.Now().UnixNano()-since > int64(patience):
		return false
	case turn < 4:
		runtime.Gosched()
	default:
		time.Sleep(nap)
	}
	return true
}

package limits

import (
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// quiet is the time between two lines of the log about one limit.
const quiet = 10 * time.Second

// Refusals count what was refused or dropped, by the name of the limit: the setting that says it, or
// the directive and its field. Each limit has a line in the log when it is reached, at most one in ten
// seconds. A nil Refusals counts nothing. It is safe for concurrent use.
type Refusals struct {
	log *slog.Logger

	mu     sync.RWMutex // guards byName
	byName map[string]*refused
}

type refused struct {
	count  atomic.Uint64
	logged atomic.Uint64 // what count was
	next   atomic.Int64  // when the next line may be written, Unix nanoseconds
}

// NewRefusals returns one that has counted nothing.
func NewRefusals(log *slog.Logger) *Refusals {
	return &Refusals{log: log, byName: make(map[string]*refused)}
}

// Note counts n refusals, or dropped events. limit is one of a few names; args stand in the log as with
// slog.
func (r *Refusals) Note(limit string, n int, args ...any) {
	if r == nil {
		return
	}
	of := r.of(limit)
	count, now, next := of.count.Add(uint64(n)), time.Now(), of.next.Load()
	if now.UnixNano() < next || !of.next.CompareAndSwap(next, now.Add(quiet).UnixNano()) {
		return
	}
	since := count - of.logged.Swap(count)
	r.log.Warn("a limit was reached", append([]any{"limit", limit, "times", since}, args...)...)
}

func (r *Refusals) of(limit string) *refused {
	r.mu.RLock()
	of := r.byName[limit]
	r.mu.RUnlock()
	if of != nil {
		return of
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if of = r.byName[limit]; of == nil {
		of = new(refused)
		r.byName[limit] = of
	}
	return of
}

// Counts says how many requests, sessions or events each limit has cost.
func (r *Refusals) Counts() map[string]uint64 {
	counts := make(map[string]uint64)
	if r == nil {
		return counts
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	for name, of := range r.byName {
		counts[name] = of.count.Load()
	}
	return counts
}

package limits

import (
	"math"
	"sync/atomic"
	"time"
)

// A Rate is a token bucket: so many events a second, and after a pause a burst of them at once. It is
// one integer (the generic cell rate algorithm) where golang.org/x/time/rate has a lock, a float and
// a time.Time: a fan-out reads the clock once for all its members, and none of them allocates.
type Rate struct {
	rate  gcra
	ready atomic.Int64 // when the bucket is full again
}

// A gcra is what all buckets of a rate have in common, in nanoseconds.
type gcra struct{ interval, burst int64 }

// never is an interval that does not end, and small enough to be added to any time.
const never = math.MaxInt64 / 4

// NewRate returns a full bucket of burst events, at least one, that gets perSecond more a second.
// One of no events a second, or of what is no number, allows nothing, ever.
func NewRate(perSecond float64, burst int) *Rate {
	r := &Rate{rate: newGCRA(perSecond, burst)}
	r.ready.Store(-never)
	return r
}

func newGCRA(perSecond float64, burst int) gcra {
	if !(perSecond > 0) {
		return gcra{interval: never, burst: -1}
	}
	interval := min(float64(time.Second)/perSecond, never)
	return gcra{
		interval: int64(math.Ceil(interval)),
		burst:    int64(min(math.Ceil(interval)*float64(max(1, burst)-1), never)),
	}
}

// Allow takes one event at now, in nanoseconds of any clock that does not go back, such as those
// since the process began. It is safe for concurrent use; a now that is a little older than that of
// another call is as good.
func (r *Rate) Allow(now int64) bool {
	for {
		before := r.ready.Load()
		after, ok := r.rate.allow(before, now)
		if !ok {
			return false
		}
		if r.ready.CompareAndSwap(before, after) {
			return true
		}
	}
}

// Next returns how long after now Allow would first say true; 0: it would now.
func (r *Rate) Next(now int64) time.Duration { return r.rate.next(r.ready.Load(), now) }

// allow returns when a bucket is full again if one event is taken at now.
func (g gcra) allow(ready, now int64) (after int64, ok bool) {
	if g.burst < 0 || ready-now > g.burst {
		return ready, false
	}
	return max(ready, now) + g.interval, true
}

func (g gcra) next(ready, now int64) time.Duration {
	if g.burst < 0 {
		return never
	}
	return time.Duration(max(0, ready-now-g.burst))
}

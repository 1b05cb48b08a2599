package limits

import (
	"sync/atomic"
	"time"
)

// A Bucket counts what passes at a Rate: it holds Burst events, and gets PerSecond more a second until
// it is full. The zero Bucket is full. It is one integer (the generic cell rate algorithm) where
// golang.org/x/time/rate has a lock, a float and a time.Time: every session has some of them.
//
// Its methods may be called concurrently, and take the time since any fixed beginning, 0 or more. A
// time that is a little older than that of another call is as good. They should be given the same
// Rate: after a change the Bucket is full again when it would have been without.
type Bucket struct {
	ready atomic.Int64 // when it is full, in nanoseconds
}

// Take takes one event at now, and reports whether there was one.
func (b *Bucket) Take(r Rate, now time.Duration) bool {
	if r.IsUnlimited() {
		return true
	}
	g := newGCRA(r)
	for {
		before := b.ready.Load()
		if g.wait(before, now) > 0 {
			return false
		}
		if b.ready.CompareAndSwap(before, g.take(before, now)) {
			return true
		}
	}
}

// Wait is how long after now there is an event, if nobody takes it before; 0: there is one.
func (b *Bucket) Wait(r Rate, now time.Duration) time.Duration {
	if r.IsUnlimited() {
		return 0
	}
	return newGCRA(r).wait(b.ready.Load(), now)
}

// A gcra is what all buckets of a limited rate have in common, in nanoseconds.
type gcra struct {
	interval int64
	ahead    int64 // how far off a bucket may be from full when an event is taken; below 0: no event ever is
}

func newGCRA(r Rate) gcra {
	interval := int64(r.Interval())
	if !(r.PerSecond > 0) {
		return gcra{interval: interval, ahead: -1}
	}
	return gcra{interval: interval, ahead: int64(min(float64(interval)*float64(max(1, r.Burst)-1), never))}
}

// wait is how long after now an event can be taken from a bucket that is full at ready.
func (g gcra) wait(ready int64, now time.Duration) time.Duration {
	if g.ahead < 0 {
		return never
	}
	return max(0, time.Duration(ready-g.ahead)-now)
}

// take returns when the bucket is full if an event is taken at now.
func (g gcra) take(ready int64, now time.Duration) int64 { return max(ready, int64(now)) + g.interval }

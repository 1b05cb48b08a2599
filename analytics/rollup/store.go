package rollup

import (
	"cmp"
	"context"
	"math"
	"time"
)

// A Store keeps sums by step. Every method is safe for concurrent use, also by several nodes.
type Store interface {
	// Add adds a batch to the sums, unless one of the same node with its sequence or a greater one was
	// added before: then it does nothing. All of a batch counts or nothing of it.
	Add(ctx context.Context, b *Batch) error

	// Prune forgets steps that have begun longer ago than they are kept, and nodes that have added nothing
	// for a day. It goes in small steps, which hold nobody up for long; nodes may do it at a time.
	Prune(ctx context.Context, now time.Time, keep Keep) error
}

// Forever keeps a step for good.
const Forever time.Duration = math.MaxInt64

// Keep says how long steps are kept. The zero Keep works. A step is kept at least as long as the shorter
// ones.
type Keep struct {
	Second time.Duration // 0 means an hour
	Minute time.Duration // 0 means 48 h
	Hour   time.Duration // 0 means 90 days
	Day    time.Duration // 0 means Forever
}

// Of is how long a step is kept.
func (k Keep) Of(s Step) time.Duration {
	kept := cmp.Or(max(0, k.Second), time.Hour)
	for _, longer := range []struct {
		step Step
		kept time.Duration
	}{
		{Minute, cmp.Or(max(0, k.Minute), 48*time.Hour)},
		{Hour, cmp.Or(max(0, k.Hour), 90*24*time.Hour)},
		{Day, cmp.Or(max(0, k.Day), Forever)},
	} {
		if s >= longer.step {
			kept = max(kept, longer.kept)
		}
	}
	return kept
}

// Before is the time before which a step that has begun is forgotten; zero: none is.
func (k Keep) Before(s Step, now time.Time) time.Time {
	kept := k.Of(s)
	if kept == Forever {
		return time.Time{}
	}
	return s.Start(now.Add(-kept))
}

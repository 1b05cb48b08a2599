package rollup

import (
	"time"

	"github.com/sluice-gateway/sluice/analytics"
)

// A Batch is what a node adds to the store at one time. It is never changed once made.
type Batch struct {
	Node     string    // one process, from its start to its end: no other ever has this name
	Sequence int64     // of the node's batches: each has a greater one than the one before
	At       time.Time // when it was made

	// Each step, time and name once, in no order. A name is UTF-8 of at most 256 bytes, without a NUL. What
	// is At a time is in the step that begins then, in UTC.
	Entries []Entry
	Timings []Timing
	Levels  []Level
}

// An Entry is what the operations with the same labels have had in a step.
type Entry struct {
	Step    Step
	At      time.Time
	Labels  analytics.Labels
	Counts  Counts
	Endings map[string]int64 // of operations that ended with an error or were refused, by code
}

// A Timing is how long events of a field took in a step.
type Timing struct {
	Step   Step
	At     time.Time
	Field  string
	Sketch analytics.Sketch
}

// A Level is what a gauge stood at in a step, times the milliseconds that it did: the levels of several
// nodes add up, and over the length of the step they are the average.
type Level struct {
	Step   Step
	At     time.Time
	Name   string
	Millis int64
}

// rows is how much of a store the batch is.
func (b *Batch) rows() int {
	n := len(b.Entries) + len(b.Levels)
	for _, e := range b.Entries {
		n += len(e.Endings)
	}
	for _, t := range b.Timings {
		n += len(t.Sketch)
	}
	return n
}

package rollup

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"time"
)

const (
	// pruneEvery is how often what is too old is forgotten.
	pruneEvery = time.Minute
	// holdFor is how long the same batch is tried. After a day the store may not know any more whether it
	// has it, and would add it again.
	holdFor = 12 * time.Hour
	// suffix is how many letters tell the processes apart that have, or had, one name.
	suffix = 10
)

// A writer brings what is pending into the store.
type writer struct {
	store   Store
	options Options
	from    *pending
	node    string

	// Its goroutine's alone, and at last Close's.
	held     *Batch // perhaps in the store, perhaps not: it is tried again as it is
	sequence int64
	pruned   time.Time
	told     bool // the log knows that something is wrong

	mu     sync.Mutex // guards health
	health Health
}

// newWriter makes a writer under a name of its own: with that of another process, one that has begun later or
// by another clock, its batches would be taken for some that the store has, and lost.
func newWriter(store Store, o Options, from *pending) *writer {
	return &writer{store: store, options: o, from: from, node: o.Node + "." + rand.Text()[:suffix]}
}

// Health says how a Roller is.
type Health struct {
	Err     error     `json:"-"`                // why the latest batch is not in the store, or what is old still is; nil: all is well
	Reason  string    `json:"reason,omitempty"` // its text
	Waiting int       `json:"waiting"`          // rows in memory
	Dropped int64     `json:"dropped"`          // rows that were not added, for the store was away for too long
	Written time.Time `json:"written,omitzero"` // when the store last had everything; zero: not yet
}

func (w *writer) now() Health {
	w.mu.Lock()
	h := w.health
	w.mu.Unlock()
	w.from.mu.Lock()
	defer w.from.mu.Unlock()
	h.Waiting += w.from.rows
	h.Dropped += w.from.dropped
	if h.Err != nil {
		h.Reason = h.Err.Error()
	}
	return h
}

// write adds all that waits to the store, and has it forget what is too old.
func (w *writer) write(ctx context.Context) error {
	err := w.addAll(ctx)
	if err == nil {
		err = w.prune(ctx)
	}
	w.report(err)
	return err
}

func (w *writer) addAll(ctx context.Context) error {
	for {
		if w.held == nil {
			w.held = w.next()
		}
		if w.held == nil {
			return nil
		}
		if err := w.store.Add(ctx, w.held); err != nil {
			w.giveUp()
			return fmt.Errorf("batch %d: %w", w.held.Sequence, err)
		}
		w.held = nil
	}
}

// next makes the next batch; nil: nothing waits.
func (w *writer) next() *Batch {
	sheets := w.from.take()
	if len(sheets) == 0 {
		return nil
	}
	w.sequence++
	b := &Batch{Node: w.node, Sequence: w.sequence, At: time.Now().UTC()}
	for _, s := range sheets {
		for _, e := range s.entries {
			b.Entries = append(b.Entries, *e)
		}
		for field, sketch := range s.timings {
			b.Timings = append(b.Timings, Timing{Step: s.step, At: s.time(), Field: field, Sketch: sketch})
		}
		for name, millis := range s.levels {
			b.Levels = append(b.Levels, Level{Step: s.step, At: s.time(), Name: name, Millis: millis})
		}
	}
	return b
}

// giveUp makes an empty batch of the one that was tried for too long.
func (w *writer) giveUp() {
	if time.Since(w.held.At) < holdFor {
		return
	}
	w.mu.Lock()
	w.health.Dropped += int64(w.held.rows())
	w.mu.Unlock()
	w.held = &Batch{Node: w.held.Node, Sequence: w.held.Sequence, At: time.Now().UTC()}
}

func (w *writer) prune(ctx context.Context) error {
	if time.Since(w.pruned) < pruneEvery {
		return nil
	}
	if err := w.store.Prune(ctx, time.Now(), w.options.Keep); err != nil {
		return fmt.Errorf("prune: %w", err)
	}
	w.pruned = time.Now()
	return nil
}

// report notes how a writing has ended. The log is told when that changes.
func (w *writer) report(err error) {
	w.mu.Lock()
	w.health.Err, w.health.Waiting = err, 0
	if w.held != nil {
		w.health.Waiting = w.held.rows()
	} else {
		w.health.Written = time.Now()
	}
	w.mu.Unlock()
	if (err != nil) == w.told || errors.Is(err, context.Canceled) { // Close tries again
		return
	}
	w.told = err != nil
	if w.told {
		w.options.Log.Error("rollup: the store fails, and points wait in memory", "err", err)
		return
	}
	w.options.Log.Info("rollup: the store has everything again")
}

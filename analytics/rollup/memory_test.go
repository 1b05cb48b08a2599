package rollup

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sluice-gateway/sluice/analytics"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var errAway = errors.New("away")

// A memory is a store that can be away.
type memory struct {
	mu       sync.Mutex // guards what follows
	fails    func() (before, after bool)
	hangs    chan struct{} // nil: it does not
	latest   map[string]int64
	batches  []*Batch
	attempts int
	entries  map[place]map[analytics.Labels]*Entry
	timings  map[place]map[string]analytics.Sketch
	levels   map[place]map[string]int64
	pruned   []time.Time
}

func newMemory() *memory {
	return &memory{
		fails:   func() (bool, bool) { return false, false },
		latest:  make(map[string]int64),
		entries: make(map[place]map[analytics.Labels]*Entry),
		timings: make(map[place]map[string]analytics.Sketch),
		levels:  make(map[place]map[string]int64),
	}
}

// set says whether the store fails.
func (m *memory) set(away bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fails = func() (bool, bool) { return away, false }
}

func (m *memory) Add(ctx context.Context, b *Batch) error {
	m.mu.Lock()
	hangs := m.hangs
	m.mu.Unlock()
	if hangs != nil {
		select {
		case <-hangs:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.attempts++
	before, after := m.fails()
	if before {
		return errAway
	}
	if b.Sequence > m.latest[b.Node] {
		m.latest[b.Node] = b.Sequence
		m.batches = append(m.batches, b)
		m.addLocked(b)
	}
	if after {
		return errAway
	}
	return nil
}

func (m *memory) addLocked(b *Batch) {
	for _, e := range b.Entries {
		at := placeOf(e.Step, e.At)
		if m.entries[at] == nil {
			m.entries[at] = make(map[analytics.Labels]*Entry)
		}
		sum := m.entries[at][e.Labels]
		if sum == nil {
			sum = &Entry{Step: e.Step, At: e.At, Labels: e.Labels, Endings: make(map[string]int64)}
			m.entries[at][e.Labels] = sum
		}
		sum.Counts = sum.Counts.Plus(e.Counts)
		for code, n := range e.Endings {
			sum.Endings[code] += n
		}
	}
	for _, t := range b.Timings {
		at := placeOf(t.Step, t.At)
		if m.timings[at] == nil {
			m.timings[at] = make(map[string]analytics.Sketch)
		}
		if m.timings[at][t.Field] == nil {
			m.timings[at][t.Field] = make(analytics.Sketch)
		}
		m.timings[at][t.Field].Merge(t.Sketch)
	}
	for _, l := range b.Levels {
		at := placeOf(l.Step, l.At)
		if m.levels[at] == nil {
			m.levels[at] = make(map[string]int64)
		}
		m.levels[at][l.Name] += l.Millis
	}
}

func (m *memory) Prune(_ context.Context, now time.Time, _ Keep) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.pruned = append(m.pruned, now)
	return nil
}

// total is what all entries of a step have, from a time and before another.
func (m *memory) total(s Step, from, to time.Time) (sum Counts, endings map[string]int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	endings = make(map[string]int64)
	for at, entries := range m.entries {
		if at.step != s || at.time().Before(from) || !at.time().Before(to) {
			continue
		}
		for _, e := range entries {
			sum = sum.Plus(e.Counts)
			for code, n := range e.Endings {
				endings[code] += n
			}
		}
	}
	return sum, endings
}

// ever is what all entries of a step have.
func (m *memory) ever(s Step) Counts {
	sum, _ := m.total(s, time.Time{}, time.Now().Add(48*time.Hour))
	return sum
}

// of is what all entries of a step have that are a consumer's.
func (m *memory) of(s Step, consumer string) (sum Counts) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for at, entries := range m.entries {
		for l, e := range entries {
			if at.step == s && l.Consumer == consumer {
				sum = sum.Plus(e.Counts)
			}
		}
	}
	return sum
}

// at are the entries of the step of a time.
func (m *memory) at(s Step, t time.Time) map[analytics.Labels]*Entry {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.entries[placeOf(s, t)]
}

// start begins to roll up, with a log that the test ignores.
func start(s Store, recorder *analytics.Recorder, o Options) *Roller {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return Start(s, recorder, o)
}

func end(t *testing.T, r *Roller) {
	t.Helper()
	if err := r.Close(context.Background()); err != nil {
		t.Error(err)
	}
}

var prices = analytics.Labels{
	Kind: "subscription", Operation: "Prices", Field: "Subscription.priceChanged", Topic: "price.{id}", Consumer: "shop", Transport: "websocket",
}

// begin begins an operation.
func begin(recorder *analytics.Recorder, l analytics.Labels) *analytics.Record {
	r := new(analytics.Record)
	recorder.Begin(r, l, nil)
	return r
}

// deliver hands so many events on, of 10 bytes each.
func deliver(r *analytics.Record, events int) {
	for range events {
		r.Deliver(10)
	}
}

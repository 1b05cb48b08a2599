package limitstest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/limits"
)

// A model keeps every lease that ever was, and adds up what it needs anew each time.
type model struct {
	now    time.Time
	leases []*entry
}

type entry struct {
	limits.Lease
	window   limits.Window
	charges  []spending
	returned int64
	lost     spending // when it was forfeited, and how much
	contact  time.Time
	over     time.Time // since when it has been returned or forfeited
}

func (e *entry) charged() (n int64) {
	for _, c := range e.charges {
		n += c.n
	}
	return n
}

func (e *entry) rest() int64 { return e.Events - e.charged() - e.returned - e.lost.n }

// expire forfeits what has had its time.
func (m *model) expire(now time.Time) {
	m.now = now
	for _, e := range m.leases {
		deadline := e.contact.Add(ttl)
		if last := e.ResetAt.Add(2*ttl - time.Microsecond); e.window.Length() == 0 && last.Before(deadline) {
			deadline = last
		}
		if e.over.IsZero() && !deadline.After(now) {
			e.lost = spending{deadline, e.rest()}
			e.over = deadline
		}
	}
}

// counts reports whether what was spent at a time counts in a sliding window now.
func (m *model) counts(w limits.Window, at time.Time) bool {
	return m.release(w, at).After(m.now)
}

func (m *model) release(w limits.Window, at time.Time) time.Time {
	end := at.Truncate(0).UnixMicro()/w.Bucket().Microseconds() + 1
	return time.UnixMicro((end + limits.WindowBuckets) * w.Bucket().Microseconds())
}

func (m *model) usage(q limits.Quota) limits.Usage {
	id, _, reset := q.Window.Bounds(m.now, time.UTC)
	sliding := q.Window.Length() > 0
	if sliding {
		reset = m.release(q.Window, m.now)
	}
	var u limits.Usage
	count := func(sum *int64, s spending) {
		switch {
		case s.n == 0, sliding && !m.counts(q.Window, s.at):
			return
		case sliding && m.release(q.Window, s.at).Before(reset):
			reset = m.release(q.Window, s.at)
		}
		*sum += s.n
	}
	for _, e := range m.leases {
		if e.Window != id {
			continue
		}
		for _, c := range e.charges {
			count(&u.Charged, c)
		}
		count(&u.Forfeited, e.lost)
		u.Outstanding += e.rest()
		if !sliding {
			u.Returned += e.returned
		}
	}
	u.Granted = u.Charged + u.Forfeited + u.Outstanding + u.Returned
	u.Left = max(0, q.Events-u.Granted+u.Returned)
	u.ResetAt = reset
	return u
}

func (m *model) lease(q limits.Quota, want int64, id string) limits.Lease {
	wid, _, _ := q.Window.Bounds(m.now, time.UTC)
	u := m.usage(q)
	l := limits.Lease{ID: id, Key: key, Window: wid, ResetAt: u.ResetAt, Ends: u.ResetAt.Sub(m.now)}
	if u.Left == 0 {
		return l
	}
	l.Events = min(want, max(1, u.Left/limits.Share))
	l.Left = u.Left - l.Events
	if q.Window.Length() > 0 {
		l.Ends = ttl - ttl/10
	}
	m.leases = append(m.leases, &entry{Lease: l, window: q.Window, contact: m.now})
	return l
}

func (m *model) report(e *entry, spent int64, done bool) error {
	switch {
	case e.lost != spending{}:
		return limits.ErrForfeited
	case !e.over.IsZero():
		return nil
	}
	if n := min(spent, e.Events) - e.charged(); n > 0 {
		e.charges = append(e.charges, spending{m.now, n})
	}
	e.contact = m.now
	if done {
		e.returned, e.over = e.rest(), m.now
	}
	return nil
}

// recent picks a lease that the counter may not have forgotten.
func (m *model) recent(random *rand.Rand) *entry {
	known := slices.DeleteFunc(slices.Clone(m.leases), func(e *entry) bool {
		limit := 5 * time.Second
		if e.lost != (spending{}) {
			limit = ttl
		}
		return !e.over.IsZero() && m.now.Sub(e.over) >= limit
	})
	if len(known) == 0 {
		return nil
	}
	return known[random.IntN(len(known))]
}

func againstTheModel(t *testing.T, b *bench) {
	for seed := range uint64(8) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			b := newBench(t, b.make, Options{Start: noon, Location: time.UTC, LeaseTTL: ttl})
			random := rand.New(rand.NewPCG(3, seed))
			m := &model{}
			for step := range 1500 {
				m.expire(b.Now())
				if err := b.compare(random, m, fmt.Sprint("s", step)); err != nil {
					t.Fatalf("step %d, %v: %v", step, b.Now().Sub(noon), err)
				}
			}
		})
	}
}

var modelWindows = []limits.Window{limits.Minute, limits.Hour, limits.SlidingSecond, limits.SlidingMinute, limits.SlidingHour}

// compare does something random, and returns an error when the counter answers unlike the model.
func (b *bench) compare(random *rand.Rand, m *model, id string) error {
	node := b.Nodes[random.IntN(len(b.Nodes))]
	q := limits.Quota{
		Events: []int64{1, 10, 200, 200, 200, 150}[random.IntN(6)],
		Window: modelWindows[random.IntN(len(modelWindows))],
	}
	e := m.recent(random)
	switch move := random.IntN(10); {
	case move < 3 || e == nil:
		return b.compareLease(random, node, m, q, id)
	case move < 4:
		b.Advance(pause(random, m.now, q.Window))
		return nil
	case move < 7:
		spent, done := random.Int64N(e.Events+2), random.IntN(2) == 0
		call := node.Settle
		if done {
			call = node.Return
		}
		got, want := call(b.t.Context(), key, e.ID, spent), m.report(e, spent, done)
		if !errors.Is(got, want) {
			return fmt.Errorf("%d of %s: %w, want %w", spent, e.ID, got, want)
		}
		return nil
	}
	got, err := node.Usage(b.t.Context(), key, q)
	if err != nil {
		return err
	}
	want := m.usage(q)
	if !got.ResetAt.Equal(want.ResetAt) {
		return fmt.Errorf("usage of %v: %+v, want %+v", q, got, want)
	}
	if got.ResetAt = want.ResetAt; got != want {
		return fmt.Errorf("usage of %v: %+v, want %+v", q, got, want)
	}
	return nil
}

func (b *bench) compareLease(random *rand.Rand, node limits.Counter, m *model, q limits.Quota, id string) error {
	r := limits.Request{Key: key, Quota: q, Want: 1 + random.Int64N(40), ID: id}
	if e := m.recent(random); e != nil && random.IntN(2) == 0 {
		report := limits.Report{ID: e.ID, Spent: random.Int64N(e.Events + 1), Done: random.IntN(2) == 0}
		r.Reports = append(r.Reports, report)
		_ = m.report(e, report.Spent, report.Done)
	}
	want := m.lease(q, r.Want, id)
	for range 1 + random.IntN(2) {
		got, err := node.Lease(b.t.Context(), r)
		if err != nil {
			return err
		}
		if !got.ResetAt.Equal(want.ResetAt) {
			return fmt.Errorf("lease %+v: %+v, want %+v", r, got, want)
		}
		if got.ResetAt = want.ResetAt; got != want {
			return fmt.Errorf("lease %+v: %+v, want %+v", r, got, want)
		}
	}
	return nil
}

// pause is a time that may end just before, at or after something.
func pause(random *rand.Rand, now time.Time, w limits.Window) time.Duration {
	_, _, end := w.Bounds(now, time.UTC)
	if w.Length() > 0 {
		end = now.Add(w.Bucket())
	}
	longest := []time.Duration{time.Millisecond, time.Second, ttl, 3 * ttl, time.Hour}
	return []time.Duration{
		time.Microsecond,
		time.Duration(random.Int64N(int64(longest[random.IntN(len(longest))]))).Truncate(time.Microsecond),
		end.Sub(now),
		end.Sub(now) - time.Microsecond,
		ttl,
		ttl - time.Microsecond,
	}[random.IntN(6)]
}

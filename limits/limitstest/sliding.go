package limitstest

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/limits"
)

// A spending is events that were spent at one moment.
type spending struct {
	at time.Time
	n  int64
}

// A holder spends one lease at a time as it may, and settles it late.
type holder struct {
	lease limits.Lease
	spent int64
	until time.Time // it may spend no longer
}

func slidingIntervals(t *testing.T, b *bench) {
	for _, w := range []limits.Window{limits.SlidingSecond, limits.SlidingMinute, limits.SlidingHour} {
		q := limits.Quota{Events: 500, Window: w}
		random := rand.New(rand.NewPCG(1, uint64(w)))
		holders := make([]holder, 5)
		var spent []spending
		for step := range 3000 {
			h := &holders[random.IntN(len(holders))]
			if n := b.oneMove(random, h, q, fmt.Sprint(w, " ", step)); n > 0 {
				spent = append(spent, spending{b.Now(), n})
			}
			if random.IntN(3) == 0 {
				b.Advance(time.Duration(random.Int64N(int64(w.Length()) / 100)))
			}
		}
		b.checkIntervals(q, spent)
	}
}

// oneMove lets h do something it may do, and returns how many events it spent.
func (b *bench) oneMove(random *rand.Rand, h *holder, q limits.Quota, id string) int64 {
	open := h.lease.Events > 0 && b.Now().Before(h.until)
	switch move := random.IntN(20); {
	case !open:
		h.lease = b.lease(q, 1+random.Int64N(64), id)
		h.spent, h.until = 0, b.Now().Add(h.lease.Ends)
	case move == 0: // it dies, or forgets
		h.lease = limits.Lease{}
	case move == 1:
		b.giveBack(h.lease.ID, h.spent)
		h.lease = limits.Lease{}
	case move < 5:
		b.settle(h.lease.ID, h.spent)
		h.until = b.Now().Add(h.lease.Ends)
	default:
		n := min(1+random.Int64N(20), h.lease.Events-h.spent)
		if h.spent += n; n == 0 {
			b.giveBack(h.lease.ID, h.spent)
			h.lease = limits.Lease{}
		}
		return n
	}
	return 0
}

func (b *bench) checkIntervals(q limits.Quota, spent []spending) {
	b.t.Helper()
	var in, total int64
	first := 0
	for _, s := range spent {
		in += s.n
		total += s.n
		for ; spent[first].at.Before(s.at.Add(-q.Window.Length())); first++ {
			in -= spent[first].n
		}
		if in > q.Events {
			b.t.Fatalf("%v: %d events in the time before %v, of %d", q.Window, in, s.at, q.Events)
		}
	}
	whole := spent[len(spent)-1].at.Sub(spent[0].at)
	if might := q.Events * int64(whole/q.Window.Length()); total < might/3 {
		b.t.Errorf("%v: only %d events in %v, where there might be %d", q.Window, total, whole, might)
	}
}

func slidingReset(t *testing.T, b *bench) {
	for _, w := range []limits.Window{limits.SlidingSecond, limits.SlidingMinute, limits.SlidingHour, limits.SlidingDay, limits.SlidingMonth} {
		q := limits.Quota{Events: 3, Window: w}
		for range 3 {
			id := fmt.Sprint(w, b.Now())
			b.lease(q, 1, id)
			b.giveBack(id, 1)
			b.Advance(w.Length() / 10)
		}
		first := b.Now().Add(-3 * (w.Length() / 10))
		l := b.lease(q, 1, fmt.Sprint(w, " none"))
		if l.Events != 0 || !b.Now().Add(l.Ends).Equal(l.ResetAt) {
			t.Fatalf("%v: %+v", w, l)
		}
		if after := l.ResetAt.Sub(first); after <= w.Length() || after > w.Length()+2*w.Bucket() {
			t.Errorf("%v: the first event comes back after %v", w, after)
		}
		b.Advance(l.Ends - time.Microsecond)
		if l := b.lease(q, 1, fmt.Sprint(w, " early")); l.Events != 0 || l.Ends != time.Microsecond {
			t.Errorf("%v: a moment too early: %+v", w, l)
		}
		b.Advance(time.Microsecond)
		if l := b.lease(q, 3, fmt.Sprint(w, " in time")); l.Events != 1 || l.Left != 0 {
			t.Errorf("%v: when it should be back: %+v", w, l)
		}
	}
}

func slidingForfeit(t *testing.T, b *bench) {
	w := limits.SlidingHour
	q := limits.Quota{Events: 32, Window: w}
	b.lease(q, 2, "x")
	b.Advance(ttl)
	b.usage(q, limits.Usage{Granted: 2, Forfeited: 2, Left: 30})
	b.Advance(w.Length())
	b.usage(q, limits.Usage{Granted: 2, Forfeited: 2, Left: 30})
	b.Advance(2 * w.Bucket())
	b.usage(q, limits.Usage{Left: 32})

	b.lease(q, 2, "y")
	b.Advance(2 * w.Length()) // nobody asks meanwhile
	b.usage(q, limits.Usage{Left: 32})
}

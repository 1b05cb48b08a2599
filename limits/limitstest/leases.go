package limitstest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/limits"
)

func shares(t *testing.T, b *bench) {
	q := limits.Quota{Events: 100, Window: limits.Day}
	if l := b.lease(q, 2, "few"); l.Events != 2 || l.Left != 98 {
		t.Errorf("2 are wanted of 100: %+v", l)
	}
	left := int64(98)
	var blocks []int64
	for left > 0 {
		l := b.lease(q, 64, fmt.Sprint("many ", left))
		if want := max(1, left/limits.Share); l.Events != want || l.Left != left-want {
			t.Fatalf("with %d left: %+v", left, l)
		}
		left = l.Left
		blocks = append(blocks, l.Events)
	}
	if blocks[0] != 6 || !slices.IsSortedFunc(blocks, func(a, b int64) int { return int(b - a) }) || blocks[len(blocks)-16] != 1 {
		t.Errorf("blocks = %v", blocks)
	}
	if l := b.lease(q, 64, "none"); l.Events != 0 || l.Left != 0 {
		t.Errorf("nothing is left: %+v", l)
	}
	b.usage(q, limits.Usage{Granted: 100, Outstanding: 100})
}

func ends(t *testing.T, b *bench) {
	minute := limits.Quota{Events: 1, Window: limits.Minute}
	for _, id := range []string{"first", "none"} {
		l := b.lease(minute, 1, id)
		if l.Ends != 29500*time.Millisecond || !l.ResetAt.Equal(noon.Add(l.Ends)) {
			t.Errorf("%s: ends in %v, at %v", id, l.Ends, l.ResetAt)
		}
	}
	b.Advance(10 * time.Second)
	if l := b.lease(minute, 1, "first"); l.Ends != 19500*time.Millisecond || !l.ResetAt.Equal(noon.Add(29500*time.Millisecond)) {
		t.Errorf("later: ends in %v, at %v", l.Ends, l.ResetAt)
	}
	sliding := limits.Quota{Events: 100, Window: limits.SlidingDay}
	if l := b.lease(sliding, 1, "sliding"); l.Ends <= 0 || l.Ends >= ttl {
		t.Errorf("in a sliding window a lease may be spent for %v, of the %v until it is forfeited", l.Ends, ttl)
	}
}

func repeated(t *testing.T, b *bench) {
	q := limits.Quota{Events: 1000, Window: limits.Day}
	first := b.lease(q, 10, "x")
	for _, node := range b.Nodes {
		again, err := node.Lease(t.Context(), limits.Request{Key: key, Quota: q, Want: 20, ID: "x"})
		if err != nil || again != first {
			t.Errorf("%+v, %v, want %+v", again, err, first)
		}
	}
	b.usage(q, limits.Usage{Granted: 10, Outstanding: 10, Left: 990})
	b.giveBack("x", 3)
	if again := b.lease(q, 10, "x"); again.Events != first.Events || again.Left != first.Left {
		t.Errorf("after it was returned: %+v", again)
	}
	b.usage(q, limits.Usage{Granted: 10, Charged: 3, Returned: 7, Left: 997})
}

func nothingIsForgotten(t *testing.T, b *bench) {
	q := limits.Quota{Events: 1, Window: limits.Day}
	b.lease(q, 1, "x")
	if l := b.lease(q, 1, "y"); l.Events != 0 {
		t.Fatalf("%+v", l)
	}
	b.giveBack("x", 0)
	if l := b.lease(q, 1, "y"); l.Events != 1 {
		t.Errorf("%+v", l)
	}
}

func returned(t *testing.T, b *bench) {
	q := limits.Quota{Events: 160, Window: limits.Day}
	if l := b.lease(q, 10, "x"); l.Events != 10 {
		t.Fatalf("%+v", l)
	}
	b.giveBack("x", 4)
	want := limits.Usage{Granted: 10, Charged: 4, Returned: 6, Left: 156}
	b.usage(q, want)
	for _, spent := range []int64{0, 4, 10} {
		b.giveBack("x", spent)
		b.settle("x", spent)
	}
	b.usage(q, want)
	b.Advance(time.Hour) // and it is forgotten by now
	b.giveBack("x", 4)
	b.giveBack("never heard of", 4)
	b.usage(q, want)
	if n := b.drain(q); n != 156 {
		t.Errorf("%d events were left, want 156", n)
	}
}

func settled(t *testing.T, b *bench) {
	q := limits.Quota{Events: 160, Window: limits.Day}
	b.lease(q, 10, "x")
	for _, step := range []struct{ spent, charged int64 }{{3, 3}, {1, 3}, {0, 3}, {7, 7}, {7, 7}, {100, 10}} {
		b.settle("x", step.spent)
		b.usage(q, limits.Usage{Granted: 10, Charged: step.charged, Outstanding: 10 - step.charged, Left: 150})
	}
	b.lease(q, 5, "y")
	b.settle("y", 4)
	b.giveBack("y", 2) // less than was charged
	b.usage(q, limits.Usage{Granted: 15, Charged: 14, Returned: 1, Left: 146})
}

func keptAlive(t *testing.T, b *bench) {
	q := limits.Quota{Events: 160, Window: limits.Day}
	b.lease(q, 10, "x")
	for range 5 {
		b.Advance(ttl - time.Microsecond)
		b.settle("x", 1)
	}
	b.Advance(ttl - time.Microsecond)
	b.usage(q, limits.Usage{Granted: 10, Charged: 1, Outstanding: 9, Left: 150})
	b.Advance(time.Microsecond)
	b.usage(q, limits.Usage{Granted: 10, Charged: 1, Forfeited: 9, Left: 150})
}

func forfeited(t *testing.T, b *bench) {
	q := limits.Quota{Events: 32, Window: limits.Hour}
	b.lease(q, 2, "x")
	b.settle("x", 1)
	b.lease(q, 1, "y")
	b.settle("y", 1) // nothing of it is lost
	b.Advance(ttl)
	want := limits.Usage{Granted: 3, Charged: 2, Forfeited: 1, Left: 29}
	b.usage(q, want)
	b.gone("settle", b.Nodes[0].Settle(t.Context(), key, "x", 2))
	b.gone("return", b.Nodes[0].Return(t.Context(), key, "x", 2))
	_, err := b.Nodes[0].Lease(t.Context(), limits.Request{Key: key, Quota: q, Want: 2, ID: "x"})
	b.gone("lease", err)
	b.gone("settle a stranger", b.Nodes[0].Settle(t.Context(), key, "never heard of", 2))
	b.usage(q, want)
	if n := b.drain(q); n != 29 {
		t.Errorf("%d events were left, want 29", n)
	}
}

func reports(t *testing.T, b *bench) {
	q := limits.Quota{Events: 160, Window: limits.Day}
	b.lease(q, 10, "kept")
	b.lease(q, 9, "done")
	b.lease(q, 8, "lost")
	b.Advance(ttl - time.Second)
	r := limits.Request{Key: key, Quota: q, Want: 100, ID: "new", Reports: []limits.Report{
		{ID: "kept", Spent: 1},
		{ID: "done", Spent: 2, Done: true},
		{ID: "never heard of", Spent: 1},
	}}
	for range 2 {
		if l, err := b.Nodes[0].Lease(t.Context(), r); err != nil || l.Events != 8 || l.Left != 132 {
			t.Errorf("%+v, %v", l, err)
		}
	}
	b.usage(q, limits.Usage{Granted: 35, Charged: 3, Returned: 7, Outstanding: 25, Left: 132})
	b.Advance(time.Second)
	b.usage(q, limits.Usage{Granted: 35, Charged: 3, Returned: 7, Forfeited: 8, Outstanding: 17, Left: 132})
	r.ID, r.Reports = "newer", []limits.Report{{ID: "lost", Spent: 8}}
	if l, err := b.Nodes[0].Lease(t.Context(), r); err != nil || l.Events != 8 {
		t.Errorf("with a report about a lease that is forfeited: %+v, %v", l, err)
	}
	b.usage(q, limits.Usage{Granted: 43, Charged: 3, Returned: 7, Forfeited: 8, Outstanding: 25, Left: 124})
}

func quotaChanges(t *testing.T, b *bench) {
	q := limits.Quota{Events: 320, Window: limits.Day}
	b.lease(q, 20, "x")
	q.Events = 10
	if l := b.lease(q, 1, "y"); l.Events != 0 || l.Left != 0 {
		t.Errorf("20 of 10 are granted: %+v", l)
	}
	b.usage(q, limits.Usage{Granted: 20, Outstanding: 20})
	b.giveBack("x", 8)
	if n := b.drain(q); n != 2 {
		t.Errorf("%d events were left, want 2", n)
	}
	q.Events = 170
	if l := b.lease(q, 100, "z"); l.Events != 10 || l.Left != 150 {
		t.Errorf("10 of 170 are used: %+v", l)
	}
}

func unlimited(t *testing.T, b *bench) {
	for _, w := range []limits.Window{limits.Day, limits.SlidingDay} {
		q := limits.Quota{Events: limits.Unlimited, Window: w}
		id := w.String()
		if l := b.lease(q, 1<<40, id); l.Events != 1<<40 || l.Left != limits.Unlimited {
			t.Errorf("%+v", l)
		}
		b.settle(id, 1<<40-1)
		b.usage(q, limits.Usage{Granted: 1 << 40, Charged: 1<<40 - 1, Outstanding: 1, Left: limits.Unlimited})
		most := limits.Quota{Events: limits.MaxEvents, Window: w}
		b.usage(most, limits.Usage{Granted: 1 << 40, Charged: 1<<40 - 1, Outstanding: 1, Left: limits.MaxEvents - 1<<40})
		const odd = limits.MaxEvents/limits.Share - 1<<36 - 1 // not a round number in any base
		if l := b.lease(most, odd, id+" most"); l.Events != odd || l.Left != limits.MaxEvents-1<<40-odd {
			t.Errorf("%d: %+v", odd, l)
		}
		b.settle(id+" most", odd-2)
		b.usage(most, limits.Usage{Granted: 1<<40 + odd, Charged: 1<<40 + odd - 3, Outstanding: 3, Left: limits.MaxEvents - 1<<40 - odd})
	}
}

package memory_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/limits"
	"github.com/sluice-gateway/sluice/limits/limitstest"
	"github.com/sluice-gateway/sluice/limits/memory"
)

func TestContract(t *testing.T) {
	limitstest.Run(t, func(_ *testing.T, o limitstest.Options) limitstest.Backbone {
		var now atomic.Int64
		now.Store(o.Start.UnixMicro())
		clock := func() time.Time { return time.UnixMicro(now.Load()) }
		c := memory.New(memory.Options{Now: clock, Location: o.Location, LeaseTTL: o.LeaseTTL})
		return limitstest.Backbone{
			Nodes:   []limits.Counter{c, c, c},
			Now:     clock,
			Advance: func(d time.Duration) { now.Add(d.Microseconds()) },
		}
	})
}

func TestWhatIsOverIsForgotten(t *testing.T) {
	now := time.Date(2026, time.May, 13, 0, 0, 0, 0, time.UTC)
	c := memory.New(memory.Options{Now: func() time.Time { return now }})
	for _, w := range []limits.Window{limits.Second, limits.SlidingSecond} {
		for i := range 1000 {
			lease(t, c, fmt.Sprint(w, i), w)
		}
	}
	if c.Keys() != 2000 {
		t.Errorf("%d keys, want 2000", c.Keys())
	}
	now = now.Add(2 * time.Hour)
	for range 2000 {
		lease(t, c, "one", limits.Hour)
	}
	if c.Keys() > 200 { // those that chance has not looked at yet
		t.Errorf("%d keys are kept", c.Keys())
	}
}

func TestACallerWhoHasGoneIsRefused(t *testing.T) {
	c := memory.New(memory.Options{})
	ctx, cancel := context.WithCancelCause(t.Context())
	reason := errors.New("the node stops")
	cancel(reason)
	q := limits.Quota{Events: 1, Window: limits.Day}
	if _, err := c.Lease(ctx, limits.Request{Key: "k", Quota: q, Want: 1, ID: "x"}); !errors.Is(err, reason) {
		t.Errorf("Lease: %v", err)
	}
	if err := c.Settle(ctx, "k", "x", 1); !errors.Is(err, reason) {
		t.Errorf("Settle: %v", err)
	}
	if _, err := c.Usage(ctx, "k", q); !errors.Is(err, reason) {
		t.Errorf("Usage: %v", err)
	}
}

func BenchmarkLease(b *testing.B) {
	c := memory.New(memory.Options{})
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		id := fmt.Sprint(i)
		_, err := c.Lease(b.Context(), limits.Request{Key: "k", Quota: limits.Quota{Events: limits.MaxEvents, Window: limits.Day}, Want: 64, ID: id})
		if err == nil {
			err = c.Return(b.Context(), "k", id, 64)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}

var ids atomic.Int64

func lease(t *testing.T, c *memory.Counter, key string, w limits.Window) {
	t.Helper()
	r := limits.Request{Key: key, Quota: limits.Quota{Events: limits.Unlimited, Window: w}, Want: 1, ID: fmt.Sprint(ids.Add(1))}
	if _, err := c.Lease(t.Context(), r); err != nil {
		t.Fatal(err)
	}
}

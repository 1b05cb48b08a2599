package live

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/internal/work"
)

// until waits for something that other goroutines do.
func until(t testing.TB, holds func() bool) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-deadline:
			t.Error("never")
			return
		case <-tick.C:
		}
	}
}

// orderly is a member that checks the order of what it gets.
type orderly struct {
	t    *testing.T
	busy atomic.Bool
	last atomic.Uint64
	data atomic.Int64 // what it got last
}

func (o *orderly) Next(v *Version) {
	if o.busy.Swap(true) {
		o.t.Error("two deliveries to a member at a time")
	}
	n, err := strconv.ParseInt(string(v.Data()), 10, 64)
	if err != nil {
		o.t.Error(err)
	}
	o.data.Store(n)
	if before := o.last.Swap(v.Number()); before >= v.Number() {
		o.t.Errorf("version %d after %d", v.Number(), before)
	}
	o.busy.Store(false)
}

// counters is what the queries of these tests read: one number each.
type counters [4]atomic.Int64

func (c *counters) spec(i int) func() Spec {
	return func() Spec {
		return Spec{Interval: 200 * time.Microsecond, Run: func(context.Context) Result {
			text := strconv.AppendInt(nil, c[i].Load(), 10)
			return Result{Body: text, Data: text, Print: text, Keys: []string{fmt.Sprint(i)}}
		}}
	}
}

func TestManyJoinLeaveAndInvalidateAtOnce(t *testing.T) {
	pool := work.NewPool()
	defer pool.Close()
	g := NewGroups(pool, Options{Reconcile: 24 * time.Hour, Linger: 300 * time.Microsecond, Log: slog.New(slog.DiscardHandler)})
	defer g.Close()
	var c counters
	join := func(i int) (*orderly, *Membership) {
		o := &orderly{t: t}
		m, err := g.Join(Key{byte(i)}, c.spec(i), o, i%2 == 0)
		if err != nil {
			t.Error(err)
		}
		return o, m
	}
	var stayed []*orderly
	var memberships []*Membership
	for i := range len(c) {
		o, m := join(i)
		stayed, memberships = append(stayed, o), append(memberships, m)
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 2000 {
				i := rand.IntN(len(c))
				least := c[i].Add(1)
				g.Invalidate(fmt.Sprint(i))
				o, m := join(i)
				if rand.IntN(50) == 0 {
					until(t, func() bool { return o.last.Load() > 0 })
					if got := o.data.Load(); got < least {
						t.Errorf("somebody joined at %d and got %d", least, got)
					}
				}
				m.Leave()
			}
		})
	}
	all.Wait()
	for i, o := range stayed {
		until(t, func() bool { return o.data.Load() == c[i].Load() })
		memberships[i].Leave()
	}
	until(t, func() bool {
		s := g.Stats()
		return s.Groups == 0 && s.Members == 0 && s.Keys == 0
	})
}

func TestCloseWhileManyJoin(t *testing.T) {
	pool := work.NewPool()
	defer pool.Close()
	g := NewGroups(pool, Options{Linger: 100 * time.Microsecond, Log: slog.New(slog.DiscardHandler)})
	var c counters
	var all sync.WaitGroup
	for i := range len(c) {
		all.Go(func() {
			for {
				m, err := g.Join(Key{byte(i)}, c.spec(i), &orderly{t: t}, false)
				if errors.Is(err, ErrClosed) {
					return
				}
				g.Invalidate(fmt.Sprint(i))
				m.Leave()
			}
		})
	}
	until(t, func() bool { return g.Stats().Runs > 100 })
	g.Close()
	all.Wait()
	until(t, func() bool { s := g.Stats(); return s.Groups == 0 && s.Members == 0 && s.Keys == 0 })
}

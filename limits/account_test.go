package limits_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-gateway/sluice/limits"
)

// expect takes once.
func expect(t *testing.T, a *limits.Account, want limits.Verdict) limits.Term {
	t.Helper()
	term, v := a.Take()
	if v != want {
		t.Errorf("take: %v, want %v", v, want)
	}
	return term
}

func TestAnAccountLooksForAFirstEventWhenItIsOpened(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := &line{Counter: newMemory()}
		c.slow.Store(int64(time.Millisecond))
		a := open(t, c, quiet).Open(key, perDay, limits.Stop)
		expect(t, a, limits.Pending)
		if s := a.State(); s.Limit != 1000 || s.Remaining != 1000 || s.Exhausted || !s.ResetAt.IsZero() {
			t.Errorf("before the counter has answered: %+v", s)
		}
		time.Sleep(2 * time.Millisecond)
		synctest.Wait()
		expect(t, a, limits.Taken)
		_, _, midnight := limits.Day.Bounds(time.Now(), time.UTC)
		if s := a.State(); s.Remaining != 999 || !s.ResetAt.Equal(midnight) {
			t.Errorf("%+v", s)
		}
	})
}

func TestBlocksGrowWithTheRateAndShrink(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := &line{Counter: newMemory()}
		a := open(t, c, quiet).Open(key, limits.Quota{Events: 1_000_000, Window: limits.Month}, limits.Stop)
		leasesOf := func(n int, every time.Duration) int64 {
			before := c.leases.Load()
			for range n {
				time.Sleep(every)
				synctest.Wait()
				expect(t, a, limits.Taken)
			}
			synctest.Wait()
			return c.leases.Load() - before
		}
		if n := leasesOf(1000, 500*time.Microsecond); n < 25 || n > 45 {
			t.Errorf("%d leases for 1000 events at 2000/s", n)
		}
		if n := leasesOf(1000, 500*time.Microsecond); n < 28 || n > 36 {
			t.Errorf("%d leases for 1000 events more: half a block of 64 is asked for each time", n)
		}
		if n := c.reports.Load(); n > 8 {
			t.Errorf("%d leases are held at a time", n)
		}
		leasesOf(100, 9*time.Second)
		if n := leasesOf(100, 9*time.Second); n < 80 {
			t.Errorf("%d leases for 100 events, one in 9 s: the blocks are still large", n)
		}
	})
}

func TestABlockThatNobodyTouchesIsReturned(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := &line{Counter: newMemory()}
		b := open(t, c, quiet)
		a := b.Open(key, perDay, limits.Stop)
		for range 50 {
			take(a)
		}
		time.Sleep(9 * time.Second)
		if u := usage(t, c, perDay); u.Outstanding == 0 || u.Charged != 50 {
			t.Errorf("after 9 s: %+v", u)
		}
		time.Sleep(11 * time.Second)
		synctest.Wait()
		if u := usage(t, c, perDay); u.Outstanding != 0 || u.Charged != 50 || u.Left != 950 {
			t.Errorf("after 20 s: %+v", u)
		}
		before := c.calls.Load()
		time.Sleep(time.Hour)
		if n := c.calls.Load() - before; n != 0 {
			t.Errorf("an idle account makes %d calls in an hour", n)
		}
		if n, _ := takeAll(a); n != 950 {
			t.Errorf("%d events, want 950", n)
		}
		balanced(t, b)
	})
}

func TestAnExhaustedAccountIsUsableAgainAtItsReset(t *testing.T) {
	for _, w := range []limits.Window{limits.Minute, limits.SlidingMinute} {
		t.Run(w.String(), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				c := &line{Counter: newMemory()}
				b := open(t, c, quiet)
				a := b.Open(key, limits.Quota{Events: 5, Window: w}, limits.Stop)
				for round := range 5 {
					if n, last := takeAll(a); n != 5 || last != limits.Exhausted {
						t.Fatalf("round %d: %d events, %v", round, n, last)
					}
					s := a.State()
					if !s.Exhausted || s.Remaining != 0 || s.Limit != 5 || !s.ResetAt.After(time.Now()) {
						t.Errorf("%+v", s)
					}
					time.Sleep(time.Until(s.ResetAt) - time.Microsecond)
					expect(t, a, limits.Exhausted)
					if round%2 == 0 {
						time.Sleep(time.Microsecond)
					} else {
						time.Sleep(time.Hour) // nobody asks when it might
					}
					synctest.Wait()
					if s := a.State(); s.Exhausted {
						t.Errorf("at its reset: %+v", s)
					}
				}
				balanced(t, b)
			})
		})
	}
}

func TestAnExhaustedAccountMakesFewCalls(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := &line{Counter: newMemory()}
		a := open(t, c, quiet).Open(key, limits.Quota{Events: 5, Window: limits.Month}, limits.Stop)
		takeAll(a)
		synctest.Wait()
		before := c.leases.Load()
		time.Sleep(time.Hour)
		if n := c.leases.Load() - before; n > 1 {
			t.Errorf("%d requests in an hour in which nobody asks", n)
		}
		before = c.leases.Load()
		for range 3600 {
			expect(t, a, limits.Exhausted)
			time.Sleep(time.Second)
		}
		if n := c.leases.Load() - before; n < 700 || n > 721 {
			t.Errorf("%d requests in an hour, want one in 5 s", n)
		}
	})
}

func TestWhatAnotherNodeReturnsIsFound(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newMemory()
		q := limits.Quota{Events: 40, Window: limits.Month}
		one, other := open(t, c, quiet).Open(key, q, limits.Stop), open(t, c, quiet).Open(key, q, limits.Stop)
		synctest.Wait()
		if n, _ := takeAll(one); n != 39 {
			t.Fatalf("%d events, want 39", n)
		}
		other.Close()
		expect(t, one, limits.Exhausted)
		time.Sleep(6 * time.Second)
		synctest.Wait()
		expect(t, one, limits.Taken)
	})
}

func TestALeaseIsNotCarriedIntoTheNextWindow(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newMemory()
		b := open(t, c, quiet)
		a := b.Open(key, perSecond, limits.Stop)
		time.Sleep(time.Until(time.Now().Truncate(time.Second).Add(time.Second)) + 700*time.Millisecond)
		for range 20 {
			take(a)
		}
		time.Sleep(299 * time.Millisecond)
		synctest.Wait()
		u := usage(t, c, perSecond)
		term := expect(t, a, limits.Taken)
		time.Sleep(time.Millisecond)
		synctest.Wait()
		after := usage(t, c, perSecond)
		if u.Charged < 10 || u.Outstanding == 0 || after.Charged != 0 || after.Granted == 0 {
			t.Errorf("%+v, then %+v", u, after)
		}
		expect(t, a, limits.Taken)
		if n := a.Give(term, 1); n != 0 {
			t.Error("an event of the window before is given back into this one")
		}
		if n, _ := takeAll(a); n != 99 {
			t.Errorf("%d events more in the next window, want 99", n)
		}
		if s := balanced(t, b); s.Charged != 121 {
			t.Errorf("%+v", s)
		}
	})
}

func TestTakeAllocatesNothing(t *testing.T) {
	b := open(t, newMemory(), limits.Options{Log: quiet.Log, MaxBlock: 1 << 20})
	a := b.Open(key, limits.Quota{Events: limits.MaxEvents, Window: limits.Month}, limits.Stop)
	for range 1 << 21 {
		take(a)
	}
	if n := testing.AllocsPerRun(1000, func() { a.Take() }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	free := b.Open("free", limits.Quota{Events: limits.Unlimited, Window: limits.Month}, limits.Stop)
	if n := testing.AllocsPerRun(1000, func() { free.Take() }); n != 0 {
		t.Errorf("%v allocations without a limit", n)
	}
	none := b.Open("none", limits.Quota{Events: 1, Window: limits.Month}, limits.Stop)
	takeAll(none)
	if n := testing.AllocsPerRun(1000, func() { none.Take() }); n != 0 {
		t.Errorf("%v allocations when the quota is used up", n)
	}
}

func TestVerdictsHaveNames(t *testing.T) {
	if got := fmt.Sprint(limits.Pending, limits.Taken, limits.Exhausted, limits.Unavailable, limits.Verdict(99)); got != "pending taken exhausted unavailable unknown" {
		t.Error(got)
	}
}

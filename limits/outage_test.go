package limits_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-gateway/sluice/limits"
	"github.com/sluice-gateway/sluice/limits/memory"
)

func TestFallbacks(t *testing.T) {
	for f, want := range map[limits.Fallback]limits.Verdict{limits.Stop: limits.Unavailable, limits.GoOn: limits.Taken} {
		t.Run(want.String(), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				c := &line{Counter: newMemory()}
				b := open(t, c, quiet)
				a := b.Open(key, perDay, f)
				for range 100 {
					take(a)
				}
				synctest.Wait()
				held := b.Stats().Held
				c.down.Store(true)
				for range held {
					expect(t, a, limits.Taken)
				}
				w := make(waker, 1)
				if _, v := a.Take(); v == limits.Pending { // the first attempt is under way
					a.Wait(w)
					<-w
				}
				synctest.Wait()
				term := expect(t, a, want)
				time.Sleep(time.Minute)
				expect(t, a, want)
				if b.Health() == nil {
					t.Error("the counter is away, and is said to answer")
				}
				s := b.Stats()
				if s.Failures < 12 || s.Failures > 22 {
					t.Errorf("%d attempts in a minute", s.Failures)
				}
				if f == limits.GoOn && (a.Overdraft() < 2 || s.Overdraft != a.Overdraft()) || f == limits.Stop && s.Overdraft != 0 {
					t.Errorf("overdraft: %d, %+v", a.Overdraft(), s)
				}
				over := a.Overdraft()
				if n := a.Give(term, 1); f == limits.GoOn && (n != 1 || a.Overdraft() != over-1) {
					t.Errorf("%d of what was overdrawn is given back", n)
				}
				c.down.Store(false)
				time.Sleep(6 * time.Second)
				synctest.Wait()
				expect(t, a, limits.Taken)
				if err := b.Health(); err != nil {
					t.Errorf("the counter answers, and is said to be away: %v", err)
				}
				n, _ := takeAll(a)
				if u := usage(t, c, perDay); n+101+held != u.Charged+u.Forfeited || u.Charged+u.Forfeited != 1000 {
					t.Errorf("%d and %d taken: %+v", n, held, u)
				}
				balanced(t, b)
			})
		})
	}
}

func TestAnAccountFallsBackAsTheLastOneToOpenItSays(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := &line{Counter: newMemory()}
		c.down.Store(true)
		b := open(t, c, quiet)
		a := b.Open(key, perDay, limits.Stop)
		synctest.Wait()
		expect(t, a, limits.Unavailable)
		b.Open(key, perDay, limits.GoOn)
		expect(t, a, limits.Taken)
		b.Open(key, limits.Quota{Events: 5, Window: limits.Day}, limits.Stop)
		expect(t, a, limits.Unavailable)
		c.down.Store(false)
	})
}

func TestAReplyThatIsLostCostsNothing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := &line{Counter: newMemory()}
		b := open(t, c, quiet)
		a := b.Open(key, perDay, limits.Stop)
		var n int64
		random := seeded(4)
		for range 3000 {
			c.loses.Store(random.IntN(3) == 0)
			if _, v := a.Take(); v == limits.Taken {
				n++
			}
			time.Sleep(10 * time.Millisecond)
		}
		c.loses.Store(false)
		time.Sleep(10 * time.Second)
		rest, last := takeAll(a)
		if n+rest != 1000 || last != limits.Exhausted {
			t.Errorf("%d events, of 1000; %v", n+rest, last)
		}
		synctest.Wait()
		balanced(t, b)
	})
}

func TestANodeThatWasCutOffLosesWhatItHeld(t *testing.T) {
	for _, w := range []limits.Window{limits.Month, limits.SlidingMonth} {
		t.Run(w.String(), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				c := &line{Counter: newMemory()}
				q := limits.Quota{Events: 1000, Window: w}
				b := open(t, c, quiet)
				a := b.Open(key, q, limits.Stop)
				for range 100 {
					take(a)
				}
				c.down.Store(true)
				time.Sleep(2 * time.Minute)
				synctest.Wait()
				forfeited := usage(t, c.Counter, q).Forfeited
				if forfeited == 0 {
					t.Fatal("nothing is forfeited")
				}
				if _, v := a.Take(); w == limits.SlidingMonth && v != limits.Unavailable {
					t.Errorf("%v: in a sliding window a forfeited lease must not be spent", v)
				}
				c.down.Store(false)
				time.Sleep(6 * time.Second)
				n, _ := takeAll(a)
				if u := usage(t, c, q); u.Forfeited != forfeited || u.Charged != 1000-forfeited || n > 1000-100 {
					t.Errorf("%d taken, then %+v", n, u)
				}
				if s := balanced(t, b); s.Forfeited != forfeited {
					t.Errorf("%+v, want %d forfeited", s, forfeited)
				}
			})
		})
	}
}

func TestWhatIsForfeitedIsNotSpent(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := &line{Counter: newMemory()}
		b := open(t, c, quiet)
		a := b.Open(key, perDay, limits.Stop)
		for range 200 {
			take(a)
		}
		time.Sleep(5 * time.Second)
		c.down.Store(true)
		for range 7 { // not idle, and holding some still
			time.Sleep(8 * time.Second)
			expect(t, a, limits.Taken)
		}
		c.down.Store(false)
		time.Sleep(6 * time.Second)
		synctest.Wait()
		u, s := usage(t, c, perDay), balanced(t, b)
		if u.Forfeited == 0 || s.Forfeited != u.Forfeited || s.Charged != u.Charged || s.Held != u.Outstanding {
			t.Errorf("%+v, %+v", s, u)
		}
	})
}

// A step that waits for the counter keeps nobody from noticing that a window ends.
func TestAWindowEndsWhileTheCounterIsSlow(t *testing.T) {
	for name, early := range map[string]time.Duration{
		"which the timer was set for":       500 * time.Millisecond,
		"before which a settlement was due": 5200 * time.Millisecond,
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				c := &line{Counter: newMemory()}
				end := time.Now().Truncate(time.Minute).Add(time.Minute)
				time.Sleep(time.Until(end) - early)
				a := open(t, c, quiet).Open(key, limits.Quota{Events: 1000, Window: limits.Minute}, limits.Stop)
				for range 30 {
					take(a)
				}
				synctest.Wait()
				time.Sleep(time.Until(end) - 250*time.Millisecond)
				c.slow.Store(int64(400 * time.Millisecond))
				calls := c.calls.Load()
				for synctest.Wait(); c.calls.Load() == calls; synctest.Wait() {
					expect(t, a, limits.Taken)
				}
				expect(t, a, limits.Taken) // something is held
				expect(t, a, limits.Taken)
				time.Sleep(time.Until(end) + 100*time.Millisecond)
				synctest.Wait()
				expect(t, a, limits.Pending)
			})
		})
	}
}

// A sliding window's lease lives from one settlement to the next, on both sides.
func TestALeaseOfASlidingWindowEndsWithoutSettlements(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := &line{Counter: newMemory()}
		a := open(t, c, quiet).Open(key, limits.Quota{Events: 1000, Window: limits.SlidingSecond}, limits.Stop)
		for range 100 {
			take(a)
		}
		synctest.Wait()
		time.Sleep(5500 * time.Millisecond)
		c.down.Store(true) // the last settlement was half a second ago
		for range 3 {
			time.Sleep(8 * time.Second)
			expect(t, a, limits.Taken)
		}
		time.Sleep(2400 * time.Millisecond)
		expect(t, a, limits.Taken)
		time.Sleep(200 * time.Millisecond) // it is forfeited in 3 s
		synctest.Wait()
		expect(t, a, limits.Unavailable)
		c.down.Store(false)
	})
}

// When the counter says that a window is over, it is, whatever the node's own clock says.
func TestTheCountersClockCounts(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var ahead atomic.Int64
		c := memory.New(memory.Options{Now: func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }})
		a := open(t, c, quiet).Open(key, perDay, limits.Stop)
		for range 100 {
			take(a)
		}
		synctest.Wait()
		ahead.Store(int64(24 * time.Hour))
		for range 100 {
			term := expect(t, a, limits.Taken)
			synctest.Wait()
			if u := usage(t, c, perDay); u.Granted > 0 {
				if n := a.Give(term, 1); n != 0 {
					t.Error("an event of yesterday is given back today")
				}
				n, _ := takeAll(a)
				if n != 1000 {
					t.Errorf("%d events of today", n)
				}
				return
			}
		}
		t.Error("no refill")
	})
}

func TestABadAccountDisturbsNoOther(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := open(t, newMemory(), quiet)
		bad := []*limits.Account{
			b.Open("no window", limits.Quota{Events: 1}, limits.Stop),
			b.Open("no events", limits.Quota{Window: limits.Day}, limits.Stop),
			b.Open("", perDay, limits.Stop),
		}
		good := b.Open(key, perDay, limits.Stop)
		for range 100 {
			time.Sleep(time.Second)
			synctest.Wait()
			for _, a := range bad {
				expect(t, a, limits.Unavailable)
			}
			expect(t, good, limits.Taken)
		}
		if err := b.Health(); err != nil {
			t.Errorf("the counter is said to be away: %v", err)
		}
	})
}

// Workers that all wait for a counter that hangs must not keep those waiting who could be told.
func TestManyAccountsLearnSoonThatTheCounterHangs(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := &line{Counter: newMemory()}
		c.slow.Store(int64(time.Hour))
		b := open(t, c, quiet)
		accounts := make([]*limits.Account, 1000)
		for i := range accounts {
			accounts[i] = b.Open(fmt.Sprint(i), perDay, limits.Stop)
		}
		time.Sleep(2100 * time.Millisecond) // two timeouts
		synctest.Wait()
		for _, a := range accounts {
			expect(t, a, limits.Unavailable)
		}
		before := c.calls.Load()
		time.Sleep(time.Minute)
		if n := c.calls.Load() - before; n < 8 || n > 25 {
			t.Errorf("%d calls in a minute", n)
		}
		c.slow.Store(0)
		time.Sleep(7 * time.Second)
		synctest.Wait()
		for _, a := range accounts {
			expect(t, a, limits.Taken)
		}
	})
}

package limits_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-gateway/sluice/limits"
)

var (
	perMonth  = limits.Quota{Events: 3000, Window: limits.Month}
	perDay    = limits.Quota{Events: 1000, Window: limits.Day}
	perSecond = limits.Quota{Events: 100, Window: limits.Second}
)

func TestWhereThereIsDemandAllOfTheQuotaIsTakenAndNoMore(t *testing.T) {
	for _, books := range []int{1, 3} {
		for run := range 20 {
			t.Run(fmt.Sprintf("%d books, run %d", books, run), func(t *testing.T) {
				q := limits.Quota{Events: perMonth.Events, Window: []limits.Window{limits.Month, limits.SlidingMonth}[run%2]}
				c := newMemory()
				var all []*limits.Book
				for range books {
					all = append(all, open(t, c, quiet))
				}
				var taken atomic.Int64
				together(4*books, func(i int) {
					a := all[i%books].Open(key, q, limits.Stop)
					defer a.Close()
					n, last := takeAll(a)
					taken.Add(n)
					if last != limits.Exhausted {
						t.Errorf("it ends with %v", last)
					}
				})
				if n := taken.Load(); n != q.Events {
					t.Errorf("%d events are taken, of %d", n, q.Events)
				}
				var sum int64
				for _, b := range all {
					closeBook(t, b)
					sum += balanced(t, b).Charged
				}
				if u := usage(t, c, q); u.Charged != q.Events || sum != q.Events || u.Outstanding != 0 {
					t.Errorf("%+v, and the books say %d", u, sum)
				}
			})
		}
	}
}

func TestManyAccountsKeepTheirQuotas(t *testing.T) {
	const accounts, quota = 200, 70
	c := newMemory()
	books := []*limits.Book{open(t, c, quiet), open(t, c, quiet), open(t, c, quiet)}
	var taken [accounts]atomic.Int64
	together(6, func(i int) {
		for n := range accounts {
			a := books[i%3].Open(fmt.Sprint("k", n), limits.Quota{Events: quota, Window: limits.Month}, limits.Stop)
			got, _ := takeAll(a)
			taken[n].Add(got)
			a.Close()
		}
	})
	for n := range taken {
		// An event that was held by one node when the others found nothing may be left.
		if got := taken[n].Load(); got > quota || got < quota-8 {
			t.Errorf("account %d: %d events, of %d", n, got, quota)
		}
	}
}

func TestWhatIsNotSpentIsReturned(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newMemory()
		b := open(t, c, quiet)
		first, second := b.Open(key, perDay, limits.Stop), b.Open(key, perDay, limits.Stop)
		if first != second {
			t.Fatal("two who open a key get different accounts")
		}
		for range 100 {
			take(first)
		}
		second.Close()
		synctest.Wait()
		if u := usage(t, c, perDay); u.Returned != 0 || u.Outstanding == 0 {
			t.Errorf("one has it open still: %+v", u)
		}
		first.Close()
		synctest.Wait()
		if u := usage(t, c, perDay); u.Charged != 100 || u.Outstanding != 0 || u.Left != 900 {
			t.Errorf("%+v", u)
		}
		if _, v := first.Take(); v != limits.Unavailable {
			t.Errorf("after Close: %v", v)
		}
		if s := balanced(t, b); s.Accounts != 0 || s.Held != 0 || s.Charged != 100 {
			t.Errorf("%+v", s)
		}
		open(t, c, quiet).Open(key, perDay, limits.Stop)
		synctest.Wait()
		again := b.Open(key, perDay, limits.Stop)
		if n, _ := takeAll(again); n != 899 { // the other book holds one
			t.Errorf("%d events, want 899", n)
		}
	})
}

func TestABookThatClosesReturnsEverything(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := &line{Counter: newMemory()}
		b := open(t, c, quiet)
		for i := range 50 {
			a := b.Open(fmt.Sprint(i), perDay, limits.Stop)
			for range i {
				take(a)
			}
			if i%2 == 0 {
				a.Close()
			}
		}
		closeBook(t, b)
		closeBook(t, b)
		s := balanced(t, b)
		if s.Held != 0 || s.Charged != 49*50/2 || s.Returned != s.Granted-s.Charged {
			t.Errorf("%+v", s)
		}
		late := b.Open("late", perDay, limits.GoOn)
		if _, v := late.Take(); v != limits.Unavailable {
			t.Errorf("an account of a closed book: %v", v)
		}
		late.SetQuota(limits.Quota{Events: limits.Unlimited, Window: limits.Day})
		if _, v := late.Take(); v != limits.Unavailable {
			t.Errorf("an unlimited account of a closed book: %v", v)
		}
		late.Close()
	})
}

func TestClosingEndsInTimeWithoutTheCounter(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := &line{Counter: newMemory()}
		for name, away := range map[string]func(){
			"it fails": func() { c.down.Store(true) },
			"it hangs": func() { c.slow.Store(int64(time.Hour)) },
		} {
			c.down.Store(false)
			c.slow.Store(0)
			b := limits.NewBook(c, limits.Options{Log: quiet.Log, Timeout: time.Hour})
			take(b.Open(name, perDay, limits.Stop))
			synctest.Wait()
			away()
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
			start := time.Now()
			if err := b.Close(ctx); err == nil {
				t.Errorf("%s: the leases were not returned, and there is no error", name)
			}
			if took := time.Since(start); took != 3*time.Second {
				t.Errorf("%s: it took %v", name, took)
			}
			cancel()
			if err := b.Close(context.Background()); err == nil {
				t.Errorf("%s: no error the second time", name)
			}
		}
		c.slow.Store(0)
		c.down.Store(true)
		b := limits.NewBook(c, quiet)
		b.Open(key, perDay, limits.Stop)
		start := time.Now()
		_ = b.Close(context.Background())
		if took := time.Since(start); took > 70*time.Second {
			t.Errorf("without an end to wait for it took %v", took)
		}
	})
}

func TestABookThatIsKilledForfeitsOneBlockAtMost(t *testing.T) {
	for _, taken := range []int{1, 33, 200, 517, 900} {
		t.Run(fmt.Sprint("after ", taken), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				c := newMemory()
				q := limits.Quota{Events: 100_000, Window: limits.Day}
				b := limits.NewBook(c, limits.Options{Log: quiet.Log, MaxBlock: 64})
				a := b.Open(key, q, limits.Stop)
				for i := range taken {
					take(a)
					if u := usage(t, c, q); u.Outstanding > 64 {
						t.Fatalf("after %d events %d are outstanding", i, u.Outstanding)
					}
				}
				b.Kill()
				time.Sleep(time.Minute)
				u := usage(t, c, q)
				if u.Outstanding != 0 || u.Forfeited > 64 || u.Charged > int64(taken) || u.Charged+u.Forfeited < int64(taken) {
					t.Errorf("%+v", u)
				}
			})
		})
	}
}

func TestManyAtOnceNeverHoldMoreThanABlock(t *testing.T) {
	c := newMemory()
	watched := &line{Counter: c}
	q := limits.Quota{Events: 100_000, Window: limits.Month}
	b := open(t, watched, limits.Options{Log: quiet.Log, MaxBlock: 32})
	a := b.Open(key, q, limits.Stop)
	var most atomic.Int64
	together(4, func(int) {
		for range 2000 {
			take(a)
			u, err := c.Usage(context.Background(), key, q)
			if err != nil {
				t.Error(err)
			}
			if u.Outstanding > most.Load() {
				most.Store(u.Outstanding)
			}
		}
	})
	if n := most.Load(); n > 32 {
		t.Errorf("%d events were outstanding", n)
	}
}

func TestNothingOfABookIsLeftRunning(t *testing.T) {
	before := limits.NewBook(newMemory(), quiet)
	for i := range 100 {
		before.Open(fmt.Sprint(i), perSecond, limits.Stop)
	}
	closeBook(t, before) // TestMain looks
}

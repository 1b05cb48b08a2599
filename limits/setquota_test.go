package limits_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-gateway/sluice/limits"
)

func TestSetQuota(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newMemory()
		b := open(t, c, quiet)
		a := b.Open(key, perDay, limits.Stop)
		for range 100 {
			take(a)
		}
		a.SetQuota(limits.Quota{Events: 50, Window: limits.Day})
		if _, v := take(a); v != limits.Exhausted {
			t.Errorf("100 of 50 are taken: %v", v)
		}
		a.SetQuota(limits.Quota{Events: 150, Window: limits.Day})
		if n, last := takeAll(a); n != 50 || last != limits.Exhausted {
			t.Errorf("100 of 150 were taken: %d more, %v", n, last)
		}
		a.SetQuota(limits.Quota{Events: 10, Window: limits.Hour})
		if n, last := takeAll(a); n != 10 || last != limits.Exhausted {
			t.Errorf("10 in another window: %d, %v", n, last)
		}
		a.SetQuota(limits.Quota{Events: limits.Unlimited, Window: limits.Hour})
		term := expect(t, a, limits.Taken)
		if s := a.State(); s.Limit != limits.Unlimited || s.Remaining != limits.Unlimited || s.Exhausted {
			t.Errorf("%+v", s)
		}
		if n := a.Give(term, 5); n != 1 || b.Stats().Unmetered != 0 {
			t.Errorf("%d given back, %+v", n, b.Stats())
		}
		b.Open(key, limits.Quota{Events: 200, Window: limits.Day}, limits.Stop)
		if n, _ := takeAll(a); n != 50 {
			t.Errorf("150 of 200 were taken: %d more", n)
		}
		a.SetQuota(limits.Quota{}) // nonsense is never granted
		synctest.Wait()
		expect(t, a, limits.Unavailable)
		balanced(t, b)
	})
}

func TestALeaseThatComesAfterItsQuotaHasShrunkIsReturned(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := &line{Counter: newMemory()}
		b := open(t, c, quiet)
		c.slow.Store(int64(100 * time.Millisecond))
		a := b.Open(key, perDay, limits.Stop)
		time.Sleep(150 * time.Millisecond) // it is granted, and on its way back
		a.SetQuota(limits.Quota{Events: limits.Unlimited, Window: limits.Day})
		time.Sleep(time.Second)
		if u := usage(t, c, perDay); u.Outstanding != 0 || u.Returned != 1 {
			t.Errorf("%+v", u)
		}
		c.slow.Store(int64(100 * time.Millisecond))
		a.SetQuota(perDay)
		time.Sleep(150 * time.Millisecond)
		a.Close()
		time.Sleep(time.Second)
		if u := usage(t, c, perDay); u.Outstanding != 0 || u.Returned != 2 {
			t.Errorf("after Close: %+v", u)
		}
		balanced(t, b)
	})
}

func TestUnlimitedNeedsNoCounter(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := &line{Counter: newMemory()}
		b := open(t, c, quiet)
		a := b.Open(key, limits.Quota{Events: limits.Unlimited, Window: limits.Day}, limits.Stop)
		for range 1000 {
			expect(t, a, limits.Taken)
		}
		time.Sleep(time.Hour)
		if n := c.calls.Load(); n != 0 || b.Stats().Unmetered != 1000 {
			t.Errorf("%d calls, %+v", n, b.Stats())
		}
	})
}

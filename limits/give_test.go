package limits_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-gateway/sluice/limits"
)

func TestGive(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newMemory()
		b := open(t, c, quiet)
		a := b.Open(key, perDay, limits.Stop)
		term, _ := take(a)
		for range 99 {
			take(a)
		}
		for _, step := range []struct{ n, want int64 }{{0, 0}, {-5, 0}, {30, 30}, {1000, 70}, {1, 0}} {
			if got := a.Give(term, step.n); got != step.want {
				t.Errorf("of %d given back %d count, want %d", step.n, got, step.want)
			}
		}
		if got := a.Give(term+1, 1) + a.Give(0, 1); got != 0 {
			t.Errorf("%d events of no term are given back", got)
		}
		if n, _ := takeAll(a); n != 1000 {
			t.Errorf("%d events, want 1000", n)
		}
		if s := balanced(t, b); s.GivenBack != 100 || s.Charged != 1000 || s.Stranded != 0 {
			t.Errorf("%+v", s)
		}
		a.Give(term, 50) // they are charged, and nobody takes them again
		a.Close()
		synctest.Wait()
		s := balanced(t, b)
		if u := usage(t, c, perDay); u.Charged+s.Stranded < 1000 || u.Charged+u.Returned != 1000 {
			t.Errorf("%+v, %+v", s, u)
		}
	})
}

func TestWhatIsGivenBackAfterASettlementAddsUp(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newMemory()
		b := open(t, c, quiet)
		a := b.Open(key, perDay, limits.Stop)
		term, _ := take(a)
		for range 49 {
			take(a)
		}
		time.Sleep(6 * time.Second) // all 50 are charged
		if n := a.Give(term, 20); n != 20 {
			t.Errorf("%d can be taken again", n)
		}
		a.Close()
		synctest.Wait()
		s := balanced(t, b)
		if u := usage(t, c, perDay); u.Charged != s.Charged || u.Returned != s.Returned || s.Charged != 30+s.Stranded {
			t.Errorf("%+v, %+v", s, u)
		}
	})
}

func TestWhatIsChargedInASlidingWindowIsNotGivenBack(t *testing.T) {
	bubble(t, func(t *testing.T) {
		q := limits.Quota{Events: 1000, Window: limits.SlidingMinute}
		a := open(t, newMemory(), quiet).Open(key, q, limits.Stop)
		term, _ := take(a)
		for range 49 {
			take(a)
		}
		time.Sleep(6 * time.Second) // they are settled
		synctest.Wait()
		if n := a.Give(term, 50); n != 0 {
			t.Errorf("%d events can be taken again, at a time when they do not count any more", n)
		}
		expect(t, a, limits.Taken)
		if n := a.Give(term, 50); n != 1 {
			t.Errorf("%d events can be taken again, want the last one", n)
		}
	})
}

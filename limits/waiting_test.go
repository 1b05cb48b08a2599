package limits_test

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-gateway/sluice/limits"
)

func TestWaitersAreResumedOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := &line{Counter: newMemory()}
		c.slow.Store(int64(time.Second / 4))
		a := open(t, c, quiet).Open(key, perDay, limits.Stop)
		var w, other counting
		expect(t, a, limits.Pending)
		for range 3 {
			a.Wait(&w)
		}
		a.Wait(&other)
		synctest.Wait()
		if w.n.Load() != 0 {
			t.Error("it is resumed while nothing has come")
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if w.n.Load() != 1 || other.n.Load() != 1 {
			t.Errorf("resumed %d and %d times, want once", w.n.Load(), other.n.Load())
		}
		a.Wait(&w) // there is something
		synctest.Wait()
		if w.n.Load() != 2 {
			t.Error("who waits although there is something is not resumed")
		}
		expect(t, a, limits.Taken)
		a.Wait(&w) // nothing is left, and more is asked for
		time.Sleep(time.Second)
		if w.n.Load() != 3 {
			t.Error("not resumed after a refill")
		}
		expect(t, a, limits.Taken)
		expect(t, a, limits.Pending)
		a.Wait(&w)
		a.Close() // while a refill is under way
		time.Sleep(time.Second)
		if w.n.Load() != 4 {
			t.Error("not resumed when the account is closed")
		}
		a.Wait(&w)
		synctest.Wait()
		if w.n.Load() != 5 {
			t.Error("not resumed after the account is closed")
		}
	})
}

// counting counts how often it is resumed.
type counting struct{ n atomic.Int64 }

func (c *counting) Resume() { c.n.Add(1) }

func TestWaitingAsks(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a := open(t, newMemory(), quiet).Open(key, perDay, limits.Stop)
		time.Sleep(time.Minute) // what it looked for at first is returned
		var w counting
		a.Wait(&w)
		synctest.Wait()
		if w.n.Load() != 1 {
			t.Error("nobody had asked, and nobody does")
		}
		expect(t, a, limits.Taken)
	})
}

// A waiter takes on the Book's own goroutine, in the middle of a step, and waits again.
func TestAWaiterMayTakeAndWaitWhenItIsResumed(t *testing.T) {
	for range 50 {
		var n atomic.Int64
		k := &taker{took: func() { n.Add(1) }, ended: make(chan limits.Verdict, 1)}
		k.account = open(t, newMemory(), quiet).Open(key, perMonth, limits.Stop)
		k.account.Wait(k)
		if v := <-k.ended; v != limits.Exhausted || n.Load() != perMonth.Events {
			t.Fatalf("%d events, %v", n.Load(), v)
		}
	}
}

func TestManyWhoWaitAllComeToAnEnd(t *testing.T) {
	c := &line{Counter: newMemory()}
	a := open(t, c, quiet).Open(key, limits.Quota{Events: 20_000, Window: limits.Month}, limits.Stop)
	counts := make([]int64, 50)
	together(len(counts), func(i int) { counts[i], _ = takeAll(a) })
	var sum int64
	for _, n := range counts {
		sum += n
	}
	if sum != 20_000 {
		t.Errorf("%d events", sum)
	}
}

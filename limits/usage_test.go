package limits_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-gateway/sluice/limits"
)

func TestABookFindsOutThatItsCounterIsBack(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := &line{Counter: newMemory()}
		b := open(t, c, quiet)
		if err := b.Check(t.Context()); err != nil {
			t.Fatalf("it answers: %v", err)
		}
		c.down.Store(true)
		for range 3 {
			if _, err := b.Usage(t.Context(), key, perDay); err == nil {
				t.Fatal("it is down, and answers")
			}
		}
		time.Sleep(2 * time.Minute) // nobody else asks
		if err := b.Check(t.Context()); err == nil {
			t.Error("it is down, and said to answer")
		}
		c.down.Store(false)
		time.Sleep(10 * time.Second)
		if err := b.Check(t.Context()); err != nil {
			t.Errorf("it is back, and said to be away: %v", err)
		}
	})
}

func TestUsageCountsWhatThisNodeHoldsAsLeft(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newMemory()
		here, there := open(t, c, quiet), open(t, c, quiet)
		a := here.Open(key, perDay, limits.Stop)
		defer a.Close()
		synctest.Wait()
		for range 100 {
			take(a)
			synctest.Wait()
		}
		u, err := here.Usage(t.Context(), key, perDay)
		if err != nil || u.Left != perDay.Events-100 {
			t.Errorf("here %d are left, %v, want %d", u.Left, err, perDay.Events-100)
		}
		if v, err := there.Usage(t.Context(), key, perDay); err != nil || v.Left >= u.Left {
			t.Errorf("there %d are left, %v, want fewer: the lease is not theirs", v.Left, err)
		}
	})
}

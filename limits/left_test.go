package limits_test

import (
	"context"
	"testing"
	"time"
)

// A client that did not wait for myBudgets while the counter hung has left all accounts without it.
func TestWhoeverLeavesDoesNotKeepTheCounterAway(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := &line{Counter: newMemory()}
		b := open(t, c, quiet)
		c.slow.Store(int64(time.Hour))
		for b.Health() == nil {
			if _, err := b.Usage(t.Context(), key, perDay); err == nil {
				t.Fatal("it hangs, and answers")
			}
		}
		for range 10 {
			time.Sleep(10 * time.Second) // the next call is the one that tries
			ctx, leave := context.WithTimeout(t.Context(), 100*time.Millisecond)
			if _, err := b.Usage(ctx, key, perDay); err == nil {
				t.Fatal("it hangs, and answers")
			}
			leave()
		}
		c.slow.Store(0)
		if _, err := b.Usage(t.Context(), key, perDay); err != nil {
			t.Errorf("it answers, and is not asked: %v", err)
		}
		if err := b.Health(); err != nil {
			t.Errorf("it is said to be away: %v", err)
		}
	})
}

package ledger_test

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-gateway/sluice/analytics/ledger"
)

// sums is a ledger in memory.
type sums struct {
	mu  sync.Mutex
	all map[ledger.Key]ledger.Usage
}

func (s *sums) Add(k ledger.Key, u ledger.Usage) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == nil {
		s.all = make(map[ledger.Key]ledger.Usage)
	}
	s.all[k] = s.all[k].Plus(u)
}

func TestTalliesAddUpWheneverTheyAreSwept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var to sums
		tallies := ledger.NewTallies(&to)
		key := ledger.Key{Consumer: "shop", Field: "Subscription.priceChanged"}
		first := tallies.Begin(key, true)
		time.Sleep(1500 * time.Millisecond)
		second := tallies.Begin(key, true)
		for i := range 10 {
			first.Add(1, 100)
			second.Add(1, 7)
			if i%3 == 0 {
				tallies.Sweep()
			}
			time.Sleep(100 * time.Millisecond)
		}
		second.Add(-4, 0)
		second.End()
		tallies.Sweep()
		time.Sleep(time.Second)
		first.End()
		request := tallies.Begin(key, false)
		request.Answer(30)
		request.End()
		tallies.Sweep()
		want := ledger.Usage{Events: 16, Bytes: 1100, ConnectedMillis: 3500 + 1000, Requests: 1}
		if got := to.all[key]; got != want {
			t.Errorf("the ledger has %+v, want %+v", got, want)
		}
		tallies.Sweep() // forgets it
		tallies.Begin(key, false).End()
		tallies.Sweep()
		if got := to.all[key].Requests; got != 2 {
			t.Errorf("after it was forgotten %d requests are counted, want 2", got)
		}
		for range 2 { // it is forgotten, and what comes late makes it known again
			tallies.Sweep()
			tallies.Sweep()
			second.Add(-1, 0)
			tallies.Sweep()
		}
		if got := to.all[key].Events; got != 14 {
			t.Errorf("%d events are left, want 14", got)
		}
	})
}

func TestTalliesLoseNothingThatComesWhileTheyAreSwept(t *testing.T) {
	var to sums
	tallies := ledger.NewTallies(&to)
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			for range 500 {
				s := tallies.Begin(ledger.Key{Consumer: string(rune('a' + i%2))}, true)
				s.Add(1, 1)
				s.End()
				if i == 0 {
					tallies.Sweep()
				}
			}
		})
	}
	all.Wait()
	tallies.Sweep()
	for _, consumer := range []string{"a", "b"} {
		if got := to.all[ledger.Key{Consumer: consumer}].Events; got != 1000 {
			t.Errorf("consumer %s has %d events, want 1000", consumer, got)
		}
	}
}

package limitstest

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/sluice-gateway/sluice/limits"
)

// workers is how many holders there are on each node.
const workers = 8

func together(t *testing.T, b *bench) {
	for _, w := range []limits.Window{limits.Day, limits.SlidingDay} {
		q := limits.Quota{Events: 5000, Window: w}
		var spent, ids atomic.Int64
		var running sync.WaitGroup
		for i := range workers * len(b.Nodes) {
			node := b.Nodes[i%len(b.Nodes)]
			random := rand.New(rand.NewPCG(2, uint64(i)))
			running.Go(func() {
				for {
					n, err := spendSome(t, node, q, random, fmt.Sprint(w, " ", ids.Add(1)))
					if spent.Add(n); err != nil || n < 0 {
						return
					}
				}
			})
		}
		running.Wait()
		if n := spent.Load() + workers*int64(len(b.Nodes)); n > q.Events {
			t.Errorf("%v: %d events are spent, of %d", w, n, q.Events)
		} else if rest := b.drain(q); n+rest != q.Events {
			t.Errorf("%v: %d events are spent and %d left, of %d", w, n, rest, q.Events)
		}
	}
}

// spendSome leases, spends some of it and returns the rest. It returns -1 when there is nothing.
func spendSome(t *testing.T, node limits.Counter, q limits.Quota, random *rand.Rand, id string) (int64, error) {
	l, err := node.Lease(t.Context(), limits.Request{Key: key, Quota: q, Want: 1 + random.Int64N(64), ID: id})
	if err != nil {
		t.Errorf("lease: %v", err)
		return 0, err
	}
	if l.Events == 0 {
		return -1, nil
	}
	n := l.Events
	if random.IntN(3) == 0 {
		n = random.Int64N(l.Events + 1)
	}
	for range 2 { // as after a reply that was lost
		if err := node.Return(t.Context(), key, id, n); err != nil {
			t.Errorf("return: %v", err)
			return 0, err
		}
	}
	return n, nil
}

func sameIDTogether(t *testing.T, b *bench) {
	q := limits.Quota{Events: 1600, Window: limits.Day}
	for round := range 50 {
		id := fmt.Sprint("x", round)
		var running sync.WaitGroup
		answers := make([]limits.Lease, 4*len(b.Nodes))
		for i := range answers {
			running.Go(func() {
				l, err := b.Nodes[i%len(b.Nodes)].Lease(t.Context(), limits.Request{Key: key, Quota: q, Want: 1 + int64(i%2), ID: id})
				if err != nil {
					t.Errorf("lease: %v", err)
				}
				answers[i] = l
			})
		}
		running.Wait()
		for _, l := range answers {
			if l.Events != answers[0].Events || l.Left != answers[0].Left {
				t.Fatalf("%+v and %+v", l, answers[0])
			}
		}
	}
	u, err := b.Nodes[0].Usage(t.Context(), key, q)
	if err != nil || u.Granted < 50 || u.Granted > 100 {
		t.Errorf("%+v, %v", u, err)
	}
}

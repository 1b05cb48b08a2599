package limits_test

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-gateway/sluice/limits"
	"github.com/sluice-gateway/sluice/limits/memory"
)

const key = "consumer/42 price"

var errDown = errors.New("the network is down")

// A line is a counter that can be cut off, as a node sees it.
type line struct {
	limits.Counter
	down    atomic.Bool  // calls fail
	loses   atomic.Bool  // calls are made, and fail
	slow    atomic.Int64 // nanoseconds before a call and after it
	calls   atomic.Int64
	leases  atomic.Int64
	reports atomic.Int64 // most in one request
}

func (l *line) call(ctx context.Context, f func() error) error {
	l.calls.Add(1)
	if l.down.Load() {
		return errDown
	}
	if err := l.wait(ctx); err != nil {
		return err
	}
	err := f()
	if l.loses.Load() {
		return errDown
	}
	return errors.Join(l.wait(ctx), err)
}

func (l *line) wait(ctx context.Context) error {
	d := time.Duration(l.slow.Load())
	if d == 0 {
		return nil
	}
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (l *line) Usage(ctx context.Context, key string, q limits.Quota) (u limits.Usage, err error) {
	err = l.call(ctx, func() (err error) {
		u, err = l.Counter.Usage(ctx, key, q)
		return err
	})
	return u, err
}

func (l *line) Lease(ctx context.Context, r limits.Request) (lease limits.Lease, err error) {
	l.leases.Add(1)
	l.reports.Store(max(l.reports.Load(), int64(len(r.Reports))))
	err = l.call(ctx, func() (err error) {
		lease, err = l.Counter.Lease(ctx, r)
		return err
	})
	return lease, err
}

func (l *line) Settle(ctx context.Context, key, id string, spent int64) error {
	return l.call(ctx, func() error { return l.Counter.Settle(ctx, key, id, spent) })
}

func (l *line) Return(ctx context.Context, key, id string, spent int64) error {
	return l.call(ctx, func() error { return l.Counter.Return(ctx, key, id, spent) })
}

// quiet has nothing to log.
var quiet = limits.Options{Log: slog.New(slog.DiscardHandler)}

// open returns a Book that is closed with the test.
func open(t testing.TB, c limits.Counter, o limits.Options) *limits.Book {
	if o.Log == nil {
		o.Log = quiet.Log
	}
	b := limits.NewBook(c, o)
	t.Cleanup(func() { closeBook(t, b) })
	return b
}

func closeBook(t testing.TB, b *limits.Book) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := b.Close(ctx); err != nil {
		t.Errorf("close: %v", err)
	}
}

// A waker is a Waiter on a channel.
type waker chan struct{}

func (w waker) Resume() {
	select {
	case w <- struct{}{}:
	default:
	}
}

// take takes one event, and waits while that is pending.
func take(a *limits.Account) (limits.Term, limits.Verdict) {
	w := make(waker, 1)
	for {
		term, v := a.Take()
		if v != limits.Pending {
			return term, v
		}
		a.Wait(w)
		<-w
	}
}

// A taker is a Waiter that takes, as soon as it is resumed, until that is pending again.
type taker struct {
	account *limits.Account
	took    func()
	ended   chan limits.Verdict // gets what the last answer was
}

func (k *taker) Resume() {
	for {
		switch _, v := k.account.Take(); v {
		case limits.Taken:
			k.took()
		case limits.Pending:
			k.account.Wait(k)
			return
		default:
			k.ended <- v
			return
		}
	}
}

// takeAll takes until the verdict is another, and returns how many events there were.
func takeAll(a *limits.Account) (n int64, last limits.Verdict) {
	for ; ; n++ {
		if _, last = take(a); last != limits.Taken {
			return n, last
		}
	}
}

func usage(t testing.TB, c limits.Counter, q limits.Quota) limits.Usage {
	t.Helper()
	u, err := c.Usage(context.Background(), key, q)
	if err != nil {
		t.Fatal(err)
	}
	if u.Granted != u.Charged+u.Returned+u.Forfeited+u.Outstanding {
		t.Errorf("usage does not add up: %+v", u)
	}
	return u
}

// balanced checks that the sums of a Book add up.
func balanced(t testing.TB, b *limits.Book) limits.Stats {
	t.Helper()
	s := b.Stats()
	if s.Granted != s.Charged+s.Returned+s.Forfeited+s.Held {
		t.Errorf("the sums do not add up: %+v", s)
	}
	return s
}

// bubble runs a test in which time is free, from the beginning of a day.
func bubble(t *testing.T, f func(t *testing.T)) { synctest.Test(t, f) }

// together runs f in so many goroutines.
func together(n int, f func(i int)) {
	var running sync.WaitGroup
	for i := range n {
		running.Go(func() { f(i) })
	}
	running.Wait()
}

func newMemory() *memory.Counter { return memory.New(memory.Options{}) }

func seeded(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 1)) }

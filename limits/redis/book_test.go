package redis_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/internal/redistest"
	"github.com/sluice-gateway/sluice/limits"
	"github.com/sluice-gateway/sluice/limits/redis"
)

var errStill = errors.New("nothing can be taken")

// A waker is a limits.Waiter on a channel.
type waker chan struct{}

func (w waker) Resume() {
	select {
	case w <- struct{}{}:
	default:
	}
}

func take(a *limits.Account) limits.Verdict {
	w := make(waker, 1)
	for {
		_, v := a.Take()
		if v != limits.Pending {
			return v
		}
		a.Wait(w)
		<-w
	}
}

// node returns a Book with a counter of its own, as a node has it.
func node(t *testing.T, url string, o redis.Options) *limits.Book {
	return limits.NewBook(open(t, url, o), limits.Options{Log: slog.New(slog.DiscardHandler), Timeout: patience})
}

func closeBook(t *testing.T, b *limits.Book) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := b.Close(ctx); err != nil {
		t.Error(err)
	}
}

func TestThreeBooksTakeAllOfAQuotaAndNoMore(t *testing.T) {
	for name, url := range map[string]string{
		"on a single Redis": redistest.Start(t).URL(),
		"in a Cluster":      redistest.StartCluster(t, 3).URL(),
	} {
		for _, w := range []limits.Window{limits.Month, limits.SlidingMonth} {
			t.Run(name+", "+w.String(), func(t *testing.T) {
				q := limits.Quota{Events: 3000, Window: w}
				var taken atomic.Int64
				var running sync.WaitGroup
				for range 3 {
					b := node(t, url, patient)
					for range 3 {
						a := b.Open("k", q, limits.Stop)
						running.Go(func() {
							for take(a) == limits.Taken {
								taken.Add(1)
							}
						})
					}
					defer closeBook(t, b)
				}
				running.Wait()
				if n := taken.Load(); n != q.Events {
					t.Errorf("%d events, of %d", n, q.Events)
				}
			})
		}
	}
}

func TestSecondsOfThreeBooks(t *testing.T) {
	url := redistest.Start(t).URL()
	q := limits.Quota{Events: 50, Window: limits.Second}
	var taken atomic.Int64
	var running sync.WaitGroup
	counter := open(t, url, patient)
	first := lease(t, counter, "another", q, 1, "x").ResetAt
	end := time.Now().Add(3 * time.Second)
	for range 3 {
		b := node(t, url, patient)
		a := b.Open("k", q, limits.Stop)
		running.Go(func() {
			for time.Now().Before(end) {
				switch take(a) {
				case limits.Taken:
					taken.Add(1)
				case limits.Exhausted:
					<-time.After(5 * time.Millisecond)
				}
			}
		})
		defer closeBook(t, b)
	}
	running.Wait()
	last := lease(t, counter, "another", q, 1, "y").ResetAt
	windows := int64(last.Sub(first)/time.Second) + 1
	if n := taken.Load(); n > windows*q.Events || n < 2*q.Events {
		t.Errorf("%d events in %d windows of %d", n, windows, q.Events)
	}
}

func TestABookOutlivesItsRedis(t *testing.T) {
	server := redistest.Start(t, "--appendonly", "yes", "--appendfsync", "always")
	b := node(t, server.URL(), redis.Options{Timeout: 200 * time.Millisecond})
	a := b.Open("k", limits.Quota{Events: 1_000_000, Window: limits.Month}, limits.Stop)
	for range 1000 {
		if v := take(a); v != limits.Taken {
			t.Fatal(v)
		}
	}
	server.Kill()
	n := 0
	for take(a) == limits.Taken {
		n++
	}
	if n > 64 {
		t.Errorf("%d events without Redis, from one block", n)
	}
	server.Restart()
	if err := redistest.Poll(patience, func() error {
		if v := take(a); v != limits.Taken {
			return errStill
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	closeBook(t, b)
	if s := b.Stats(); s.Held != 0 || s.Granted != s.Charged+s.Returned+s.Forfeited {
		t.Errorf("%+v", s)
	}
}

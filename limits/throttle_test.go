package limits_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"math"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-gateway/sluice/limits"
)

// shared holds keys to rates for all throttles of a test, unless it is down or slow.
type shared struct {
	down  atomic.Bool
	slow  atomic.Int64 // nanoseconds before a call
	calls atomic.Int64
	start time.Time

	mu      sync.Mutex // guards buckets
	buckets map[string]*limits.Bucket
}

func newShared() *shared {
	return &shared{start: time.Now(), buckets: make(map[string]*limits.Bucket)}
}

func (s *shared) Take(ctx context.Context, key string, r limits.Rate) (time.Duration, error) {
	s.calls.Add(1)
	if s.down.Load() {
		return 0, errDown
	}
	if d := time.Duration(s.slow.Load()); d > 0 {
		select {
		case <-time.After(d):
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.buckets[key] == nil {
		s.buckets[key] = new(limits.Bucket)
	}
	now := time.Since(s.start)
	if b := s.buckets[key]; !b.Take(r, now) {
		return b.Wait(r, now), nil
	}
	return 0, nil
}

// fivePerSecond has a burst of ten.
var fivePerSecond = limits.Rate{PerSecond: 5, Burst: 10}

// nodes are throttles that share s, and write to the log.
func nodes(n int, r limits.Rate, s limits.SharedBuckets) ([]*limits.Throttle, *bytes.Buffer) {
	log := new(bytes.Buffer)
	all := make([]*limits.Throttle, n)
	for i := range all {
		all[i] = limits.NewThrottle(r, s, limits.ThrottleOptions{Name: "requests", Log: slog.New(slog.NewTextHandler(log, nil))})
	}
	return all, log
}

// burst takes what passes at once.
func burst(t *testing.T, throttle *limits.Throttle, key string) (n int) {
	t.Helper()
	for ; throttle.Take(t.Context(), key) == 0; n++ {
		if n > 10_000 {
			t.Fatal("there is no end")
		}
	}
	return n
}

func TestAThrottleOfOneNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		throttle := limits.NewThrottle(fivePerSecond, nil, limits.ThrottleOptions{})
		for _, key := range []string{"a", "b", ""} {
			if n := burst(t, throttle, key); n != 10 {
				t.Errorf("a burst of %d", n)
			}
			if wait := throttle.Take(t.Context(), key); wait != 200*time.Millisecond {
				t.Errorf("a wait of %v", wait)
			}
		}
		time.Sleep(time.Second)
		if n := burst(t, throttle, "a"); n != 5 {
			t.Errorf("%d after a second", n)
		}
	})
}

func TestThrottlesShareARate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShared()
		all, log := nodes(3, fivePerSecond, s)
		n := 0
		for range 10_000 {
			time.Sleep(time.Millisecond)
			for _, throttle := range all {
				if throttle.Take(t.Context(), key) == 0 {
					n++
				}
			}
		}
		if n < 59 || n > 60 {
			t.Errorf("%d events passed in ten seconds", n)
		}
		if calls := s.calls.Load(); calls > 3*60 {
			t.Errorf("a flood made %d calls", calls)
		}
		if log.Len() > 0 {
			t.Error(log)
		}
	})
}

func TestThrottlesOfOtherNamesShareNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShared()
		for _, name := range []string{"", "a", "b"} {
			throttle := limits.NewThrottle(fivePerSecond, s, limits.ThrottleOptions{Name: name})
			if n := burst(t, throttle, key); n != 10 {
				t.Errorf("%q: a burst of %d", name, n)
			}
		}
	})
}

func TestWhoWaitsAsAThrottleSaysPasses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShared()
		s.slow.Store(int64(10 * time.Millisecond))
		all, _ := nodes(2, fivePerSecond, s)
		burst(t, all[0], key)
		for i := range 50 {
			wait := all[i%2].Take(t.Context(), key)
			if wait == 0 {
				t.Fatal("nobody waited, and it passed")
			}
			time.Sleep(wait)
			if wait = all[i%2].Take(t.Context(), key); wait > 0 {
				t.Fatalf("round %d: a wait was not enough: %v more", i, wait)
			}
		}
	})
}

func TestAWaitIsAlsoForWhatTheSharedBucketsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all, _ := nodes(2, fivePerSecond, newShared())
		burst(t, all[0], key)
		time.Sleep(199 * time.Millisecond)
		wait := time.Duration(0)
		for range 10 { // each takes one of the node's own
			wait = all[1].Take(t.Context(), key)
		}
		if wait != 200*time.Millisecond {
			t.Errorf("a wait of %v", wait)
		}
		time.Sleep(wait)
		if wait = all[1].Take(t.Context(), key); wait > 0 {
			t.Errorf("%v more", wait)
		}
	})
}

func TestWithoutTheSharedBucketsANodeLimitsByItself(t *testing.T) {
	for name, broken := range map[string]func(*shared){
		"they fail":    func(s *shared) { s.down.Store(true) },
		"they hang":    func(s *shared) { s.slow.Store(int64(time.Hour)) },
		"they crawl":   func(s *shared) { s.slow.Store(int64(101 * time.Millisecond)) },
		"they go away": func(s *shared) { s.down.Store(true); s.slow.Store(1) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newShared()
				broken(s)
				all, log := nodes(1, limits.Rate{PerSecond: 5, Burst: 1000}, s)
				start := time.Now()
				if n := burst(t, all[0], key); n < 1000 || n > 1003 {
					t.Errorf("a burst of %d", n)
				}
				if d := time.Since(start); d > 300*time.Millisecond {
					t.Errorf("it took %v", d)
				}
				if calls := s.calls.Load(); calls != 3 {
					t.Errorf("%d calls", calls)
				}
				time.Sleep(10 * time.Second)
				s.down.Store(false)
				s.slow.Store(0)
				for range 3 {
					if wait := all[0].Take(t.Context(), key); wait > 0 {
						t.Errorf("a wait of %v", wait)
					}
				}
				if calls := s.calls.Load(); calls != 6 {
					t.Errorf("%d calls, when they are back", calls)
				}
				lines := strings.Split(strings.TrimSpace(log.String()), "\n")
				if len(lines) != 2 || !strings.Contains(lines[0], "level=WARN") || !strings.Contains(lines[1], "level=INFO") ||
					!strings.Contains(lines[0], "rates=requests") {
					t.Errorf("the log is %q", lines)
				}
			})
		})
	}
}

func TestOneCallAtATimeTriesSharedBucketsThatAreAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShared()
		s.slow.Store(int64(time.Hour))
		all, _ := nodes(1, limits.Rate{PerSecond: 1e6, Burst: 1e6}, s)
		for range 3 {
			all[0].Take(t.Context(), key)
		}
		time.Sleep(time.Second)
		start := time.Now()
		together(50, func(int) { all[0].Take(t.Context(), key) })
		if calls, d := s.calls.Load(), time.Since(start); calls != 4 || d != 100*time.Millisecond {
			t.Errorf("%d calls in %v", calls, d)
		}
	})
}

func TestACallerWhoHasLeftSaysNothingAboutTheSharedBuckets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShared()
		s.slow.Store(int64(10 * time.Millisecond))
		all, log := nodes(1, fivePerSecond, s)
		gone, leave := context.WithCancelCause(t.Context())
		leave(errors.New("the client is away"))
		for range 10 {
			if wait := all[0].Take(gone, key); wait > 0 {
				t.Errorf("a wait of %v", wait)
			}
		}
		if s.calls.Load() != 10 || log.Len() > 0 {
			t.Errorf("%d calls, %s", s.calls.Load(), log)
		}
	})
}

func TestAnUnlimitedThrottleAsksNobody(t *testing.T) {
	s := newShared()
	all, _ := nodes(1, limits.UnlimitedRate, s)
	for range 1000 {
		if wait := all[0].Take(t.Context(), key); wait != 0 {
			t.Fatalf("a wait of %v", wait)
		}
	}
	if s.calls.Load() != 0 {
		t.Errorf("%d calls", s.calls.Load())
	}
}

func TestARateOfNothingAsksNobody(t *testing.T) {
	s := newShared()
	for _, perSecond := range []float64{0, -1, math.NaN()} {
		all, _ := nodes(1, limits.Rate{PerSecond: perSecond, Burst: 5}, s)
		if wait := all[0].Take(t.Context(), key); wait <= 0 || s.calls.Load() != 0 {
			t.Errorf("%v a second: a wait of %v, %d calls", perSecond, wait, s.calls.Load())
		}
	}
}

func TestLongKeysStayShortAndApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShared()
		all, _ := nodes(1, fivePerSecond, s)
		long := strings.Repeat("k", 1<<20)
		for _, key := range []string{long, long + "k", long[:128], long[:129]} {
			if n := burst(t, all[0], key); n != 10 {
				t.Errorf("a burst of %d", n)
			}
		}
		for key := range s.buckets {
			if len(key) > limits.MaxKey || !strings.HasPrefix(key, "requests:") {
				t.Errorf("%d bytes: %.200s", len(key), key)
			}
		}
	})
}

// Whatever becomes of the shared buckets, each node holds to the rate, and while they answer all do.
func TestThrottlesHoldWhenTheSharedBucketsComeAndGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShared()
		all, _ := nodes(3, fivePerSecond, s)
		random := seeded(3)
		passed, start := make([]int, len(all)), time.Now()
		for range 20_000 {
			time.Sleep(time.Duration(random.Int64N(int64(5 * time.Millisecond))))
			if random.IntN(500) == 0 {
				s.down.Store(random.IntN(2) == 0)
				s.slow.Store([]int64{0, 0, int64(time.Millisecond), int64(time.Second)}[random.IntN(4)])
			}
			node := random.IntN(len(all))
			if all[node].Take(t.Context(), key) == 0 {
				passed[node]++
			}
		}
		most := 10 + 5*time.Since(start).Seconds()
		sum := 0
		for node, n := range passed {
			if sum += n; float64(n) > most {
				t.Errorf("node %d: %d events passed, and %.1f may", node, n, most)
			}
		}
		if float64(sum) < most-1 {
			t.Errorf("%d events passed, and %.1f may with everything well", sum, most)
		}
	})
}

func BenchmarkThrottle(b *testing.B) {
	fast := limits.Rate{PerSecond: 1e9, Burst: 1e6}
	for name, r := range map[string]limits.Rate{"taken": fast, "refused": {PerSecond: 0.001, Burst: 1}, "unlimited": limits.UnlimitedRate} {
		b.Run(name, func(b *testing.B) {
			throttle := limits.NewThrottle(r, nil, limits.ThrottleOptions{})
			b.ReportAllocs()
			for b.Loop() {
				throttle.Take(b.Context(), key)
			}
		})
	}
	b.Run("10,000 keys", func(b *testing.B) {
		throttle, keys := limits.NewThrottle(fast, nil, limits.ThrottleOptions{}), manyKeys()
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			throttle.Take(b.Context(), keys[i%len(keys)])
		}
	})
	b.Run("in parallel", func(b *testing.B) {
		throttle, keys := limits.NewThrottle(fast, nil, limits.ThrottleOptions{}), manyKeys()
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for i := 0; pb.Next(); i++ {
				throttle.Take(context.Background(), keys[i%len(keys)])
			}
		})
	})
}

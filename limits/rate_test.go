package limits_test

import (
	"fmt"
	"math"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/limits"
)

const second = int64(time.Second)

func TestARateAllowsABurstAndThenItsPace(t *testing.T) {
	r := limits.NewRate(10, 3)
	for i, step := range []struct {
		now  int64
		want bool
		next time.Duration // before
	}{
		{0, true, 0},
		{0, true, 0},
		{0, true, 0},
		{0, false, 100 * time.Millisecond},
		{second/10 - 1, false, 1},
		{second / 10, true, 0},
		{second / 10, false, 100 * time.Millisecond},
		{second / 20, false, 150 * time.Millisecond}, // an older clock than that of another caller
		{2 * second / 10, true, 0},
		{100 * second, true, 0},
		{100 * second, true, 0},
		{100 * second, true, 0},
		{100 * second, false, 100 * time.Millisecond},
	} {
		if next := r.Next(step.now); next != step.next {
			t.Errorf("step %d: next in %v, want %v", i, next, step.next)
		}
		if got := r.Allow(step.now); got != step.want {
			t.Errorf("step %d: %v", i, got)
		}
	}
}

// In any interval no more pass than a bucket holds and gets, and with enough demand hardly less.
func TestARateHoldsOverEveryInterval(t *testing.T) {
	for _, perSecond := range []float64{0.3, 1, 3, 50, 999.9, 12345.6} {
		for _, burst := range []int{1, 2, 7, 100} {
			t.Run(fmt.Sprint(perSecond, " ", burst), func(t *testing.T) {
				r := limits.NewRate(perSecond, burst)
				random := seeded(uint64(burst))
				var passed []int64
				now := -5 * second
				start := now
				for len(passed) < 3000 {
					now += random.Int64N(int64(float64(second)/perSecond)) + 1
					if random.IntN(500) == 0 {
						now += int64(20 * float64(second) / perSecond)
					}
					if next := r.Next(now); r.Allow(now) {
						if passed = append(passed, now); next != 0 {
							t.Fatalf("passed, with a wait of %v", next)
						}
					} else if next <= 0 {
						t.Fatal("it did not pass, and need not wait")
					}
				}
				for i := range passed {
					for _, ahead := range []int{1, burst, 3 * burst, 500} {
						if j := i + ahead; j < len(passed) {
							might := float64(burst) + float64(passed[j]-passed[i])/float64(second)*perSecond
							if float64(ahead+1) > might+1e-6 {
								t.Fatalf("%d events passed where %.3f might", ahead+1, might)
							}
						}
					}
				}
				if rate := float64(len(passed)) / (float64(now-start) / float64(second)); rate < perSecond*0.6 {
					t.Errorf("only %.1f a second passed", rate)
				}
			})
		}
	}
}

func TestOddRates(t *testing.T) {
	for name, test := range map[string]struct {
		perSecond float64
		burst     int
		want      int // of 1000 at once
	}{
		"nothing a second is nothing":            {0, 100, 0},
		"less than nothing is nothing":           {-1, 100, 0},
		"what is no number is nothing":           {math.NaN(), 100, 0},
		"no burst is one event":                  {1, 0, 1},
		"a burst below nothing is one event":     {1, -5, 1},
		"an event in an eternity is one":         {1e-300, 1, 1},
		"a burst in an eternity has no overflow": {1e-300, math.MaxInt, 2},
		"a large burst":                          {1, math.MaxInt, 1000},
		"a rate without an end":                  {math.Inf(1), 1, 1000},
		"more than one event in a nanosecond":    {1e300, 1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			for _, now := range []int64{0, -second, time.Now().UnixNano()} {
				r, n := limits.NewRate(test.perSecond, test.burst), 0
				for range 1000 {
					if r.Allow(now) {
						n++
					}
				}
				if n != test.want {
					t.Errorf("at %d: %d events, want %d", now, n, test.want)
				}
				if r.Next(now) < 0 {
					t.Error("a negative wait")
				}
			}
		})
	}
}

func TestARateIsForManyAtOnce(t *testing.T) {
	r := limits.NewRate(1, 1000)
	var passed atomic.Int64
	together(8, func(int) {
		for range 1000 {
			if r.Allow(0) {
				passed.Add(1)
			}
		}
	})
	if n := passed.Load(); n != 1000 {
		t.Errorf("%d events of a burst of 1000", n)
	}
}

func TestBucketsKeepKeysApart(t *testing.T) {
	b := limits.NewBuckets(1, 2, 100)
	for _, key := range []string{"a", "b", ""} {
		if b.Next(key, 0) != 0 || !b.Allow(key, 0) || !b.Allow(key, 0) || b.Allow(key, 0) {
			t.Errorf("%q has not a burst of two", key)
		}
		if next := b.Next(key, 0); next != time.Second {
			t.Errorf("%q: next in %v", key, next)
		}
	}
	if !b.Allow("a", second) || b.Allow("a", second) || b.Len() != 3 {
		t.Error("one a second, and there are three keys")
	}
}

func TestBucketsForgetWhoHasNotAskedForLongest(t *testing.T) {
	const keys = 1600
	b := limits.NewBuckets(1, 1, keys)
	b.Allow("busy", 0)
	for i := range 100_000 {
		b.Allow(fmt.Sprint("flood ", i), 0)
		if b.Allow("busy", 0) {
			t.Fatalf("after %d keys: who asks all the time is forgotten", i)
		}
		if i%10_000 == 0 && b.Len() > keys {
			t.Fatalf("%d keys are kept", b.Len())
		}
	}
	if !b.Allow("flood 1", 0) {
		t.Error("who has not asked for long is not forgotten")
	}
	if b.Len() < keys*3/4 {
		t.Errorf("%d keys are kept, of %d", b.Len(), keys)
	}
	if n := limits.NewBuckets(1, 1, 0); !n.Allow("a", 0) || n.Allow("a", 0) {
		t.Error("with room for none there is room for one")
	}
}

func TestBucketsAreForManyAtOnce(t *testing.T) {
	b := limits.NewBuckets(1, 10, 16*8) // there is room wherever they meet
	var passed [8]atomic.Int64
	together(8, func(i int) {
		for n := range 8000 {
			if b.Allow(fmt.Sprint(n%8), 0) {
				passed[n%8].Add(1)
			}
			if i == 0 {
				runtime.Gosched()
			}
		}
	})
	for key := range passed {
		if n := passed[key].Load(); n != 10 {
			t.Errorf("key %d: %d", key, n)
		}
	}
}

func TestRatesAllocateNothing(t *testing.T) {
	r, b := limits.NewRate(1000, 10), limits.NewBuckets(1000, 10, 64)
	now := int64(0)
	keys := make([]string, 1000)
	for i := range keys {
		keys[i] = fmt.Sprint("key ", i)
		b.Allow(keys[i], 0)
	}
	if n := testing.AllocsPerRun(1000, func() {
		now += int64(time.Millisecond)
		r.Allow(now)
		b.Allow("key 7", now)
		b.Allow(keys[now%1000], now) // most take the place of another
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkRate(b *testing.B) {
	r := limits.NewRate(1e6, 100)
	b.ReportAllocs()
	for now := int64(0); b.Loop(); now += 10 {
		r.Allow(now)
	}
}

func BenchmarkBuckets(b *testing.B) {
	r := limits.NewBuckets(1e6, 100, 10_000)
	keys := make([]string, 10_000)
	for i := range keys {
		keys[i] = fmt.Sprint("key ", i)
	}
	b.ReportAllocs()
	for now := int64(0); b.Loop(); now++ {
		r.Allow(keys[now%10_000], now)
	}
}

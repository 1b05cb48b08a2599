package limits_test

import (
	"fmt"
	"math"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"github.com/sluice-gateway/sluice/limits"
)

func TestABucketGivesABurstAndThenItsRate(t *testing.T) {
	var b limits.Bucket
	rate := limits.Rate{PerSecond: 10, Burst: 3}
	for i, step := range []struct {
		now  time.Duration
		want bool
		wait time.Duration // before
	}{
		{0, true, 0},
		{0, true, 0},
		{0, true, 0},
		{0, false, 100 * time.Millisecond},
		{100*time.Millisecond - 1, false, 1},
		{100 * time.Millisecond, true, 0},
		{100 * time.Millisecond, false, 100 * time.Millisecond},
		{50 * time.Millisecond, false, 150 * time.Millisecond}, // an older time than that of another caller
		{200 * time.Millisecond, true, 0},
		{100 * time.Second, true, 0},
		{100 * time.Second, true, 0},
		{100 * time.Second, true, 0},
		{100 * time.Second, false, 100 * time.Millisecond},
	} {
		if wait := b.Wait(rate, step.now); wait != step.wait {
			t.Errorf("step %d: a wait of %v, want %v", i, wait, step.wait)
		}
		if got := b.Take(rate, step.now); got != step.want {
			t.Errorf("step %d: %v", i, got)
		}
	}
}

// In any interval no more pass than a bucket holds and gets, with enough demand hardly less, and
// whoever waits as told passes.
func TestABucketHoldsOverEveryInterval(t *testing.T) {
	for _, perSecond := range []float64{0.3, 1, 3, 50, 999.9, 12345.6} {
		for _, burst := range []int{1, 2, 7, 100} {
			rate := limits.Rate{PerSecond: perSecond, Burst: burst}
			t.Run(fmt.Sprint(perSecond, " ", burst), func(t *testing.T) {
				passed := demand(t, rate, 3000)
				for i := range passed {
					for _, ahead := range []int{1, burst, 3 * burst, 500} {
						if j := i + ahead; j < len(passed) {
							might := float64(burst) + (passed[j]-passed[i]).Seconds()*perSecond
							if float64(ahead+1) > might+1e-6 {
								t.Fatalf("%d events passed where %.3f might", ahead+1, might)
							}
						}
					}
				}
				if got := float64(len(passed)) / passed[len(passed)-1].Seconds(); got < perSecond*0.6 {
					t.Errorf("only %.1f a second passed", got)
				}
			})
		}
	}
}

// demand asks a bucket at random times until n events have passed, and returns when they did.
func demand(t *testing.T, rate limits.Rate, n int) (passed []time.Duration) {
	t.Helper()
	var b limits.Bucket
	random := seeded(uint64(rate.Burst))
	for now := time.Duration(0); len(passed) < n; now += time.Duration(random.Int64N(int64(rate.Interval()))) + 1 {
		if random.IntN(500) == 0 {
			now += 20 * rate.Interval()
		}
		wait := b.Wait(rate, now)
		if ok := b.Take(rate, now); ok != (wait == 0) {
			t.Fatalf("%v, with a wait of %v", ok, wait)
		}
		if wait > 0 && random.IntN(2) == 0 {
			now += wait
			if b.Take(rate, now-1) || !b.Take(rate, now) {
				t.Fatalf("a wait of %v was not what it took", wait)
			}
		} else if wait > 0 {
			continue
		}
		passed = append(passed, now)
	}
	return passed
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
		"a rate without an end":                  {math.Inf(1), 0, 1000},
		"more than one event in a nanosecond":    {1e300, 1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			rate := limits.Rate{PerSecond: test.perSecond, Burst: test.burst}
			for _, now := range []time.Duration{0, time.Second, 56 * 365 * 24 * time.Hour} {
				var b limits.Bucket
				keyed, n, m := limits.NewBuckets(rate, 1), 0, 0
				for range 1000 {
					if b.Take(rate, now) {
						n++
					}
					if keyed.Take(key, now) == 0 {
						m++
					}
				}
				if n != test.want || m != test.want {
					t.Errorf("at %v: %d events, and %d of a key; want %d", now, n, m, test.want)
				}
				if b.Wait(rate, now) < 0 || keyed.Wait(key, now) != b.Wait(rate, now) {
					t.Errorf("at %v: a wait of %v, and %v for a key", now, b.Wait(rate, now), keyed.Wait(key, now))
				}
			}
		})
	}
}

func TestABucketIsForManyAtOnce(t *testing.T) {
	var b limits.Bucket
	var passed atomic.Int64
	together(8, func(int) {
		for range 1000 {
			if b.Take(limits.Rate{PerSecond: 1, Burst: 1000}, 0) {
				passed.Add(1)
			}
		}
	})
	if n := passed.Load(); n != 1000 {
		t.Errorf("%d events of a burst of 1000", n)
	}
}

func TestABucketIsSmall(t *testing.T) {
	if n := unsafe.Sizeof(limits.Bucket{}); n != 8 {
		t.Errorf("a bucket has %d bytes", n)
	}
}

func BenchmarkBucket(b *testing.B) {
	var bucket limits.Bucket
	rate := limits.Rate{PerSecond: 1e6, Burst: 100}
	b.ReportAllocs()
	for now := time.Duration(0); b.Loop(); now += 10 {
		bucket.Take(rate, now)
	}
}

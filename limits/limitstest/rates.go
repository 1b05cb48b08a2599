package limitstest

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/limits"
)

// A RateBackbone is what holds the keys of several nodes to rates, with a clock that stands still.
type RateBackbone struct {
	Nodes   []limits.SharedBuckets // three or more
	Advance func(time.Duration)    // also by less than nothing
}

// NewRateBackbone makes a RateBackbone of full buckets, and ends it with the test.
type NewRateBackbone func(t *testing.T) RateBackbone

// aRate is slow: what expires does so by another clock, which does not stand still.
var aRate = limits.Rate{PerSecond: 0.01, Burst: 5}

// RunRates runs the contract of limits.SharedBuckets against the backbones that newBackbone makes, one
// for each test.
func RunRates(t *testing.T, newBackbone NewRateBackbone) {
	for _, test := range []struct {
		name string
		run  func(b *rateBench)
	}{
		{"a burst passes, and then what comes in time", burstAndPace},
		{"a refusal takes nothing", refusalsAreFree},
		{"buckets of other keys stay apart, of any bytes", rateKeys},
		{"an unlimited rate lets everything pass and takes nothing", unlimitedRate},
		{"what is no key or no rate is refused", rateNonsense},
		{"the slowest rate and the largest burst are exact", extremeRates},
		{"a rate that changes leaves a bucket as full as it was", rateChanges},
		{"a clock that is set back locks nobody out", clockGoesBack},
		{"a clock that is set forward gives a burst and no more", clockGoesForward},
		{"nodes at once take a burst and no more", ratesTogether},
		{"random calls pass as by a simple model", againstTheRateModel},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := newBackbone(t)
			if len(b.Nodes) < 3 {
				t.Fatal("limitstest: a RateBackbone needs three nodes")
			}
			test.run(&rateBench{RateBackbone: b, t: t})
		})
	}
}

// A rateBench is a RateBackbone whose calls must succeed, each on another node. Its key is key.
type rateBench struct {
	RateBackbone
	t    *testing.T
	next int
}

func (b *rateBench) take(key string, r limits.Rate) time.Duration {
	b.t.Helper()
	b.next++
	wait, err := b.Nodes[b.next%len(b.Nodes)].Take(b.t.Context(), key, r)
	if err != nil || wait < 0 {
		b.t.Fatalf("take: %v, %v", wait, err)
	}
	return wait
}

// drain takes what passes at once, and returns how much that is and how long until there is more.
func (b *rateBench) drain(r limits.Rate) (n int, wait time.Duration) {
	b.t.Helper()
	for ; ; n++ {
		if wait = b.take(key, r); wait > 0 {
			return n, wait
		}
	}
}

// expect drains key, and checks what passed.
func (b *rateBench) expect(r limits.Rate, events int, wait time.Duration) {
	b.t.Helper()
	if n, w := b.drain(r); n != events || w != wait {
		b.t.Errorf("%d events pass, and more in %v; want %d, and more in %v", n, w, events, wait)
	}
}

func burstAndPace(b *rateBench) {
	b.expect(aRate, 5, 100*time.Second)
	b.Advance(100*time.Second - time.Microsecond)
	b.expect(aRate, 0, time.Microsecond)
	b.Advance(time.Microsecond)
	b.expect(aRate, 1, 100*time.Second)
	b.Advance(250 * time.Second)
	b.expect(aRate, 2, 50*time.Second)
	b.Advance(1e6 * time.Second)
	b.expect(aRate, 5, 100*time.Second)
}

func refusalsAreFree(b *rateBench) {
	b.drain(aRate)
	for i := range 20 {
		if wait := b.take(key, aRate); wait != time.Duration(100-i)*time.Second {
			b.t.Fatalf("after %d s: %v", i, wait)
		}
		b.Advance(time.Second)
	}
	b.Advance(80 * time.Second)
	b.expect(aRate, 1, 100*time.Second)
}

func rateKeys(b *rateBench) {
	one := limits.Rate{PerSecond: 0.01, Burst: 1}
	keys := []string{"a", "a ", "A", "a%20", "a+", "{a}", "{", "}a", "\x00", "\xff\xfe", "a\r\n", "a*", "ä", strings.Repeat("k", limits.MaxKey)}
	for _, wait := range []time.Duration{0, 100 * time.Second} {
		for _, k := range keys {
			if got := b.take(k, one); got != wait {
				b.t.Errorf("%q: %v, want %v", k, got, wait)
			}
		}
	}
}

func unlimitedRate(b *rateBench) {
	for range 100 {
		if wait := b.take(key, limits.UnlimitedRate); wait != 0 {
			b.t.Fatalf("a wait of %v", wait)
		}
	}
	b.expect(aRate, 5, 100*time.Second)
}

func rateNonsense(b *rateBench) {
	for _, k := range []string{"", strings.Repeat("k", limits.MaxKey+1)} {
		if _, err := b.Nodes[0].Take(b.t.Context(), k, aRate); err == nil {
			b.t.Errorf("a key of %d bytes is one", len(k))
		}
	}
	for _, r := range []limits.Rate{{}, {PerSecond: math.NaN(), Burst: 1}, {PerSecond: -1, Burst: 1}, {PerSecond: 1}} {
		if _, err := b.Nodes[0].Take(b.t.Context(), key, r); err == nil {
			b.t.Errorf("%+v is a rate", r)
		}
	}
	b.expect(aRate, 5, 100*time.Second)
}

func extremeRates(b *rateBench) {
	slowest := limits.Rate{PerSecond: 1 / limits.MaxFill.Seconds(), Burst: 1}
	b.take("slowest", slowest)
	for wait := slowest.Interval(); wait > 0; {
		wait = (wait + time.Microsecond - 1).Truncate(time.Microsecond)
		if got := b.take("slowest", slowest); got != wait {
			b.t.Fatalf("%v, want %v", got, wait)
		}
		step := wait/3 + time.Microsecond
		b.Advance(step.Truncate(time.Microsecond))
		wait -= step.Truncate(time.Microsecond)
	}
	if wait := b.take("slowest", slowest); wait != 0 {
		b.t.Errorf("%v more", wait)
	}
	largest := limits.Rate{PerSecond: 1e9, Burst: math.MaxInt32} // which takes 2 s to come
	for range 1000 {
		if wait := b.take("largest", largest); wait != 0 {
			b.t.Fatal(wait)
		}
	}
}

func rateChanges(b *rateBench) {
	slow, fast := limits.Rate{PerSecond: 0.01, Burst: 10}, limits.Rate{PerSecond: 0.1, Burst: 10}
	for range 7 {
		b.take(key, slow)
	}
	b.expect(fast, 3, 10*time.Second)
	b.expect(slow, 0, 100*time.Second)
	b.Advance(30 * time.Second)
	b.expect(fast, 3, 10*time.Second)
	b.expect(limits.Rate{PerSecond: 0.1, Burst: 2}, 0, 10*time.Second)
	b.Advance(10 * time.Second)
	b.expect(limits.Rate{PerSecond: 0.1, Burst: 2}, 1, 10*time.Second)
	b.expect(limits.Rate{PerSecond: 0.1, Burst: 20}, 0, 10*time.Second)
	b.Advance(5 * time.Second)
	b.expect(limits.Rate{PerSecond: 0.2, Burst: 1}, 1, 5*time.Second)
}

func clockGoesBack(b *rateBench) {
	b.expect(aRate, 5, 100*time.Second)
	b.Advance(-24 * time.Hour)
	b.expect(aRate, 0, 100*time.Second)
	b.Advance(60 * time.Second)
	b.expect(aRate, 0, 40*time.Second)
	b.Advance(-time.Hour)
	b.Advance(40 * time.Second)
	b.expect(aRate, 0, 100*time.Second) // what passed unseen is lost, and no more than that
	b.Advance(500 * time.Second)
	b.expect(aRate, 5, 100*time.Second)
}

func clockGoesForward(b *rateBench) {
	for range 3 {
		b.expect(aRate, 5, 100*time.Second)
		b.Advance(1e5 * time.Hour)
	}
	b.expect(aRate, 5, 100*time.Second)
	b.Advance(-3e5 * time.Hour)
	b.expect(aRate, 0, 100*time.Second)
}

func ratesTogether(b *rateBench) {
	const burst = 500
	r := limits.Rate{PerSecond: 0.01, Burst: burst}
	var passed atomic.Int64
	var running sync.WaitGroup
	for i := range workers * len(b.Nodes) {
		node := b.Nodes[i%len(b.Nodes)]
		running.Go(func() {
			for {
				wait, err := node.Take(b.t.Context(), key, r)
				if err != nil {
					b.t.Errorf("take: %v", err)
				}
				if err != nil || wait > 0 {
					return
				}
				passed.Add(1)
			}
		})
	}
	running.Wait()
	if n := passed.Load(); n != burst {
		b.t.Errorf("%d events of a burst of %d", n, burst)
	}
}

// The model knows when everything passed. An event may pass if for every interval that ends with it
// no more than a burst and what comes in that time have passed.
func againstTheRateModel(b *rateBench) {
	for _, r := range []limits.Rate{{PerSecond: 0.01, Burst: 1}, {PerSecond: 0.02, Burst: 3}, {PerSecond: 0.001, Burst: 20}} {
		var passed []time.Duration
		now, k := time.Duration(0), fmt.Sprint(key, r)
		random := rand.New(rand.NewPCG(9, uint64(r.Burst)))
		for range 500 {
			wait := b.take(k, r)
			if want := modelWait(passed, now, r); wait != want {
				b.t.Fatalf("%+v at %v: a wait of %v, want %v", r, now, wait, want)
			}
			if wait == 0 {
				passed = append(passed, now)
			}
			step := time.Duration(random.Float64() * 2 * float64(r.Interval())).Truncate(time.Microsecond)
			switch random.IntN(10) {
			case 0:
				step *= 10
			case 1, 2, 3:
				step = 0
			case 4:
				step = wait
			}
			b.Advance(step)
			now += step
		}
	}
}

func modelWait(passed []time.Duration, now time.Duration, r limits.Rate) (wait time.Duration) {
	for i, from := range passed {
		over := len(passed) - i + 1 - r.Burst // that must come since from
		wait = max(wait, from+time.Duration(over)*r.Interval()-now)
	}
	return wait
}

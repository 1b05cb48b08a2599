package limits_test

import (
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/limits"
)

func TestBucketsKeepKeysApart(t *testing.T) {
	b := limits.NewBuckets(limits.Rate{PerSecond: 1, Burst: 2}, 100)
	for _, key := range []string{"a", "b", ""} {
		if b.Wait(key, 0) != 0 || b.Take(key, 0) != 0 || b.Take(key, 0) != 0 {
			t.Errorf("%q has not a burst of two", key)
		}
		if take, wait := b.Take(key, 0), b.Wait(key, 0); take != time.Second || wait != time.Second {
			t.Errorf("%q: another in %v, %v", key, take, wait)
		}
	}
	if b.Take("a", time.Second) != 0 || b.Take("a", time.Second) == 0 || b.Len() != 3 {
		t.Error("one a second, and there are three keys")
	}
}

func TestBucketsWithoutALimitKnowNobody(t *testing.T) {
	b := limits.NewBuckets(limits.UnlimitedRate, 100)
	for range 1000 {
		if b.Take("a", 0) != 0 || b.Wait("a", 0) != 0 {
			t.Fatal("a wait")
		}
	}
	if b.Len() != 0 {
		t.Errorf("%d keys", b.Len())
	}
}

func TestBucketsForgetWhoHasNotAskedForLongest(t *testing.T) {
	const keys = 1600
	one := limits.Rate{PerSecond: 1, Burst: 1}
	b := limits.NewBuckets(one, keys)
	b.Take("busy", 0)
	for i := range 100_000 {
		b.Take(fmt.Sprint("flood ", i), 0)
		if b.Take("busy", 0) == 0 {
			t.Fatalf("after %d keys: who asks all the time is forgotten", i)
		}
		if i%10_000 == 0 && b.Len() > keys {
			t.Fatalf("%d keys are kept", b.Len())
		}
	}
	if b.Take("flood 1", 0) > 0 {
		t.Error("who has not asked for long is not forgotten")
	}
	if b.Len() < keys*3/4 {
		t.Errorf("%d keys are kept, of %d", b.Len(), keys)
	}
	if n := limits.NewBuckets(one, 0); n.Take("a", 0) > 0 || n.Take("a", 0) == 0 {
		t.Error("with room for none there is room for one")
	}
}

func TestBucketsAreForManyAtOnce(t *testing.T) {
	b := limits.NewBuckets(limits.Rate{PerSecond: 1, Burst: 10}, 16*8) // there is room wherever they meet
	var passed [8]atomic.Int64
	together(8, func(i int) {
		for n := range 8000 {
			if b.Take(fmt.Sprint(n%8), 0) == 0 {
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
	rate := limits.Rate{PerSecond: 1000, Burst: 10}
	var bucket limits.Bucket
	b, throttle := limits.NewBuckets(rate, 64), limits.NewThrottle(rate, nil, limits.ThrottleOptions{Keys: 64})
	now := time.Duration(0)
	keys := make([]string, 1000)
	for i := range keys {
		keys[i] = fmt.Sprint("key ", i)
		b.Take(keys[i], 0)
		throttle.Take(t.Context(), keys[i])
	}
	if n := testing.AllocsPerRun(1000, func() {
		now += time.Millisecond
		bucket.Take(rate, now)
		b.Take("key 7", now)
		b.Take(keys[now/time.Millisecond%1000], now) // most take the place of another
		throttle.Take(t.Context(), "key 7")
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkBuckets(b *testing.B) {
	r := limits.NewBuckets(limits.Rate{PerSecond: 1e6, Burst: 100}, 10_000)
	keys := manyKeys()
	b.ReportAllocs()
	for now := time.Duration(0); b.Loop(); now++ {
		r.Take(keys[now%10_000], now)
	}
}

func manyKeys() []string {
	keys := make([]string, 10_000)
	for i := range keys {
		keys[i] = fmt.Sprint("key ", i)
	}
	return keys
}

package analytics_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/sluice-gateway/sluice/analytics"
)

var errAway = errors.New("connection refused")

func TestCallsAreCountedByBackEndAndClass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := analytics.NewBackends()
		b.Observe("database", "products", 2*time.Millisecond, nil)
		b.Observe("database", "orders", 3*time.Millisecond, nil)
		b.Of("broker")("publish", time.Millisecond, nil)
		b.Observe("database", "products", time.Second, errAway)
		failed := time.Now()
		time.Sleep(time.Second)
		b.Observe("database", "products", 2*time.Millisecond, nil)

		calls := b.Calls()
		var names []string
		for _, c := range calls {
			names = append(names, c.Backend+" "+c.Call)
		}
		if got := strings.Join(names, ", "); got != "broker publish, database orders, database products" {
			t.Fatalf("the classes are %s", got)
		}
		for _, c := range calls[:2] {
			if c.Calls != 1 || c.Failures != 0 || c.LastError != "" || !c.LastFailed.IsZero() || c.ErrorRatio() != 0 {
				t.Errorf("what never failed is %+v", c)
			}
		}
		c := calls[2]
		if c.Calls != 3 || c.Failures != 1 || c.LastError != "connection refused" || !c.LastFailed.Equal(failed) {
			t.Errorf("what failed once is %+v", c)
		}
		if c.Latency.Total() != 3 || c.Latency.Quantile(0) > 3*time.Millisecond || c.Latency.Quantile(1) < 900*time.Millisecond {
			t.Errorf("its latency is %v", c.Latency)
		}
	})
}

func TestTheErrorRatioIsThatOfTheLastMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := analytics.NewBackends()
		ratio := func() float64 { return b.Calls()[0].ErrorRatio() }
		b.Observe("broker", "publish", 0, errAway)
		if got := ratio(); got != 1 {
			t.Errorf("after a failure the ratio is %v, want 1", got)
		}
		time.Sleep(30 * time.Second)
		for range 3 {
			b.Observe("broker", "publish", 0, nil)
		}
		if got := ratio(); got != 0.25 {
			t.Errorf("of four calls one has failed: the ratio is %v, want 0.25", got)
		}
		time.Sleep(29*time.Second + 999*time.Millisecond)
		if got := ratio(); got != 0.25 {
			t.Errorf("within the minute the ratio is %v, want 0.25", got)
		}
		time.Sleep(time.Millisecond)
		if got := ratio(); got != 0 {
			t.Errorf("a minute later the ratio is %v, want 0", got)
		}
		time.Sleep(time.Hour)
		c := b.Calls()[0]
		if c.MinuteCalls != 0 || c.ErrorRatio() != 0 || c.Calls != 4 || c.Failures != 1 {
			t.Errorf("without calls for an hour it is %+v", c)
		}
		b.Observe("broker", "publish", 0, errAway)
		if c := b.Calls()[0]; c.MinuteCalls != 1 || c.ErrorRatio() != 1 {
			t.Errorf("what took the place of older seconds is %+v", c)
		}
	})
}

func TestAnErrorOfAnyLengthIsCut(t *testing.T) {
	b := analytics.NewBackends()
	b.Observe("broker", "publish", 0, errors.New("x"+strings.Repeat("ä", 1000)))
	if text := b.Calls()[0].LastError; len(text) != 255 || !utf8.ValidString(text) {
		t.Errorf("%d bytes are kept: %q", len(text), text)
	}
}

func TestClassesAreBounded(t *testing.T) {
	b := analytics.NewBackends()
	for n := range 250 {
		b.Observe("database", fmt.Sprint("call", n), time.Millisecond, errAway)
	}
	calls := b.Calls()
	total := uint64(0)
	for _, c := range calls {
		total += c.Calls
	}
	last := calls[len(calls)-1]
	if len(calls) != 101 || last.Backend != analytics.Other || last.Call != analytics.Other || last.Calls != 150 || total != 250 {
		t.Errorf("%d classes have %d calls, the last is %s of %s with %d", len(calls), total, last.Call, last.Backend, last.Calls)
	}
}

func TestBackendsAreObservedFromEverywhere(t *testing.T) {
	b := analytics.NewBackends()
	var all sync.WaitGroup
	for n := range 8 {
		all.Go(func() {
			for range 500 {
				b.Observe("database", fmt.Sprint("call", n%3), time.Millisecond, nil)
				b.Observe("budgets", "lease", time.Millisecond, errAway)
				b.Calls()
			}
		})
	}
	all.Wait()
	for _, c := range b.Calls() {
		if c.Backend == "budgets" && (c.Calls != 4000 || c.Failures != 4000 || c.Latency.Total() != 4000) {
			t.Errorf("the counts are %+v", c)
		}
	}
}

func TestObservingWhatSucceedsAllocatesNothing(t *testing.T) {
	b := analytics.NewBackends()
	b.Observe("broker", "publish", time.Millisecond, nil)
	if n := testing.AllocsPerRun(1000, func() { b.Observe("broker", "publish", time.Millisecond, nil) }); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

func BenchmarkBackendsObserve(b *testing.B) {
	backends := analytics.NewBackends()
	b.ReportAllocs()
	for b.Loop() {
		backends.Observe("broker", "publish", time.Millisecond, nil)
	}
}

func BenchmarkBackendsObserveInParallel(b *testing.B) {
	backends := analytics.NewBackends()
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			backends.Observe("broker", "publish", time.Millisecond, nil)
		}
	})
}

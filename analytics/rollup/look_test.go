package rollup

import (
	"fmt"
	"maps"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"
	"unique"

	"github.com/sluice-gateway/sluice/analytics"
)

func TestGaugesAreIntegratedOverTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		var sessions atomic.Int64
		gauges := func() map[string]int64 { return map[string]int64{"sessions/sse": sessions.Load(), "idle": 0} }
		r := start(m, analytics.NewRecorder(analytics.Options{}), Options{Gauges: gauges})
		begun := time.Now()
		time.Sleep(500 * time.Millisecond)
		sessions.Store(4) // it is looked at in the end of the second
		time.Sleep(9500*time.Millisecond + 1)
		sessions.Store(10)
		time.Sleep(50 * time.Second)
		synctest.Wait()
		sessions.Store(0)
		end(t, r)
		for at, want := range map[place]map[string]int64{
			placeOf(Second, begun):                     {"sessions/sse": 4 * 1000},
			placeOf(Second, begun.Add(10*time.Second)): {"sessions/sse": 10 * 1000},
			placeOf(Minute, begun):                     {"sessions/sse": 4*10_000 + 10*50_000},
			placeOf(Day, begun):                        {"sessions/sse": 4*10_000 + 10*50_000},
		} {
			if got := m.levels[at]; !maps.Equal(got, want) {
				t.Errorf("the %s at %v has %v, want %v", at.step, at.time(), got, want)
			}
		}
	})
}

func TestALateLookIsSpreadOverItsSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		to := &pending{sheets: make(map[place]*sheet)}
		recorder := analytics.NewRecorder(analytics.Options{})
		l := newLooker(recorder, Options{Series: 300, Gauges: func() map[string]int64 { return map[string]int64{"a": 2} }}, to)
		begun := time.Now()
		time.Sleep(700 * time.Millisecond)
		l.look()
		deliver(begin(recorder, prices), 1)
		time.Sleep(2600*time.Millisecond + 300*time.Microsecond)
		l.look()
		for n, want := range []int64{2000, 2000, 2000, 600} {
			if got := to.sheets[placeOf(Second, begun.Add(time.Duration(n)*time.Second))].levels["a"]; got != want {
				t.Errorf("second %d: %d, want %d", n, got, want)
			}
		}
		if s := to.sheets[placeOf(Second, begun.Add(2*time.Second))]; s.entries[unique.Make(prices)] == nil {
			t.Error("what was counted is not in the middle of the time")
		}
	})
}

func TestLatenciesAreThoseOfTheirStep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		var mu sync.Mutex // guards all
		all := map[string]*analytics.Latency{"S.a": new(analytics.Latency), "S.b": new(analytics.Latency)}
		latencies := func() map[string]*analytics.Latency {
			mu.Lock()
			defer mu.Unlock()
			return maps.Clone(all)
		}
		r := start(m, analytics.NewRecorder(analytics.Options{}), Options{Latencies: latencies})
		begun := time.Now()
		a := all["S.a"]
		a.Observe(time.Millisecond)
		time.Sleep(1500 * time.Millisecond)
		a.Observe(time.Second)
		mu.Lock()
		all["S.b"].Observe(time.Second)
		all["S.a"] = new(analytics.Latency) // another one of that name, and what the former has had since
		all["S.a"].Observe(time.Second)
		mu.Unlock()
		time.Sleep(time.Second)
		end(t, r)
		for at, want := range map[place]map[string]analytics.Sketch{
			placeOf(Second, begun):                  {"S.a": {348: 1}},
			placeOf(Second, begun.Add(time.Second)): {"S.a": {523: 2}, "S.b": {523: 1}},
			placeOf(Hour, begun):                    {"S.a": {348: 1, 523: 2}, "S.b": {523: 1}},
		} {
			if got := m.timings[at]; !maps.EqualFunc(got, want, maps.Equal) {
				t.Errorf("the %s at %v has %v, want %v", at.step, at.time(), got, want)
			}
		}
	})
}

func TestOfManyFieldsThoseWithMostHaveTheirOwnLatencies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		all := make(map[string]*analytics.Latency)
		want := uint64(0)
		for n := range 80 {
			l := new(analytics.Latency)
			for range n + 1 {
				l.Observe(time.Second)
				want++
			}
			all[fmt.Sprint(n)] = l
		}
		r := start(m, analytics.NewRecorder(analytics.Options{}), Options{Latencies: func() map[string]*analytics.Latency { return all }})
		end(t, r)
		got := m.timings[placeOf(Second, time.Now())]
		sum := uint64(0)
		for _, s := range got {
			sum += s.Total()
		}
		if len(got) != mostFields+1 || got["30"].Total() != 31 || got["29"] != nil || got[analytics.Other].Total() != 30*31/2 || sum != want {
			t.Errorf("%d fields with %d of %d", len(got), sum, want)
		}
	})
}

func TestCountsThatFallCountNothing(t *testing.T) {
	var told analytics.Counts
	sum := Counts{}
	for _, events := range []uint64{5, 3, 4, 7} {
		c, _ := since(&told, analytics.Counts{Events: events, ConnectedMillis: int64(events) * 1000})
		sum = sum.Plus(c)
	}
	if sum.Events != 7 || sum.ConnectedMillis != 7000 {
		t.Errorf("%+v", sum)
	}
}

func TestNamesThatClientsChooseGoFirst(t *testing.T) {
	n := namesOf(analytics.Labels{
		Kind: "live", Operation: "Prices", Document: "ab12", Field: "Query.prices", Topic: "price.{id}", Consumer: "shop", Issuer: "i",
		Subject: "ann", Plan: "gold", Transport: "sse", Client: "app", Version: "1\x00", Country: "DE",
	})
	const other = analytics.Other
	want := analytics.Labels{
		Kind: "live", Operation: other, Document: other, Field: "Query.prices", Topic: "price.{id}", Consumer: "shop", Issuer: "i",
		Plan: "gold", Transport: "sse", Client: other,
	}
	if got := n.common.Value(); got != want {
		t.Errorf("first %+v, want %+v", got, want)
	}
	want.Consumer, want.Issuer, want.Plan = other, "", ""
	if got := n.crowd.Value(); got != want {
		t.Errorf("then %+v, want %+v", got, want)
	}
	if got := n.own.Value(); got.Version != "1\uFFFD" || got.Subject != "ann" {
		t.Errorf("not at once: %+v", got)
	}
}

func FuzzNames(f *testing.F) {
	for _, name := range []string{"", "Prices", "a\x00b", "\xff\xfe", strings.Repeat("é", 200), strings.Repeat("x", 300)} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		got := clean(name)
		if !utf8.ValidString(got) || strings.Contains(got, "\x00") || len(got) > longest {
			t.Errorf("%q becomes %q", name, got)
		}
		if utf8.ValidString(name) && !strings.Contains(name, "\x00") && len(name) <= longest && got != name {
			t.Errorf("%q becomes %q", name, got)
		}
	})
}

package analytics_test

import (
	"encoding/json"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/analytics"
)

func TestQuantilesAreRightToTwoPercent(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for name, draw := range map[string]func() time.Duration{
		"of all magnitudes": func() time.Duration {
			return time.Duration(float64(10*time.Microsecond) * math.Pow(1e7, random.Float64()))
		},
		"of a normal evening": func() time.Duration {
			return time.Duration(float64(4*time.Millisecond) * math.Exp(random.NormFloat64()))
		},
		"all alike": func() time.Duration { return 1234567 },
	} {
		t.Run(name, func(t *testing.T) {
			var l analytics.Latency
			all := make([]time.Duration, 10_000)
			for i := range all {
				all[i] = draw()
				l.Observe(all[i])
			}
			slices.Sort(all)
			for _, q := range []float64{0, 0.01, 0.5, 0.9, 0.99, 0.999, 1} {
				want := all[max(int(math.Ceil(q*float64(len(all)))), 1)-1]
				got := l.Counts().Quantile(q)
				if off := math.Abs(float64(got-want)) / float64(want); off > 0.0201 {
					t.Errorf("the quantile %v is %v, want %v: %.1f %% off", q, got, want, 100*off)
				}
			}
		})
	}
}

func TestWhatIsShorterOrLongerCountsAsTheShortestOrLongest(t *testing.T) {
	for name, c := range map[string]struct{ took, want time.Duration }{
		"nothing":                {0, 10 * time.Microsecond},
		"a clock that goes back": {math.MinInt64, 10 * time.Microsecond},
		"the shortest":           {10 * time.Microsecond, 10 * time.Microsecond},
		"the longest":            {100 * time.Second, 100 * time.Second},
		"a day":                  {24 * time.Hour, 100 * time.Second},
		"for ever":               {math.MaxInt64, 100 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			var l analytics.Latency
			l.Observe(c.took)
			if got := l.Counts().Quantile(0.5); math.Abs(float64(got-c.want))/float64(c.want) > 0.0201 {
				t.Errorf("%v counts as %v, want %v", c.took, got, c.want)
			}
		})
	}
}

// Buckets are kept for years: another library, or another accuracy, must not change what they mean.
func TestTheNumbersOfBucketsMeanTheSameForEver(t *testing.T) {
	for d, want := range map[time.Duration]int{
		10 * time.Microsecond: 232, time.Millisecond: 348, time.Second: 523, 100 * time.Second: 639,
	} {
		var l analytics.Latency
		l.Observe(d)
		if got := slices.Collect(maps.Keys(l.Counts())); len(got) != 1 || got[0] != want {
			t.Errorf("%v is in the buckets %v, want %d", d, got, want)
		}
	}
}

func TestSketchesOfSeveralNodesAddUp(t *testing.T) {
	var a, b, both analytics.Latency
	for i := range 1000 {
		d := time.Duration(i+1) * 10 * time.Microsecond
		if i%3 == 0 {
			a.Observe(d)
		} else {
			b.Observe(d)
		}
		both.Observe(d)
	}
	sum := make(analytics.Sketch)
	sum.Merge(a.Counts())
	sum.Merge(b.Counts())
	if !maps.Equal(sum, both.Counts()) || sum.Total() != 1000 {
		t.Errorf("the sum of %d is not that of one node", sum.Total())
	}
}

func TestADifferenceIsWhatCameSince(t *testing.T) {
	var l analytics.Latency
	l.Observe(time.Millisecond)
	l.Observe(time.Second)
	before := l.Counts()
	if n := before.Since(nil).Total(); n != 2 {
		t.Errorf("since the beginning: %d, want 2", n)
	}
	l.Observe(time.Second)
	fresh := l.Counts().Since(before)
	if len(fresh) != 1 || fresh.Total() != 1 || math.Abs(fresh.Quantile(0.5).Seconds()-1) > 0.02 {
		t.Errorf("since then: %v", fresh)
	}
	if again := before.Since(l.Counts()); len(again) != 0 {
		t.Errorf("nothing came before: %v", again)
	}
}

func TestQuantilesOfOddSketches(t *testing.T) {
	for name, c := range map[string]struct {
		s        analytics.Sketch
		q        float64
		from, to time.Duration
	}{
		"of none":                 {nil, 0.99, 0, 0},
		"that is not a number":    {analytics.Sketch{348: 1}, math.NaN(), 980 * time.Microsecond, 1020 * time.Microsecond},
		"beyond all":              {analytics.Sketch{348: 1, 523: 1}, 7, 980 * time.Millisecond, 1020 * time.Millisecond},
		"before all":              {analytics.Sketch{348: 1, 523: 1}, -7, 980 * time.Microsecond, 1020 * time.Microsecond},
		"of buckets that are not": {analytics.Sketch{math.MaxInt: 1}, 0.5, 99 * time.Second, 100 * time.Second},
		"of more than floats can": {analytics.Sketch{348: math.MaxUint64}, 1, 980 * time.Microsecond, 1020 * time.Microsecond},
	} {
		t.Run(name, func(t *testing.T) {
			if got := c.s.Quantile(c.q); got < c.from || got > c.to {
				t.Errorf("it is %v, want %v to %v", got, c.from, c.to)
			}
		})
	}
}

func TestAQuantileIsTheShortestTimeThatIsEnough(t *testing.T) {
	for _, c := range []struct {
		name          string
		short, slower uint64 // of a millisecond and of a second
		q             float64
		want          time.Duration
	}{
		{"half of two is one", 1, 1, 0.5, time.Millisecond},
		{"more than half of two is both", 1, 1, 0.51, time.Second},
		{"half of three is two", 1, 2, 0.5, time.Second},
		{"99 of a hundred are enough", 99, 1, 0.99, time.Millisecond},
		{"98 of a hundred are not", 98, 2, 0.99, time.Second},
		{"55 of a hundred are, though 0.55 times 100 is more than 55", 55, 45, 0.55, time.Millisecond},
		{"nine of ten are", 9, 1, 0.9, time.Millisecond},
		{"of one it is that", 1, 0, 0.5, time.Millisecond},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := analytics.Sketch{348: c.short, 523: c.slower}.Quantile(c.q)
			if math.Abs(float64(got-c.want))/float64(c.want) > 0.0201 {
				t.Errorf("%v, want %v", got, c.want)
			}
		})
	}
}

func TestSketchesAreTheSameThroughJSON(t *testing.T) {
	var l analytics.Latency
	l.Observe(time.Second)
	text, err := json.Marshal(l.Counts())
	if err != nil || string(text) != `{"523":1}` {
		t.Fatalf("%s (%v)", text, err)
	}
	var back analytics.Sketch
	if err := json.Unmarshal(text, &back); err != nil || !maps.Equal(back, l.Counts()) {
		t.Errorf("%v (%v)", back, err)
	}
}

func TestManyObserveAtOnce(t *testing.T) {
	var l analytics.Latency
	var all sync.WaitGroup
	for n := range 8 {
		all.Go(func() {
			for i := range 1000 {
				l.Observe(time.Duration(n*i) * time.Microsecond)
			}
		})
	}
	for range 100 {
		_ = l.Counts().Quantile(0.99)
	}
	all.Wait()
	if n := l.Counts().Total(); n != 8000 {
		t.Errorf("%d were observed, want 8000", n)
	}
}

func TestObservingAllocatesNothing(t *testing.T) {
	var l analytics.Latency
	if n := testing.AllocsPerRun(1000, func() { l.Observe(time.Millisecond) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkLatency(b *testing.B) {
	b.Run("observe", func(b *testing.B) {
		var l analytics.Latency
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			l.Observe(time.Duration(i%5000) * time.Microsecond)
		}
	})
	b.Run("observe from every core", func(b *testing.B) {
		var l analytics.Latency
		b.RunParallel(func(p *testing.PB) {
			for i := 0; p.Next(); i++ {
				l.Observe(time.Duration(i%5000) * time.Microsecond)
			}
		})
	})
	b.Run("counts", func(b *testing.B) {
		var l analytics.Latency
		for i := range 5000 {
			l.Observe(time.Duration(i) * time.Microsecond)
		}
		b.ReportAllocs()
		for b.Loop() {
			_ = l.Counts()
		}
	})
}

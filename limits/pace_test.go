package limits

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// In no interval of a second pass more events than the rate, whenever they come.
func TestAPaceIsExactOverEverySecond(t *testing.T) {
	for _, rate := range []float64{0.5, 1, 2.5, 20, 333, 1000} {
		r := rand.New(rand.NewPCG(1, uint64(rate*10)))
		p := NewPace(rate)
		var passed []time.Duration
		now := time.Duration(0)
		for range 20_000 {
			if r.IntN(100) == 0 { // a pause now and then
				now += time.Duration(r.Int64N(int64(3 * time.Second)))
			}
			now += time.Duration(r.Int64N(int64(2 * float64(time.Second) / rate / 3)))
			wait := p.Wait(now)
			if p.Pass(now) != (wait <= 0) {
				t.Fatalf("rate %v: Wait says %v and Pass the contrary", rate, wait)
			}
			if wait <= 0 {
				passed = append(passed, now)
			} else if wait > time.Duration(math.Ceil(max(rate, 1))/rate*float64(time.Second)) {
				t.Fatalf("rate %v: the wait is %v", rate, wait)
			}
		}
		within := time.Duration(max(1, 1/rate) * float64(time.Second))
		for first := range passed {
			n := 0
			for n < len(passed)-first && passed[first+n] < passed[first]+within {
				n++
			}
			if float64(n) > math.Ceil(max(rate, 1)) {
				t.Fatalf("rate %v: %d events passed within %v", rate, n, within)
			}
		}
	}
}

func TestAPaceLetsPassWhatItMay(t *testing.T) {
	for _, rate := range []float64{0.5, 1, 20, 1000, 50_000} {
		p, passed := NewPace(rate), 0
		const seconds = 20
		for now := time.Duration(0); now < seconds*time.Second; now += time.Duration(float64(time.Second) / rate / 7) {
			if p.Pass(now) {
				passed++
			}
		}
		if want := rate * seconds; float64(passed) < want*0.85 || float64(passed) > want+math.Ceil(rate) {
			t.Errorf("%d events passed in %d s at a rate of %v", passed, seconds, rate)
		}
	}
}

func TestAPaceAllocatesNothing(t *testing.T) {
	p, now := NewPace(1000), time.Duration(0)
	if n := testing.AllocsPerRun(100, func() { now += time.Microsecond; p.Pass(now) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

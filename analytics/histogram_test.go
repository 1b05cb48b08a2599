package analytics_test

import (
	"slices"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/analytics"
)

func TestASketchIsAHistogram(t *testing.T) {
	var l analytics.Latency
	for _, took := range []time.Duration{time.Millisecond, 3 * time.Millisecond, 3 * time.Millisecond, time.Second} {
		l.Observe(took)
	}
	within, sum := l.Counts().Histogram([]time.Duration{2 * time.Millisecond, 10 * time.Millisecond, 2 * time.Second})
	if !slices.Equal(within, []uint64{1, 3, 4}) {
		t.Errorf("%v are within", within)
	}
	if want := 1007 * time.Millisecond; sum < want*98/100 || sum > want*102/100 {
		t.Errorf("the sum is %v, want %v", sum, want)
	}
	if within, sum := analytics.Sketch(nil).Histogram([]time.Duration{1}); within[0] != 0 || sum != 0 {
		t.Errorf("of nothing %v are within, and %v the sum", within, sum)
	}
}

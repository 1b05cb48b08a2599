package prom_test

import (
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/analytics"
	"github.com/sluice-gateway/sluice/analytics/prom"
)

// BenchmarkObserve is what the timing of an event and of one write costs, besides taking the times.
func BenchmarkObserve(b *testing.B) {
	p := prom.New(analytics.NewRecorder(analytics.Options{}))
	b.ReportAllocs()
	written := p.Written("Subscription.message")
	for i := 0; b.Loop(); i++ {
		p.Executed("Subscription.message", time.Duration(i%1000)*time.Microsecond)
		written(time.Duration(i%3000) * time.Microsecond)
	}
}

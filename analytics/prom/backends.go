package prom

import (
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sluice-gateway/sluice/analytics"
)

// callBounds are the buckets of calls' latencies.
var callBounds = []time.Duration{
	time.Millisecond, 5 * time.Millisecond, 20 * time.Millisecond, 100 * time.Millisecond, 500 * time.Millisecond, 2500 * time.Millisecond,
}

// mostCalls is how many classes of calls are shown: each is some ten series.
const mostCalls = 40

// A backends is the prometheus.Collector of calls.
type backends struct {
	all            *analytics.Backends
	few            *few[string]
	took, failures *prometheus.Desc
}

// Backends adds how calls of the services behind the node have ended.
func (p *Registry) Backends(all *analytics.Backends) {
	p.all.MustRegister(&backends{
		all: all,
		few: newFew[string](mostCalls),
		took: prometheus.NewDesc("sluice_backend_call_seconds",
			"How long calls of a service behind the node took, those that failed too; within 2 %.", []string{"backend", "call"}, nil),
		failures: prometheus.NewDesc("sluice_backend_call_failures_total",
			"Of these, those that failed.", []string{"backend", "call"}, nil),
	})
}

func (b *backends) Describe(to chan<- *prometheus.Desc) {
	to <- b.took
	to <- b.failures
}

func (b *backends) Collect(to chan<- prometheus.Metric) {
	for _, c := range b.all.Calls() {
		if !b.few.has(c.Backend + "/" + c.Call) {
			continue // a program has a dozen
		}
		within, sum := c.Latency.Histogram(callBounds)
		buckets := make(map[float64]uint64, len(callBounds))
		for i, bound := range callBounds {
			buckets[bound.Seconds()] = within[i]
		}
		labels := []string{strings.ToValidUTF8(c.Backend, "?"), strings.ToValidUTF8(c.Call, "?")}
		to <- prometheus.MustNewConstHistogram(b.took, c.Latency.Total(), sum.Seconds(), buckets, labels...)
		to <- prometheus.MustNewConstMetric(b.failures, prometheus.CounterValue, float64(c.Failures), labels...)
	}
}

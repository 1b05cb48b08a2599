package prom

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sluice-gateway/sluice/analytics"
)

// mostFields is how many fields have latencies of their own: each is some thirty series.
const mostFields = 20

// bounds are the classic buckets of latencies, in seconds. What promises speak of is among them: 200 ms.
var bounds = []float64{0.0005, 0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5}

// latencies are how long events take on this node.
type latencies struct {
	executions, deliveries *prometheus.HistogramVec
	fields                 *few[string]

	mu      sync.RWMutex // guards byField
	byField map[string]*latency
}

// A latency is that of one field.
type latency struct{ execution, delivery prometheus.Observer }

func newLatencies() *latencies {
	return &latencies{
		executions: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:                            "sluice_execution_seconds",
			Help:                            "How long the resolvers of an event took, and the encoding of its result: once for all members of a group.",
			Buckets:                         bounds,
			NativeHistogramBucketFactor:     1.1,
			NativeHistogramMaxBucketNumber:  100,
			NativeHistogramMinResetDuration: time.Hour,
		}, []string{"field"}),
		deliveries: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:                            "sluice_delivery_seconds",
			Help:                            "How long an event took from when it was published, or arrived here if that is not known, until it was written to a client: of each write, the event that waited the longest.",
			Buckets:                         bounds,
			NativeHistogramBucketFactor:     1.1,
			NativeHistogramMaxBucketNumber:  100,
			NativeHistogramMinResetDuration: time.Hour,
		}, []string{"field"}),
		fields:  newFew[string](mostFields),
		byField: make(map[string]*latency),
	}
}

// Executed notes how long the execution of an event of a field took. Of more than 20 fields the rest is
// `other`.
func (p *Registry) Executed(field string, took time.Duration) {
	p.latencies.of(field).execution.Observe(took.Seconds())
}

// Written returns who is to be told how long events of a field took until they were written.
func (p *Registry) Written(field string) func(after time.Duration) {
	of := p.latencies.of(field).delivery
	return func(after time.Duration) { of.Observe(max(0, after).Seconds()) }
}

func (l *latencies) of(field string) *latency {
	l.mu.RLock()
	found := l.byField[field]
	l.mu.RUnlock()
	if found != nil {
		return found
	}
	name := named(l.fields, field)
	found = &latency{l.executions.WithLabelValues(name), l.deliveries.WithLabelValues(name)}
	if name != analytics.Other {
		l.mu.Lock()
		l.byField[field] = found
		l.mu.Unlock()
	}
	return found
}

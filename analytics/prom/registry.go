// Package prom shows Prometheus what a node counts.
//
// A Registry answers a scrape with what a Recorder counts, with how long events have taken, with what the
// program adds by Export, and with what Go and the system say of the process. Labels come from closed sets,
// and of each only so many values are told apart: whatever clients send, a node has at most 2,000 series.
// Counters never fall while the process lives. Everything here is safe for concurrent use.
package prom

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/sluice-gateway/sluice/analytics"
)

// A Registry is the metrics of one node.
type Registry struct {
	all       *prometheus.Registry
	latencies *latencies
}

// New makes a registry with what r counts, the latencies, the build, Go's runtime and the process.
func New(r *analytics.Recorder) *Registry {
	p := &Registry{all: prometheus.NewRegistry(), latencies: newLatencies()}
	p.all.MustRegister(
		newOperations(r),
		p.latencies.executions, p.latencies.deliveries,
		newBuild(),
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	return p
}

// scrapes is how many may be answered at a time: who asks for more is no Prometheus.
const scrapes = 4

// Handler answers scrapes, in text or, with native histograms, in protobuf.
func (p *Registry) Handler() http.Handler {
	return promhttp.HandlerFor(p.all, promhttp.HandlerOpts{MaxRequestsInFlight: scrapes})
}

package prom

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/sluice-gateway/sluice/analytics"
)

// How many combinations of labels are told apart.
const (
	mostFlows = 250
	mostCodes = 64
)

// A kind is the type of an operation and how it came.
type kind struct{ kind, transport string }

// A flow is what operations have in common by which they are counted: the name is that of one that the
// operator has deployed.
type flow struct {
	kind
	field, operation string
}

// An operations is the prometheus.Collector of what a Recorder counts.
type operations struct {
	recorder *analytics.Recorder
	flows    *few[flow]
	codes    *few[string]

	deliveries, bytes, dropped, failures, started, running, errors, kept, first, crowded *prometheus.Desc
}

func newOperations(r *analytics.Recorder) *operations {
	return &operations{
		recorder: r,
		flows:    newFew[flow](mostFlows),
		codes:    newFew[string](mostCodes),
		deliveries: prometheus.NewDesc("sluice_deliveries_total",
			"Results that were handed to clients' outboxes. Those that were not sent all the same are among the dropped, with the reason slow or write. operation is the name of a trusted document's operation, or other.",
			[]string{"type", "field", "transport", "operation"}, nil),
		bytes: prometheus.NewDesc("sluice_delivered_bytes_total",
			"Bytes of these results, without what the protocol adds.",
			[]string{"type", "field", "transport", "operation"}, nil),
		dropped: prometheus.NewDesc("sluice_dropped_events_total",
			"Events that a client will not have: it reads too slowly, is gone, its budget's rate was exceeded, its lease came too late, or no result could be made.",
			[]string{"reason"}, nil),
		failures: prometheus.NewDesc("sluice_publishing_errors_total",
			"Events that a client has not had, or with errors, by cause: decode, resolver, write, throttled or slow.",
			[]string{"cause"}, nil),
		started: prometheus.NewDesc("sluice_operations_total",
			"Operations that have begun. operation is the name of a trusted document's operation, or other.",
			[]string{"type", "field", "transport", "operation"}, nil),
		running: prometheus.NewDesc("sluice_operations",
			"Operations that are running.",
			[]string{"type", "transport"}, nil),
		errors: prometheus.NewDesc("sluice_operation_errors_total",
			"Operations that were refused, or that an error has ended, by its code.",
			[]string{"code"}, nil),
		kept: prometheus.NewDesc("sluice_series_kept",
			"Combinations of operation, consumer and client that the node tells apart.",
			nil, nil),
		first: prometheus.NewDesc("sluice_series_begun_total",
			"Such combinations that there ever were.",
			nil, nil),
		crowded: prometheus.NewDesc("sluice_series_crowded_total",
			"Operations that were counted without their own names, since there were too many.",
			nil, nil),
	}
}

func (o *operations) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{o.deliveries, o.bytes, o.dropped, o.failures, o.started, o.running, o.errors, o.kept, o.first, o.crowded} {
		to <- d
	}
}

func (o *operations) Collect(to chan<- prometheus.Metric) {
	s := o.sum()
	for f, had := range s.flows {
		labels := []string{f.kind.kind, f.field, f.transport, f.operation}
		to <- prometheus.MustNewConstMetric(o.deliveries, prometheus.CounterValue, float64(had.events), labels...)
		to <- prometheus.MustNewConstMetric(o.bytes, prometheus.CounterValue, float64(had.bytes), labels...)
		to <- prometheus.MustNewConstMetric(o.started, prometheus.CounterValue, float64(had.started), labels...)
	}
	for k, n := range s.running {
		to <- prometheus.MustNewConstMetric(o.running, prometheus.GaugeValue, float64(n), k.kind, k.transport)
	}
	for code, n := range s.codes {
		to <- prometheus.MustNewConstMetric(o.errors, prometheus.CounterValue, float64(n), code)
	}
	for reason, n := range s.dropped {
		to <- prometheus.MustNewConstMetric(o.dropped, prometheus.CounterValue, float64(n), analytics.Drop(reason).String())
	}
	for cause, n := range s.errors() {
		to <- prometheus.MustNewConstMetric(o.failures, prometheus.CounterValue, float64(n), cause)
	}
	stats := o.recorder.Stats()
	to <- prometheus.MustNewConstMetric(o.kept, prometheus.GaugeValue, float64(stats.Kept))
	to <- prometheus.MustNewConstMetric(o.first, prometheus.CounterValue, float64(stats.Begun))
	to <- prometheus.MustNewConstMetric(o.crowded, prometheus.CounterValue, float64(stats.Crowded))
}

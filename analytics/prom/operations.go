package prom

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/sluice-gateway/sluice/analytics"
)

// How many combinations of labels are told apart.
const (
	mostFlows = 150 // of type, field and transport
	mostBegun = 250 // of these and the operation
	mostCodes = 64
)

// A flow is what deliveries have in common, by which they are counted.
type flow struct{ kind, field, transport string }

// begun is a flow and the name of the operation that began it.
type begun struct {
	flow
	operation string
}

// An operations is the prometheus.Collector of what a Recorder counts.
type operations struct {
	recorder *analytics.Recorder
	flows    *few[flow]
	begun    *few[begun]
	codes    *few[string]

	deliveries, bytes, dropped, started, running, errors, kept, first, crowded *prometheus.Desc
}

func newOperations(r *analytics.Recorder) *operations {
	return &operations{
		recorder: r,
		flows:    newFew[flow](mostFlows),
		begun:    newFew[begun](mostBegun),
		codes:    newFew[string](mostCodes),
		deliveries: prometheus.NewDesc("sluice_deliveries_total",
			"Results that were handed to clients' outboxes. Those that gave way there all the same are among the dropped, with the reason slow.",
			[]string{"type", "field", "transport"}, nil),
		bytes: prometheus.NewDesc("sluice_delivered_bytes_total",
			"Bytes of these results, without what the protocol adds.",
			[]string{"type", "field", "transport"}, nil),
		dropped: prometheus.NewDesc("sluice_dropped_events_total",
			"Results that were made for a client that will not have them: it reads too slowly, its budget's rate was exceeded, or its lease came too late.",
			[]string{"reason"}, nil),
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
	for _, d := range []*prometheus.Desc{o.deliveries, o.bytes, o.dropped, o.started, o.running, o.errors, o.kept, o.first, o.crowded} {
		to <- d
	}
}

func (o *operations) Collect(to chan<- prometheus.Metric) {
	s := o.sum()
	for f, c := range s.flows {
		to <- prometheus.MustNewConstMetric(o.deliveries, prometheus.CounterValue, float64(c.events), f.kind, f.field, f.transport)
		to <- prometheus.MustNewConstMetric(o.bytes, prometheus.CounterValue, float64(c.bytes), f.kind, f.field, f.transport)
	}
	for b, n := range s.begun {
		to <- prometheus.MustNewConstMetric(o.started, prometheus.CounterValue, float64(n), b.kind, b.field, b.transport, b.operation)
	}
	for f, n := range s.running {
		to <- prometheus.MustNewConstMetric(o.running, prometheus.GaugeValue, float64(n), f.kind, f.transport)
	}
	for code, n := range s.codes {
		to <- prometheus.MustNewConstMetric(o.errors, prometheus.CounterValue, float64(n), code)
	}
	for reason, n := range s.dropped {
		to <- prometheus.MustNewConstMetric(o.dropped, prometheus.CounterValue, float64(n), analytics.Drop(reason).String())
	}
	stats := o.recorder.Stats()
	to <- prometheus.MustNewConstMetric(o.kept, prometheus.GaugeValue, float64(stats.Kept))
	to <- prometheus.MustNewConstMetric(o.first, prometheus.CounterValue, float64(stats.Begun))
	to <- prometheus.MustNewConstMetric(o.crowded, prometheus.CounterValue, float64(stats.Crowded))
}

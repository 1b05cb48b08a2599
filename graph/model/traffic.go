package model

import (
	"strings"

	"github.com/sluice-gateway/sluice/analytics"
	"github.com/sluice-gateway/sluice/analytics/rollup"
)

// NewTraffic is what is shown of a point.
func NewTraffic(p rollup.Point) Traffic {
	c := p.Counts
	return Traffic{
		At: p.At, Started: c.Started, Ended: c.Ended, Refused: c.Refused, Events: c.Events, Bytes: c.Bytes, Failed: c.Failed,
		Dropped: newDrops(c.Dropped), ConnectedSeconds: seconds(c.ConnectedMillis),
	}
}

// NewShare is what is shown of a row.
func NewShare(r rollup.Row) Share {
	l, c := r.Labels, r.Counts
	share := Share{
		Operation: orNull(l.Operation), Document: orNull(l.Document), Field: orNull(l.Field), Topic: orNull(l.Topic),
		Consumer: orNull(l.Consumer), Issuer: orNull(l.Issuer), Plan: orNull(l.Plan),
		Client: orNull(l.Client), ClientVersion: orNull(l.Version), Transport: orNull(l.Transport), Country: orNull(l.Country),
		Started: c.Started, Ended: c.Ended, Refused: c.Refused, Events: c.Events, Bytes: c.Bytes, Failed: c.Failed,
		Dropped: newDrops(c.Dropped), ConnectedSeconds: seconds(c.ConnectedMillis),
	}
	if kind := operationKind(l.Kind); kind.IsValid() {
		share.Kind = &kind
	}
	return share
}

func operationKind(kind string) OperationKind { return OperationKind(strings.ToUpper(kind)) }

func newDrops(d [analytics.Drops]int64) Drops {
	drops := Drops{
		Slow: d[analytics.DropSlow], Rate: d[analytics.DropRate], Lease: d[analytics.DropLease],
		Write: d[analytics.DropWrite], Decode: d[analytics.DropDecode], Overrun: d[analytics.DropOverrun],
	}
	for _, n := range d {
		drops.Total += n
	}
	return drops
}

// NewEndingCount is what is shown of an ending.
func NewEndingCount(e rollup.Ending) EndingCount {
	return EndingCount{At: e.At, Code: e.Code, Count: e.N}
}

// NewLatency is what is shown of a timing.
func NewLatency(t rollup.Timing) Latency {
	return Latency{
		At: t.At, Field: t.Field, Count: int64(t.Sketch.Total()),
		P50Millis: millis(t.Sketch.Quantile(0.5)), P90Millis: millis(t.Sketch.Quantile(0.9)), P99Millis: millis(t.Sketch.Quantile(0.99)),
	}
}

// sessionGauge is how the gauges of sessions begin; the transport follows.
const sessionGauge = "sessions/"

// NewSessionCount is what is shown of a gauge; of one that is none of sessions, no transport.
func NewSessionCount(g rollup.Gauge) SessionCount {
	transport, of := strings.CutPrefix(g.Name, sessionGauge)
	if !of {
		return SessionCount{}
	}
	return SessionCount{At: g.At, Transport: transport, Average: g.Average}
}

package rollupdb

import (
	"encoding/json"
	"time"

	"github.com/sluice-gateway/sluice/analytics"
	"github.com/sluice-gateway/sluice/analytics/rollup"
)

// What a batch adds to each table, as SQL reads it: by the names of the columns. There are thousands of
// points, most of whose figures are 0 and left out.
type (
	step struct {
		Step rollup.Step `json:"step"`
		At   int64       `json:"at"`
	}
	point struct {
		step
		Series  int64 `json:"series"`
		Started int64 `json:"started,omitempty"`
		Ended   int64 `json:"ended,omitempty"`
		Refused int64 `json:"refused,omitempty"`
		Events  int64 `json:"events,omitempty"`
		Bytes   int64 `json:"bytes,omitempty"`
		Failed  int64 `json:"failed,omitempty"`
		Millis  int64 `json:"connected_ms,omitempty"`
		Slow    int64 `json:"dropped_slow,omitempty"`
		Rate    int64 `json:"dropped_rate,omitempty"`
		Lease   int64 `json:"dropped_lease,omitempty"`
		Write   int64 `json:"dropped_write,omitempty"`
		Decode  int64 `json:"dropped_decode,omitempty"`
		Overrun int64 `json:"dropped_overrun,omitempty"`
	}
	ending struct {
		step
		Series int64  `json:"series"`
		Code   string `json:"code"`
		N      int64  `json:"n"`
	}
	latency struct {
		step
		Field  string `json:"field"`
		Bucket int    `json:"bucket"`
		N      uint64 `json:"n"`
	}
	gauge struct {
		step
		Name   string `json:"name"`
		Millis int64  `json:"millis"`
	}
)

func stepOf(s rollup.Step, at time.Time) step { return step{s, seconds(at)} }

func pointOf(at step, id int64, c rollup.Counts) point {
	return point{
		at, id, c.Started, c.Ended, c.Refused, c.Events, c.Bytes, c.Failed, c.ConnectedMillis,
		c.Dropped[analytics.DropSlow], c.Dropped[analytics.DropRate], c.Dropped[analytics.DropLease],
		c.Dropped[analytics.DropWrite], c.Dropped[analytics.DropDecode], c.Dropped[analytics.DropOverrun],
	}
}

// rows are those of a batch.
type rows struct {
	series    map[int64]analytics.Labels
	points    []point
	endings   []ending
	latencies []latency
	gauges    []gauge
}

func rowsOf(b *rollup.Batch) rows {
	r := rows{series: make(map[int64]analytics.Labels), points: make([]point, 0, len(b.Entries))}
	ids := make(map[analytics.Labels]int64)
	for _, e := range b.Entries {
		id, known := ids[e.Labels]
		if !known {
			id = idOf(e.Labels)
			ids[e.Labels], r.series[id] = id, e.Labels
		}
		at := stepOf(e.Step, e.At)
		r.points = append(r.points, pointOf(at, id, e.Counts))
		for code, n := range e.Endings {
			r.endings = append(r.endings, ending{at, id, code, n})
		}
	}
	for _, t := range b.Timings {
		for bucket, n := range t.Sketch {
			r.latencies = append(r.latencies, latency{stepOf(t.Step, t.At), t.Field, bucket, n})
		}
	}
	for _, l := range b.Levels {
		r.gauges = append(r.gauges, gauge{stepOf(l.Step, l.At), l.Name, l.Millis})
	}
	return r
}

// list is rows as JSON; empty: there are none.
func list[T any](rows []T) (string, error) {
	if len(rows) == 0 {
		return "", nil
	}
	text, err := json.Marshal(rows)
	return string(text), err
}

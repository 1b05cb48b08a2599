package rollupdb

import (
	"context"
	"fmt"
	"time"

	"github.com/sluice-gateway/sluice/analytics"
	"github.com/sluice-gateway/sluice/analytics/rollup"
	"github.com/sluice-gateway/sluice/internal/database"
)

// mostRead is how many rows of a list are read: the steps of a query do not bound them.
const mostRead = 100_000

var errMany = fmt.Errorf("%w has more than %d rows: ask for less time, or for longer steps", rollup.ErrRange, mostRead)

// bounded calls scan for every row of a list that is not too long.
func (s *Store) bounded(ctx context.Context, text string, scan func(database.Row) error, args ...any) error {
	n := 0
	return s.db.Query(ctx, text, func(r database.Row) error {
		if n++; n > mostRead {
			return errMany
		}
		return scan(r)
	}, args...)
}

var selectEndings = texts(func(s shape) string {
	return `SELECT at, code, CAST(sum(n) AS BIGINT)` + s.from(tables.endings, 0) + ` GROUP BY at, code ORDER BY at, code`
})

// Endings implements rollup.Reader.
func (s *Store) Endings(ctx context.Context, q rollup.Query) ([]rollup.Ending, error) {
	var endings []rollup.Ending
	shape, err := s.check(ctx, q)
	if err == nil {
		err = s.bounded(ctx, s.text(selectEndings[shape]), func(r database.Row) error {
			var e rollup.Ending
			var at int64
			err := r.Scan(&at, &e.Code, &e.N)
			e.At = fromSeconds(at)
			endings = append(endings, e)
			return err
		}, shape.args(q)...)
	}
	if err != nil {
		return nil, fmt.Errorf("rollup: endings: %w", err)
	}
	return endings, nil
}

const selectLatencies = `SELECT at, field, bucket, n FROM rollup_latency` + during + `
	AND (CAST($4 AS TEXT) = '' OR field = $4) ORDER BY at, field, bucket`

// Latencies implements rollup.Reader.
func (s *Store) Latencies(ctx context.Context, q rollup.Query) ([]rollup.Timing, error) {
	var timings []rollup.Timing
	err := checkOnly(q, rollup.Where{Field: q.Where.Field}, "latencies are known by field alone")
	if err == nil {
		err = s.bounded(ctx, selectLatencies, func(r database.Row) error {
			var (
				at, n  int64
				field  string
				bucket int
			)
			if err := r.Scan(&at, &field, &bucket, &n); err != nil {
				return err
			}
			if last := len(timings) - 1; last < 0 || !timings[last].At.Equal(fromSeconds(at)) || timings[last].Field != field {
				timings = append(timings, rollup.Timing{Step: q.Step, At: fromSeconds(at), Field: field, Sketch: make(analytics.Sketch)})
			}
			timings[len(timings)-1].Sketch[bucket] = uint64(n)
			return nil
		}, ofAll.args(q, q.Where.Field)...)
	}
	if err != nil {
		return nil, fmt.Errorf("rollup: latencies: %w", err)
	}
	return timings, nil
}

// checkOnly refuses a query that is wrong, or that asks for more than can be told apart.
func checkOnly(q rollup.Query, where rollup.Where, why string) error {
	if err := q.Check(); err != nil {
		return err
	}
	if q.Where != where {
		return fmt.Errorf("%w: %s", rollup.ErrQuery, why)
	}
	return nil
}

const (
	selectGauges = `SELECT at, name, millis FROM rollup_gauge` + during + ` ORDER BY at, name`
	selectLatest = `SELECT max(seen) FROM rollup_node`
)

// Gauges implements rollup.Reader.
func (s *Store) Gauges(ctx context.Context, q rollup.Query) ([]rollup.Gauge, error) {
	var gauges []rollup.Gauge
	err := checkOnly(q, rollup.Where{}, "gauges are those of whole nodes")
	written := int64(0)
	if err == nil {
		written, err = s.written(ctx)
	}
	if err == nil {
		err = s.bounded(ctx, selectGauges, func(r database.Row) error {
			var g rollup.Gauge
			var at, millis int64
			err := r.Scan(&at, &g.Name, &millis)
			length := written - at
			if length <= 0 || length > int64(q.Step) {
				length = int64(q.Step)
			}
			g.At, g.Average = fromSeconds(at), float64(millis)/float64(1000*length)
			gauges = append(gauges, g)
			return err
		}, ofAll.args(q)...)
	}
	if err != nil {
		return nil, fmt.Errorf("rollup: gauges: %w", err)
	}
	return gauges, nil
}

// writeDelay is how many seconds later than it was, what was is in the database.
const writeDelay = 5

// written is up to when everything was written: nodes that have nothing to write are quiet.
func (s *Store) written(ctx context.Context) (int64, error) {
	var latest *int64
	err := s.db.Query(ctx, selectLatest, func(r database.Row) error { return r.Scan(&latest) })
	written := seconds(time.Now()) - writeDelay
	if latest != nil {
		written = max(written, *latest)
	}
	return written, err
}

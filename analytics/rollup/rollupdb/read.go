package rollupdb

import (
	"context"
	"fmt"
	"strings"

	"github.com/sluice-gateway/sluice/analytics/rollup"
	"github.com/sluice-gateway/sluice/internal/database"
)

var selectPoints = texts(func(s shape) string {
	return `SELECT at, ` + each(figures, sumOf) + s.from(tables.points, 0) + ` GROUP BY at ORDER BY at`
})

const sumOf = `CAST(sum(%) AS BIGINT)` // PostgreSQL's sum is no integer

// Series implements rollup.Reader.
func (s *Store) Series(ctx context.Context, q rollup.Query) ([]rollup.Point, error) {
	var points []rollup.Point
	shape, err := s.check(ctx, q)
	if err == nil {
		err = s.db.Query(ctx, s.text(selectPoints[shape]), func(r database.Row) error {
			var p rollup.Point
			var at int64
			err := r.Scan(append([]any{&at}, figuresOf(&p.Counts)...)...)
			p.At = fromSeconds(at)
			points = append(points, p)
			return err
		}, shape.args(q)...)
	}
	if err != nil {
		return nil, fmt.Errorf("rollup: series: %w", err)
	}
	return points, nil
}

// check refuses a query that is wrong, and says how points are asked for.
func (s *Store) check(ctx context.Context, q rollup.Query) (shape, error) {
	if err := q.Check(); err != nil {
		return ofAll, err
	}
	return s.shapeOf(ctx, q)
}

// dimensions are the columns of each.
var dimensions = map[rollup.Dimension][]string{
	rollup.ByOperation: {"operation", "document", "kind", "field"},
	rollup.ByConsumer:  {"issuer", "consumer", "plan"},
	rollup.ByPlan:      {"plan"},
	rollup.ByField:     {"field"},
	rollup.ByTopic:     {"topic"},
	rollup.ByClient:    {"client", "version"},
	rollup.ByTransport: {"transport"},
	rollup.ByCountry:   {"country"},
}

// orders are what each order adds up.
var orders = map[rollup.Order]string{
	rollup.OfEvents:     "events",
	rollup.OfBytes:      "bytes",
	rollup.OfOperations: "started",
	rollup.OfRefusals:   "refused",
	rollup.OfFailures:   "failed",
	rollup.OfDrops:      "dropped_slow + dropped_rate + dropped_lease + dropped_write + dropped_decode + dropped_overrun",
	rollup.OfConnected:  "connected_ms",
}

// selectTop are the texts of every dimension. $4 is the order.
var selectTop = func() map[rollup.Dimension][shapes]string {
	var sums []string
	for _, o := range rollup.Orders {
		sums = append(sums, `WHEN '`+string(o)+`' THEN sum(`+orders[o]+`)`)
	}
	order := ` ORDER BY CASE CAST($4 AS TEXT) ` + strings.Join(sums, " ") + ` END DESC, `
	all := make(map[rollup.Dimension][shapes]string)
	for by, columns := range dimensions {
		names := strings.Join(columns, ", ")
		all[by] = texts(func(s shape) string {
			return `SELECT ` + names + `, ` + each(figures, sumOf) + `
				FROM (SELECT series, ` + each(figures, `sum(%) AS %`) + s.from(tables.points, 2) + ` GROUP BY series) AS p
				JOIN rollup_series ON id = series GROUP BY ` + names + order + names + ` LIMIT $5`
		})
	}
	return all
}()

// Top implements rollup.Reader.
func (s *Store) Top(ctx context.Context, q rollup.Query, by rollup.Dimension, order rollup.Order, n int) ([]rollup.Row, error) {
	var rows []rollup.Row
	err := rollup.CheckTop(by, order, n)
	shape := ofAll
	if err == nil {
		shape, err = s.check(ctx, q)
	}
	if err == nil {
		err = s.db.Query(ctx, s.text(selectTop[by][shape]), func(r database.Row) error {
			var row rollup.Row
			err := r.Scan(append(namesOf(&row, dimensions[by]), figuresOf(&row.Counts)...)...)
			rows = append(rows, row)
			return err
		}, shape.args(q, string(order), n)...)
	}
	if err != nil {
		return nil, fmt.Errorf("rollup: top: %w", err)
	}
	return rows, nil
}

// namesOf are where the names of a row stand, in the order of a dimension's columns.
func namesOf(row *rollup.Row, columns []string) []any {
	var all []any
	for _, column := range columns {
		for i, label := range labelsOf(&row.Labels) {
			if labels[i] == column {
				all = append(all, label)
			}
		}
	}
	return all
}

package rollupdb

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/sluice-gateway/sluice/analytics/rollup"
	"github.com/sluice-gateway/sluice/internal/database"
)

// A shape is how points and endings are asked for: of all series, or of those that a filter finds, and
// these one by one or by time. So the texts are few, and each is prepared once.
type shape int

const (
	ofAll      shape = iota
	ofConsumer       // its series are found by an index, and each is looked up: whatever others have had costs nothing
	bySeries         // few: each is looked up
	byTime
	shapes
)

// fewSeries is how many are looked up one by one, of whoever's they are.
const fewSeries = 200

// filtered are the columns of rollup.Where.
var filtered = []string{
	"issuer", "kind", "operation", "document", "field", "topic", "consumer", "plan", "transport", "client", "country",
}

func filters(w rollup.Where) []any {
	return []any{w.Issuer, w.Kind, w.Operation, w.Document, w.Field, w.Topic, w.Consumer, w.Plan, w.Transport, w.Client, w.Country}
}

// selectSeries finds the series of a filter, whose parameters are behind so many others; with one, of the
// filter's consumer alone.
func selectSeries(behind int, one bool) string {
	var all []string
	for i, column := range filtered {
		condition := `(CAST($%[1]d AS TEXT) = '' OR %[2]s = $%[1]d)`
		switch {
		case column == "issuer":
			condition = `(CAST($%[1]d AS TEXT) IS NULL OR %[2]s = $%[1]d)`
		case column == "consumer" && one:
			condition = `%[2]s = CAST($%[1]d AS TEXT)`
		}
		all = append(all, fmt.Sprintf(condition, behind+i+1, column))
	}
	return `SELECT id FROM rollup_series WHERE ` + strings.Join(all, " AND ")
}

// during is the condition on every table: its parameters come first.
const during = ` WHERE step = $1 AND at >= $2 AND at < $3`

// indexed has SQLite use a table's index. PostgreSQL knows how many rows there are, and chooses itself.
func indexed(t table) string { return ` INDEXED BY ` + t.name + `_by_series` }

// from is where points or endings are read. Its parameters are those of args, so many of them the query's
// own.
func (s shape) from(t table, own int) string {
	series := `series IN (` + selectSeries(3+own, s == ofConsumer) + `)`
	switch s {
	case ofConsumer, bySeries:
		return ` FROM ` + t.name + indexed(t) + during + ` AND ` + series
	case byTime: // what is computed is in no index
		return ` FROM ` + t.name + during + ` AND +` + series
	}
	return ` FROM ` + t.name + during
}

// text is a query as the database understands it.
func (s *Store) text(query string) string {
	if s.db.IsPostgres() {
		return notForPostgres.Replace(query)
	}
	return query
}

var notForPostgres = strings.NewReplacer(indexed(tables.points), "", indexed(tables.endings), "")

var countSeries = fmt.Sprintf(`SELECT count(*) FROM (%s LIMIT %d) AS found`, selectSeries(0, false), fewSeries+1)

// shapeOf says how points are asked for.
func (s *Store) shapeOf(ctx context.Context, q rollup.Query) (shape, error) {
	switch {
	case q.Where == rollup.Where{}:
		return ofAll, nil
	case q.Where.Consumer != "":
		return ofConsumer, nil
	}
	n := 0
	err := s.db.Query(ctx, countSeries, func(r database.Row) error { return r.Scan(&n) }, filters(q.Where)...)
	if n > fewSeries {
		return byTime, err
	}
	return bySeries, err
}

// args are the parameters of a query, with its own between the time and the filter.
func (s shape) args(q rollup.Query, own ...any) []any {
	all := append([]any{int64(q.Step), ceil(q.From), ceil(q.To)}, own...)
	if s != ofAll {
		all = append(all, filters(q.Where)...)
	}
	return all
}

// ceil is the first second that is not before a time.
func ceil(t time.Time) int64 { return t.Add(time.Second - 1).Unix() }

// texts are those of a query, by shape.
func texts(of func(shape) string) (all [shapes]string) {
	for s := range shapes {
		all[s] = of(s)
	}
	return all
}

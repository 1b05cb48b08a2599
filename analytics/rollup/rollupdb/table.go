package rollupdb

import "strings"

// A table is one that batches add to.
type table struct {
	name  string
	types []string // of the keys
	keys  []string
	sums  []string // columns that are added up
}

var tables = struct{ points, endings, latencies, gauges table }{
	points:    table{"rollup_point", []string{"BIGINT", "BIGINT", "BIGINT"}, []string{"step", "at", "series"}, figures},
	endings:   table{"rollup_ending", []string{"BIGINT", "BIGINT", "BIGINT", "TEXT"}, []string{"step", "at", "series", "code"}, []string{"n"}},
	latencies: table{"rollup_latency", []string{"BIGINT", "BIGINT", "TEXT", "BIGINT"}, []string{"step", "at", "field", "bucket"}, []string{"n"}},
	gauges:    table{"rollup_gauge", []string{"BIGINT", "BIGINT", "TEXT"}, []string{"step", "at", "name"}, []string{"millis"}},
}

// addSQLite is the statement that adds rows, a list in JSON. A row that is there twice is added twice.
func (t table) addSQLite() string {
	return t.insert() + `SELECT ` + each(t.keys, `value->>'%'`) + `, ` + each(t.sums, `coalesce(value->>'%', 0)`) +
		` FROM jsonb_each($1) WHERE true` + t.sum()
}

// addPostgres is that statement for PostgreSQL, which changes no row twice, and not in any order: two nodes
// that add to the same rows must not wait for each other crosswise.
func (t table) addPostgres() string {
	var keys []string
	for i, key := range t.keys {
		keys = append(keys, key+" "+t.types[i])
	}
	places := strings.Join(t.keys, ", ")
	return t.insert() + `SELECT ` + places + `, ` + each(t.sums, `CAST(coalesce(sum(%), 0) AS BIGINT)`) +
		` FROM json_to_recordset(CAST(CAST($1 AS TEXT) AS JSON)) AS r (` + strings.Join(keys, ", ") + `, ` + each(t.sums, `% BIGINT`) + `)` +
		` GROUP BY ` + places + ` ORDER BY ` + t.order() + t.sum()
}

// order is that of the bytes of text.
func (t table) order() string {
	var keys []string
	for i, key := range t.keys {
		if t.types[i] == "TEXT" {
			key += ` COLLATE "C"`
		}
		keys = append(keys, key)
	}
	return strings.Join(keys, ", ")
}

func (t table) insert() string {
	return `INSERT INTO ` + t.name + ` (` + strings.Join(t.keys, ", ") + `, ` + strings.Join(t.sums, ", ") + `) `
}

func (t table) sum() string {
	return ` ON CONFLICT (` + strings.Join(t.keys, ", ") + `) DO UPDATE SET ` + each(t.sums, `% = `+t.name+`.% + excluded.%`)
}

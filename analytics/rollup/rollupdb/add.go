package rollupdb

import (
	"context"
	"fmt"
	"strings"

	"github.com/sluice-gateway/sluice/analytics/rollup"
	"github.com/sluice-gateway/sluice/internal/database"
)

// claimSequence returns a row when the batch is newer than all that its node has added.
const claimSequence = `INSERT INTO rollup_node (node, sequence, seen) VALUES ($1, $2, $3)
	ON CONFLICT (node) DO UPDATE SET sequence = excluded.sequence, seen = excluded.seen
		WHERE rollup_node.sequence < excluded.sequence
	RETURNING 1`

// additions are the statements that add the rows of a batch, each a list in JSON.
type additions struct{ series, points, endings, latencies, gauges string }

func (a *additions) texts() []string {
	return []string{a.series, a.points, a.endings, a.latencies, a.gauges}
}

var (
	additionsSQLite = additions{
		series: insertSeries + `SELECT value->>'id', ` + each(labels, `value->>'%'`) + `, value->>'seen' FROM jsonb_each($1) WHERE true` +
			seeSeries,
		points:    tables.points.addSQLite(),
		endings:   tables.endings.addSQLite(),
		latencies: tables.latencies.addSQLite(),
		gauges:    tables.gauges.addSQLite(),
	}
	additionsPostgres = additions{
		series: insertSeries + `SELECT * FROM json_to_recordset(CAST(CAST($1 AS TEXT) AS JSON)) AS r (id BIGINT, ` + each(labels, `% TEXT`) +
			`, seen BIGINT) ORDER BY id` + seeSeries,
		points:    tables.points.addPostgres(),
		endings:   tables.endings.addPostgres(),
		latencies: tables.latencies.addPostgres(),
		gauges:    tables.gauges.addPostgres(),
	}

	insertSeries = `INSERT INTO rollup_series (id, ` + strings.Join(labels, ", ") + `, seen) `
)

const seeSeries = ` ON CONFLICT (id) DO UPDATE SET seen = excluded.seen WHERE rollup_series.seen < excluded.seen`

// An addition is a statement and the rows that it adds.
type addition struct{ statement, rows string }

// Add implements rollup.Store.
func (s *Store) Add(ctx context.Context, b *rollup.Batch) error {
	if err := s.addBatch(ctx, b); err != nil {
		return fmt.Errorf("rollup: add batch %d of node %s: %w", b.Sequence, b.Node, err)
	}
	return nil
}

func (s *Store) addBatch(ctx context.Context, b *rollup.Batch) error {
	r := rowsOf(b)
	unknown := s.unknown(r.series, seconds(b.At))
	all, err := s.additions(r, unknown)
	if err != nil {
		return err
	}
	added := false
	err = s.db.Write(ctx, func(t database.Tx) error {
		added = false
		found := func(database.Row) error { added = true; return nil }
		if err := t.Query(claimSequence, found, b.Node, b.Sequence, seconds(b.At)); err != nil || !added {
			return err
		}
		for _, a := range all {
			if err := t.Exec(a.statement, a.rows); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil && added {
		s.wrote(unknown)
	}
	return err
}

func (s *Store) additions(r rows, unknown []series) ([]addition, error) {
	var all []addition
	for _, part := range []struct {
		statement string
		rows      func() (string, error)
	}{
		{s.add.series, func() (string, error) { return list(unknown) }},
		{s.add.points, func() (string, error) { return list(r.points) }},
		{s.add.endings, func() (string, error) { return list(r.endings) }},
		{s.add.latencies, func() (string, error) { return list(r.latencies) }},
		{s.add.gauges, func() (string, error) { return list(r.gauges) }},
	} {
		text, err := part.rows()
		if err != nil {
			return nil, err
		}
		if text != "" {
			all = append(all, addition{part.statement, text})
		}
	}
	return all, nil
}

package rollupdb

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/sluice-gateway/sluice/analytics/rollup"
	"github.com/sluice-gateway/sluice/internal/database"
)

const (
	// pruneRows is about how many rows a transaction forgets.
	pruneRows = 2000
	// forgetNodes is after how many seconds a node is forgotten that has added nothing: then it would add a
	// batch again that it had added before. No node tries one for so long.
	forgetNodes = 24 * 60 * 60
	// forgetSeries is after how many seconds a series may be forgotten: nodes write those that they use every
	// hour.
	forgetSeries = 48 * 60 * 60
)

// Much is forgotten in small steps, each a transaction that holds the row of rollup_prune: nodes that prune
// at a time do not wait for each other crosswise.
const (
	selectWalked = `SELECT walked FROM rollup_prune`
	setWalked    = `UPDATE rollup_prune SET walked = $1`

	selectOld = `SELECT at FROM %s WHERE step = $1 AND at < $2 ORDER BY at LIMIT 1`
	// selectLast is of as many rows as are forgotten at a time the last; what is as old as it goes with it.
	selectLast = `SELECT max(at) FROM (SELECT at FROM %s WHERE step = $1 AND at < $2 ORDER BY at LIMIT $3) AS old`
	deleteOld  = `DELETE FROM %s WHERE step = $1 AND at <= $2`

	deleteNodes = `DELETE FROM rollup_node WHERE seen < $1`

	selectWalk   = `SELECT max(id), count(*) FROM (SELECT id FROM rollup_series WHERE id > $1 ORDER BY id LIMIT $2) AS walk`
	deleteUnused = `DELETE FROM rollup_series WHERE id > $1 AND id <= $2 AND seen < $3
		AND NOT EXISTS (SELECT 1 FROM rollup_point AS p WHERE p.series = rollup_series.id AND p.step > 1)`
)

// Prune implements rollup.Store. Of the series it looks at 2,000 each time.
func (s *Store) Prune(ctx context.Context, now time.Time, keep rollup.Keep) error {
	for _, step := range rollup.Steps {
		before := keep.Before(step, now)
		if before.IsZero() {
			continue
		}
		for _, t := range []table{tables.points, tables.endings, tables.latencies, tables.gauges} {
			if err := s.pruneTable(ctx, t.name, step, seconds(before)); err != nil {
				return fmt.Errorf("rollup: prune: %w", err)
			}
		}
	}
	err := s.db.Write(ctx, func(t database.Tx) error { return t.Exec(deleteNodes, seconds(now)-forgetNodes) })
	if err == nil {
		err = s.db.Write(ctx, func(t database.Tx) error { return pruneSeries(t, seconds(now)-forgetSeries) })
	}
	if err != nil {
		return fmt.Errorf("rollup: prune: %w", err)
	}
	return nil
}

func (s *Store) pruneTable(ctx context.Context, table string, step rollup.Step, before int64) error {
	for {
		old := false
		err := s.db.Query(ctx, fmt.Sprintf(selectOld, table), func(database.Row) error { old = true; return nil }, int64(step), before)
		if err != nil || !old {
			return err
		}
		err = s.db.Write(ctx, func(t database.Tx) error {
			if err := t.Hold(selectWalked, func(database.Row) error { return nil }); err != nil {
				return err
			}
			var last *int64
			scan := func(r database.Row) error { return r.Scan(&last) }
			if err := t.Query(fmt.Sprintf(selectLast, table), scan, int64(step), before, pruneRows); err != nil || last == nil {
				return err
			}
			return t.Exec(fmt.Sprintf(deleteOld, table), int64(step), *last)
		})
		if err != nil {
			return err
		}
	}
}

// pruneSeries goes on where the last walk ended. A series has a row in a longer step for as long as in any.
func pruneSeries(t database.Tx, before int64) error {
	var walked, n int64
	if err := t.Hold(selectWalked, func(r database.Row) error { return r.Scan(&walked) }); err != nil {
		return err
	}
	var last *int64
	if err := t.Query(selectWalk, func(r database.Row) error { return r.Scan(&last, &n) }, walked, pruneRows); err != nil {
		return err
	}
	next := int64(math.MinInt64) // from the beginning again
	if last != nil {
		if err := t.Exec(deleteUnused, walked, *last, before); err != nil {
			return err
		}
		if n == pruneRows {
			next = *last
		}
	}
	if next == walked {
		return nil
	}
	return t.Exec(setWalked, next)
}

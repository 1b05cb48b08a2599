package ledgerdb

import (
	"context"
	"fmt"

	"github.com/sluice-gateway/sluice/analytics/ledger"
	"github.com/sluice-gateway/sluice/internal/database"
)

// Hours are read in pages, each from where the one before ended: a long export holds no connection while
// whoever reads it is slow. A page walks the index of its order.
const (
	pageSize = 1000

	selectHours = `SELECT hour, issuer, consumer, plan, field, events, bytes, connected_ms, requests FROM usage_hour
		WHERE hour < $1 AND (CAST($2 AS TEXT) IS NULL OR issuer = $2) AND `
	hoursOfAll = selectHours + `(hour, issuer, consumer, plan, field) > ($3, $4, $5, $6, $7)
		ORDER BY hour, issuer, consumer, plan, field LIMIT $8`
	hoursOfOne = selectHours + `consumer = $5 AND (hour, issuer, plan, field) > ($3, $4, $6, $7)
		ORDER BY hour, issuer, plan, field LIMIT $8`
)

// Hours implements ledger.Reader. What is imported meanwhile is in it or not.
func (s *Store) Hours(ctx context.Context, q ledger.Query, each func(ledger.Entry) error) error {
	if q.To.Before(q.From) {
		return ledger.ErrRange
	}
	text := hoursOfAll
	if q.Consumer != "" {
		text = hoursOfOne
	}
	// The first page begins behind a key that cannot be: the moment before the first hour.
	last := entry{Hour: millis(q.From) - 1, Key: ledger.Key{Consumer: q.Consumer}}
	for {
		page := make([]entry, 0, pageSize)
		err := s.db.Query(ctx, text, func(r database.Row) error {
			var e entry
			err := r.Scan(&e.Hour, &e.Issuer, &e.Consumer, &e.Plan, &e.Field, &e.Events, &e.Bytes, &e.ConnectedMillis, &e.Requests)
			page = append(page, e)
			return err
		}, millis(q.To), q.Issuer, last.Hour, last.Issuer, last.Consumer, last.Plan, last.Field, pageSize)
		if err != nil {
			return fmt.Errorf("usage ledger: hours: %w", err)
		}
		for _, e := range page {
			if err := each(ledger.Entry{Key: e.Key, Hour: fromMillis(e.Hour), Usage: e.Usage}); err != nil {
				return err
			}
		}
		if len(page) < pageSize {
			return nil
		}
		last = page[len(page)-1]
	}
}

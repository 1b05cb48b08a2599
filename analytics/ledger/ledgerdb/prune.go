package ledgerdb

import (
	"context"
	"fmt"
	"time"

	"github.com/sluice-gateway/sluice/internal/database"
)

// Much is forgotten in small steps, each a transaction: none takes long, and the order does not matter. A
// batch that was forgotten and is imported again touches forgotten hours alone, for it was made after
// every hour in it.
const (
	selectOldHour = `SELECT hour FROM usage_hour WHERE hour < $1 ORDER BY hour LIMIT 1`
	deleteHour    = `DELETE FROM usage_hour WHERE hour = $1`

	selectOldBatch = `SELECT at FROM usage_batch WHERE at < $1 ORDER BY at LIMIT 1`
	deleteBatches  = `DELETE FROM usage_batch WHERE id IN (SELECT id FROM usage_batch WHERE at < $1 ORDER BY at, id LIMIT 500)`
)

// Prune implements ledger.Store. A batch is forgotten whether it was sent or not.
func (s *Store) Prune(ctx context.Context, before time.Time) error {
	for _, step := range []struct {
		find, remove string
		of           func(found, before int64) int64 // remove's parameter
	}{
		{selectOldHour, deleteHour, func(found, _ int64) int64 { return found }},
		{selectOldBatch, deleteBatches, func(_, before int64) int64 { return before }},
	} {
		for {
			oldest, found := int64(0), false
			err := s.db.Query(ctx, step.find, func(r database.Row) error {
				found = true
				return r.Scan(&oldest)
			}, millis(before))
			if err == nil && found {
				err = s.db.Write(ctx, func(t database.Tx) error { return t.Exec(step.remove, step.of(oldest, millis(before))) })
			}
			if err != nil {
				return fmt.Errorf("usage ledger: prune: %w", err)
			}
			if !found {
				break
			}
		}
	}
	return nil
}

package ledgerdb

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/sluice-gateway/sluice/analytics/ledger"
	"github.com/sluice-gateway/sluice/internal/database"
)

const (
	// insertBatch returns a row when the batch is new.
	insertBatch = `INSERT INTO usage_batch (id, node, sequence, at, entries, claimed_until, sent_at)
		VALUES ($1, $2, $3, $4, $5, 0, 0) ON CONFLICT (id) DO NOTHING RETURNING 1`

	// The rows are added in one order everywhere: two nodes that add to the same ones do not wait for
	// each other crosswise.
	insertHours = `INSERT INTO usage_hour (hour, issuer, consumer, plan, field, events, bytes, connected_ms, requests) `
	groupHours  = ` GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5
		ON CONFLICT (hour, issuer, consumer, plan, field) DO UPDATE SET
			events = usage_hour.events + excluded.events,
			bytes = usage_hour.bytes + excluded.bytes,
			connected_ms = usage_hour.connected_ms + excluded.connected_ms,
			requests = usage_hour.requests + excluded.requests`

	addSQLite = insertHours + `SELECT value->>'hour', value->>'issuer', value->>'consumer', value->>'plan', value->>'field',
			sum(value->>'events'), sum(value->>'bytes'), sum(value->>'connected_ms'), sum(value->>'requests')
		FROM json_each($1) WHERE true` + groupHours

	addPostgres = insertHours + `SELECT hour, issuer COLLATE "C", consumer COLLATE "C", plan COLLATE "C", field COLLATE "C",
			CAST(sum(events) AS BIGINT), CAST(sum(bytes) AS BIGINT), CAST(sum(connected_ms) AS BIGINT), CAST(sum(requests) AS BIGINT)
		FROM json_to_recordset(CAST(CAST($1 AS TEXT) AS JSON)) AS e (hour BIGINT, issuer TEXT, consumer TEXT, plan TEXT, field TEXT,
			events BIGINT, bytes BIGINT, connected_ms BIGINT, requests BIGINT)` + groupHours
)

// An entry is a ledger.Entry as SQL reads it.
type entry struct {
	ledger.Key
	Hour int64 `json:"hour"` // in milliseconds
	ledger.Usage
}

// Import implements ledger.Store.
func (s *Store) Import(ctx context.Context, b *ledger.Batch) (added bool, err error) {
	entries := make([]entry, len(b.Entries))
	for i, e := range b.Entries {
		entries[i] = entry{e.Key, millis(e.Hour), e.Usage}
	}
	text, err := json.Marshal(entries)
	if err != nil {
		return false, fmt.Errorf("usage ledger: import %s: %w", b.ID, err)
	}
	err = s.db.Write(ctx, func(t database.Tx) error {
		added = false
		found := func(database.Row) error { added = true; return nil }
		if err := t.Query(insertBatch, found, b.ID, b.Node, b.Sequence, millis(b.At), string(text)); err != nil || !added {
			return err
		}
		return t.Exec(s.add, string(text))
	})
	if err != nil {
		return false, fmt.Errorf("usage ledger: import %s: %w", b.ID, err)
	}
	return added, nil
}

package ledgerdb

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/sluice-gateway/sluice/analytics/ledger"
	"github.com/sluice-gateway/sluice/internal/database"
)

const (
	selectUnsent = `SELECT id, node, sequence, at, entries FROM usage_batch
		WHERE sent_at = 0 AND claimed_until <= $1 ORDER BY at, id LIMIT $2`
	claimBatch = `UPDATE usage_batch SET claimed_until = $1 WHERE id = $2`
	markSent   = `UPDATE usage_batch SET sent_at = $1 WHERE id = $2`
)

// Claim returns up to limit batches that were not sent, the oldest first, and keeps them from whoever else
// asks for so long.
func (s *Store) Claim(ctx context.Context, limit int, lease time.Duration) ([]ledger.Batch, error) {
	var claimed []ledger.Batch
	err := s.db.Write(ctx, func(t database.Tx) error {
		claimed = nil
		now := time.Now()
		err := t.Hold(selectUnsent, func(r database.Row) error {
			b, err := scanBatch(r)
			claimed = append(claimed, b)
			return err
		}, millis(now), limit)
		if err != nil {
			return err
		}
		for _, b := range claimed {
			if err := t.Exec(claimBatch, millis(now.Add(lease)), b.ID); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("usage ledger: claim batches: %w", err)
	}
	return claimed, nil
}

// Sent notes that batches were sent: they are not claimed again.
func (s *Store) Sent(ctx context.Context, batches []ledger.Batch) error {
	err := s.db.Write(ctx, func(t database.Tx) error {
		for _, b := range batches {
			if err := t.Exec(markSent, millis(time.Now()), b.ID); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("usage ledger: note sent batches: %w", err)
	}
	return nil
}

func scanBatch(r database.Row) (ledger.Batch, error) {
	var (
		b    ledger.Batch
		at   int64
		text []byte
	)
	if err := r.Scan(&b.ID, &b.Node, &b.Sequence, &at, &text); err != nil {
		return b, err
	}
	b.At = fromMillis(at)
	var entries []entry
	if err := json.Unmarshal(text, &entries); err != nil {
		return b, fmt.Errorf("batch %s: %w", b.ID, err)
	}
	for _, e := range entries {
		b.Entries = append(b.Entries, ledger.Entry{Key: e.Key, Hour: fromMillis(e.Hour), Usage: e.Usage})
	}
	return b, nil
}

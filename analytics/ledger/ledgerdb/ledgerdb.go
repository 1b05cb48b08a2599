// Package ledgerdb keeps the usage ledger in SQLite or PostgreSQL: every batch, and the sums of each hour,
// which a batch changes in the transaction that adds it. Both databases keep and answer the same.
//
// What cannot be done because the database is away wraps ErrUnavailable; trying again is safe. The tables
// may stand in a database that others use. A Store is safe for concurrent use, also by several processes.
package ledgerdb

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"time"

	"github.com/sluice-gateway/sluice/analytics/ledger"
	"github.com/sluice-gateway/sluice/internal/database"
)

//go:embed migrations
var migrationFiles embed.FS

// ErrUnavailable reports that the database cannot be reached or cannot serve now.
var ErrUnavailable = database.ErrUnavailable

// connections is how many each of the two pools has at most: a batch is written now and then.
const connections = 2

// A Store is an open database.
type Store struct {
	db  *database.DB
	add string // the statement that adds entries to the sums
}

var (
	_ ledger.Store  = (*Store)(nil)
	_ ledger.Reader = (*Store)(nil)
)

// Open opens the database that dsn names and creates or migrates the ledger's tables. The dsn is the URL
// of a PostgreSQL database, or else a file of SQLite, or :memory:. What is written survives a power cut.
func Open(ctx context.Context, dsn string) (*Store, error) {
	s := &Store{add: addSQLite}
	if database.IsURL(dsn) {
		s.add = addPostgres
	}
	migrations, err := fs.Sub(migrationFiles, "migrations")
	if err == nil {
		s.db, err = database.Open(ctx, dsn, database.Options{
			Migrations:  migrations,
			Versions:    "usage_version",
			Prepare:     []string{insertBatch, s.add, selectUnsent, claimBatch, markSent, deleteHour, deleteBatches},
			Connections: connections,
			Durable:     true,
		})
	}
	if err != nil {
		return nil, fmt.Errorf("usage ledger: open %s: %w", database.Redacted(dsn), err)
	}
	return s, nil
}

// Close closes the database.
func (s *Store) Close() error { return s.db.Close() }

// Ping reports whether the database answers.
func (s *Store) Ping(ctx context.Context) error {
	err := s.db.Query(ctx, selectAny, func(database.Row) error { return nil })
	if err != nil {
		return fmt.Errorf("usage ledger: ping: %w", err)
	}
	return nil
}

const selectAny = `SELECT 1 FROM usage_batch LIMIT 1`

func millis(t time.Time) int64 { return t.UnixMilli() }

func fromMillis(ms int64) time.Time { return time.UnixMilli(ms).UTC() }

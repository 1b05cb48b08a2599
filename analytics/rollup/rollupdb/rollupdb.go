// Package rollupdb keeps the sums of package rollup in SQLite or PostgreSQL. Both databases keep and answer
// the same.
//
// A batch of a node is one transaction, with the sequence that it has: the same one counts once. Labels
// stand in a table of series, whose ids every node computes alike. What cannot be done because the database
// is away wraps ErrUnavailable; trying again is safe. After a power cut the latest seconds may be missing.
// The tables may stand in a database that others use. A Store is safe for concurrent use, also by several
// processes.
package rollupdb

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"sync"
	"time"

	"github.com/sluice-gateway/sluice/analytics/rollup"
	"github.com/sluice-gateway/sluice/internal/database"
)

//go:embed migrations
var migrationFiles embed.FS

// ErrUnavailable reports that the database cannot be reached or cannot serve now.
var ErrUnavailable = database.ErrUnavailable

// connections is how many each of the two pools has at most: one writes, some read.
const connections = 4

// A Store is an open database.
type Store struct {
	db  *database.DB
	add *additions

	mu    sync.Mutex // guards what follows
	hour  int64      // when
	known seriesSet  // were written
}

var (
	_ rollup.Store  = (*Store)(nil)
	_ rollup.Reader = (*Store)(nil)
)

// Open opens the database that dsn names and creates or migrates its tables. The dsn is the URL of a
// PostgreSQL database, or else a file of SQLite, or :memory:.
func Open(ctx context.Context, dsn string) (*Store, error) {
	s := &Store{add: &additionsSQLite}
	if database.IsURL(dsn) {
		s.add = &additionsPostgres
	}
	migrations, err := fs.Sub(migrationFiles, "migrations")
	if err == nil {
		s.db, err = database.Open(ctx, dsn, database.Options{
			Migrations:  migrations,
			Versions:    "rollup_version",
			Prepare:     append(s.add.texts(), claimSequence),
			Connections: connections,
		})
	}
	if err != nil {
		return nil, fmt.Errorf("rollup: open %s: %w", database.Redacted(dsn), err)
	}
	return s, nil
}

// Close closes the database.
func (s *Store) Close() error { return s.db.Close() }

func seconds(t time.Time) int64 { return t.Unix() }

func fromSeconds(s int64) time.Time { return time.Unix(s, 0).UTC() }

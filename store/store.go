// Package store keeps the data of the default API, a storefront: products and orders, and the API
// keys of its callers, in SQLite or PostgreSQL. Both keep and answer the same.
//
// Every write is one transaction and returns what it changed, with the value before. What a caller
// did wrong is an *Error, whose message a client may read; every other error is a failure of ours,
// one that wraps ErrUnavailable perhaps a short one. No error holds a password. The package knows
// neither GraphQL nor who is calling. A Store is safe for concurrent use, also by several processes.
package store

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"sync/atomic"
	"time"

	"github.com/sluice-gateway/sluice/internal/database"
)

//go:embed migrations
var migrationFiles embed.FS

// transactional are the statements of transactions.
var transactional = []string{
	selectProduct, updateProduct, insertProduct,
	selectOrder, insertOrder, insertLine, updateOrder,
	selectKey, insertKey, updateKey,
}

// A Store is an open database.
type Store struct {
	db      *database.DB
	dialect *dialect
	now     func() time.Time

	observer atomic.Pointer[Observer] // see Observe; nil: none
}

// Open opens the database that dsn names, creates or migrates its tables, and fills it with a
// catalogue of products if it has none; several nodes may do so at once. The dsn is the URL of a
// PostgreSQL database (see IsURL), or else a file of SQLite, or Memory.
func Open(ctx context.Context, dsn string) (*Store, error) {
	s := &Store{dialect: sqliteDialect, now: time.Now}
	if IsURL(dsn) {
		s.dialect = postgresDialect
	}
	migrations, err := fs.Sub(migrationFiles, "migrations")
	if err == nil {
		s.db, err = database.Open(ctx, dsn, database.Options{Migrations: migrations, Prepare: transactional, Fill: seed})
	}
	if err != nil {
		return nil, fmt.Errorf("store: open %s: %w", Redacted(dsn), err)
	}
	return s, nil
}

// Close closes the database. A call that is running may still succeed.
func (s *Store) Close() error { return s.db.Close() }

// MarkWrites marks every transaction that writes from now on, for whoever reads the changes of the
// database from its log and must know which are this store's: such a transaction begins with a
// logical message whose prefix is mark. It costs a round trip for each. SQLite has no such log, and a
// store there does nothing.
func (s *Store) MarkWrites(mark string) { s.db.MarkWrites(mark) }

// timestamp is the time as the database keeps it.
func (s *Store) timestamp() time.Time { return s.now().UTC().Truncate(time.Millisecond) }

// Ping reports whether the database answers.
func (s *Store) Ping(ctx context.Context) error {
	var filled bool
	if err := s.query(ctx, ping, selectFilled, func(r row) error { return r.Scan(&filled) }); err != nil {
		return fmt.Errorf("store: ping: %w", err)
	}
	return nil
}

type (
	tx  = database.Tx
	row = database.Row
)

// query runs a SELECT and calls scan for every row.
func (s *Store) query(ctx context.Context, c call, text string, scan func(row) error, args ...any) error {
	begun := time.Now()
	err := toCaller(s.db.Query(ctx, text, scan, args...))
	s.observe(c, begun, err)
	return err
}

// write runs do in a transaction, perhaps more than once: do begins from nothing every time.
func (s *Store) write(ctx context.Context, c call, do func(tx) error) error {
	begun := time.Now()
	err := toCaller(s.db.Write(ctx, do))
	s.observe(c, begun, err)
	return err
}

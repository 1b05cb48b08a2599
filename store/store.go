// Package store keeps the data of the default API, a storefront: products and orders, and the API
// keys of its callers, in SQLite.
//
// Every write is one transaction and returns what it changed, with the value before. What a caller
// did wrong is an *Error, whose message a client may read; every other error is a failure of ours.
// The package knows neither GraphQL nor who is calling. A Store is safe for concurrent use.
package store

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"strings"
	"time"

	"github.com/pressly/goose/v3"
	_ "modernc.org/sqlite" // the driver "sqlite", without cgo
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

// Memory is the dsn of a database that lives as long as its Store.
const Memory = ":memory:"

// readers is how many reads of a file run side by side. Each holds a page cache of its own.
const readers = 4

// A Store is an open database.
type Store struct {
	writer *pool // one connection: SQLite has one writer, and waiting in Go is fair
	reader *pool // of a file, several connections; in memory, the writer's
	now    func() time.Time
}

// Open opens the database in the file dsn, or Memory, creates or migrates its tables, and fills it
// with a catalogue of products if it has none.
func Open(ctx context.Context, dsn string) (*Store, error) {
	s := &Store{now: time.Now}
	if err := s.connect(dsn); err != nil {
		return nil, fmt.Errorf("store: open %s: %w", dsn, err)
	}
	for _, step := range []struct {
		name string
		run  func(context.Context) error
	}{
		{"migrate", s.migrate},
		{"prepare", s.prepareWrites},
		{"seed", s.seed},
	} {
		if err := step.run(ctx); err != nil {
			_ = s.Close()
			return nil, fmt.Errorf("store: %s %s: %w", step.name, dsn, err)
		}
	}
	return s, nil
}

func (s *Store) connect(dsn string) error {
	if dsn == Memory {
		db, err := openPool(dsn, 1, "_pragma=foreign_keys(1)")
		s.writer, s.reader = db, db
		return err
	}
	// As a URI, a file name may contain a question mark.
	file := (&url.URL{Scheme: "file", Opaque: strings.ReplaceAll(url.PathEscape(dsn), "%2F", "/")}).String()
	var err error
	// In WAL mode, NORMAL never corrupts the file; a power cut may lose the latest commits.
	s.writer, err = openPool(file, 1, "_txlock=immediate",
		"_pragma=busy_timeout(5000)", "_pragma=journal_mode(WAL)",
		"_pragma=synchronous(NORMAL)", "_pragma=foreign_keys(1)")
	if err != nil {
		return err
	}
	s.reader, err = openPool(file, readers, "_pragma=busy_timeout(5000)", "_pragma=query_only(1)")
	return err
}

func (s *Store) migrate(ctx context.Context) error {
	p, err := s.migrations()
	if err != nil {
		return err
	}
	_, err = p.Up(ctx)
	return err
}

func (s *Store) migrations() (*goose.Provider, error) {
	files, err := fs.Sub(migrationFiles, "migrations")
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(goose.DialectSQLite3, s.writer.db, files)
}

// prepareWrites prepares what transactions use, see tx.stmt.
func (s *Store) prepareWrites(ctx context.Context) error {
	for _, text := range []string{
		selectProduct, updateProduct, insertProduct,
		selectOrder, insertOrder, insertLine, updateOrder,
		selectKey, insertKey, updateKey,
	} {
		if _, err := s.writer.stmt(ctx, text); err != nil {
			return err
		}
	}
	return nil
}

// Close closes the database. Calls that are running end with an error.
func (s *Store) Close() error {
	err := s.writer.db.Close()
	if s.reader != nil && s.reader != s.writer {
		err = errors.Join(err, s.reader.db.Close())
	}
	return err
}

// write runs do in a transaction, which is rolled back if do fails.
func (s *Store) write(ctx context.Context, do func(tx) error) error {
	t, err := s.writer.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := do(tx{ctx, t, s.writer}); err != nil {
		_ = t.Rollback() // do's error says more
		return err
	}
	return t.Commit()
}

// timestamp is the time as the database keeps it.
func (s *Store) timestamp() time.Time { return s.now().UTC().Truncate(time.Millisecond) }

// Ping reports whether the database answers.
func (s *Store) Ping(ctx context.Context) error {
	_, err := s.CountProducts(ctx, ProductFilter{})
	return err
}

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
	"errors"
	"fmt"
	"time"
)

// A Store is an open database.
type Store struct {
	writer *pool
	reader *pool // in memory, the writer's
	now    func() time.Time
}

// Open opens the database that dsn names, creates or migrates its tables, and fills it with a
// catalogue of products if it has none; several nodes may do so at once. The dsn is the URL of a
// PostgreSQL database (see IsURL), or else a file of SQLite, or Memory.
func Open(ctx context.Context, dsn string) (*Store, error) {
	s := &Store{now: time.Now}
	open := s.openSQLite
	if IsURL(dsn) {
		open = s.openPostgres
	}
	if err := open(ctx, dsn); err != nil {
		_ = s.Close()
		return nil, fmt.Errorf("store: open %s: %w", Redacted(dsn), err)
	}
	return s, nil
}

// Close closes the database. A call that is running may still succeed.
func (s *Store) Close() error {
	var errs []error
	for _, p := range []*pool{s.reader, s.writer} {
		if p != nil {
			errs = append(errs, p.db.Close()) // closing the same one again does nothing
		}
	}
	return errors.Join(errs...)
}

// timestamp is the time as the database keeps it.
func (s *Store) timestamp() time.Time { return s.now().UTC().Truncate(time.Millisecond) }

// Ping reports whether the database answers.
func (s *Store) Ping(ctx context.Context) error {
	var filled bool
	if err := s.reader.query(ctx, selectFilled, func(r row) error { return r.Scan(&filled) }); err != nil {
		return fmt.Errorf("store: ping: %w", err)
	}
	return nil
}

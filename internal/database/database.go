// Package database opens a database of SQLite or PostgreSQL, brings its tables up to date, reads and
// writes.
//
// Every write is one transaction, tried again when the database undoes it for another's sake. What
// cannot be done because the database is away wraps ErrUnavailable. No error holds a password. The
// package knows no table. A DB is safe for concurrent use, also by several processes.
package database

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
)

// ErrUnavailable reports that the database cannot be reached or cannot serve now; trying again later
// may help. A write may have happened all the same, if the connection was lost when it ended.
var ErrUnavailable = errors.New("database: unavailable")

// A TextError is a parameter that is no text for PostgreSQL, and therefore for neither database: it is
// not UTF-8, or has a NUL.
type TextError struct{ Text string }

func (e *TextError) Error() string {
	return fmt.Sprintf("%.40q is no text: it is not UTF-8, or has a NUL", e.Text)
}

// Options say what Open makes of a database.
type Options struct {
	// Migrations has a folder "sqlite" and a folder "postgres", with goose's files.
	Migrations fs.FS

	// Versions is the table that notes which migrations were applied: who shares a database has one of
	// his own. Empty means goose_db_version.
	Versions string

	// Fill runs behind the migrations, in PostgreSQL on one node at a time; its error is Open's. Nil:
	// nothing is filled.
	Fill func(context.Context, *DB) error

	// Prepare are the statements of transactions, which SQLite prepares once.
	Prepare []string

	// Connections is how many each of the two pools has at most in PostgreSQL. 0 means 8.
	Connections int

	// Durable has a commit in a file of SQLite survive a power cut, too, for a sync of the disk each. What
	// is in PostgreSQL survives one anyway.
	Durable bool
}

// A DB is an open database.
type DB struct {
	writer  *pool
	reader  *pool // in memory, the writer's
	options Options
}

// Open opens the database that dsn names and brings its tables up to date; several nodes may do so at
// once. The dsn is the URL of a PostgreSQL database (see IsURL), or else a file of SQLite, or Memory.
func Open(ctx context.Context, dsn string, o Options) (*DB, error) {
	o.Versions = cmp.Or(o.Versions, "goose_db_version")
	o.Connections = cmp.Or(max(0, o.Connections), connections)
	db := &DB{options: o}
	open := db.openSQLite
	if IsURL(dsn) {
		open = db.openPostgres
	}
	if err := open(ctx, dsn); err != nil {
		_ = db.Close()
		return nil, err
	}
	return db, nil
}

func (db *DB) fill(ctx context.Context) error {
	if db.options.Fill == nil {
		return nil
	}
	return db.options.Fill(ctx, db)
}

// Close closes the database. A call that is running may still succeed. It may be called twice.
func (db *DB) Close() error {
	var errs []error
	for _, p := range []*pool{db.reader, db.writer} {
		if p != nil {
			errs = append(errs, p.db.Close()) // closing the same one again does nothing
		}
	}
	return errors.Join(errs...)
}

// IsPostgres reports whether the database is one of PostgreSQL.
func (db *DB) IsPostgres() bool { return db.writer.dialect == postgresDialect }

// Query runs a SELECT and calls scan for every row. Its connection is free when it returns; scan must
// not wait for anything.
func (db *DB) Query(ctx context.Context, text string, scan func(Row) error, args ...any) error {
	return db.reader.query(ctx, text, scan, args...)
}

package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/pressly/goose/v3"
	"modernc.org/sqlite" // the driver "sqlite", without cgo
	sqlite3 "modernc.org/sqlite/lib"
)

// Memory is the dsn of a database that lives as long as its DB.
const Memory = ":memory:"

// readers is how many reads of a file run side by side. Each holds a page cache of its own.
const readers = 4

var sqliteDialect = &dialect{
	migrations: "sqlite",
	goose:      goose.DialectSQLite3,
	away:       sqliteAway,
	lost:       func(error) bool { return false }, // a file is not far away
	repeatable: func(error) bool { return false }, // there is one writer
}

// openSQLite opens a file with one connection that writes: SQLite has one writer, and waiting in Go
// is fair. Reads have connections of their own.
func (db *DB) openSQLite(ctx context.Context, dsn string) error {
	if err := db.connectSQLite(dsn); err != nil {
		return err
	}
	if err := db.migrateSQLite(ctx); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	if err := db.prepareWrites(ctx); err != nil {
		return fmt.Errorf("prepare: %w", err)
	}
	return db.fill(ctx)
}

func (db *DB) connectSQLite(dsn string) (err error) {
	if dsn == Memory {
		db.writer, err = sqlitePool(dsn, 1, "_pragma=foreign_keys(1)")
		db.reader = db.writer
		return err
	}
	// As a URI, a file name may contain a question mark.
	file := (&url.URL{Scheme: "file", Opaque: strings.ReplaceAll(url.PathEscape(dsn), "%2F", "/")}).String()
	// In WAL mode, NORMAL never corrupts the file; a power cut may lose the latest commits.
	synchronous := "_pragma=synchronous(NORMAL)"
	if db.options.Durable {
		synchronous = "_pragma=synchronous(FULL)"
	}
	db.writer, err = sqlitePool(file, 1, "_txlock=immediate",
		"_pragma=busy_timeout(5000)", "_pragma=journal_mode(WAL)",
		synchronous, "_pragma=foreign_keys(1)")
	if err != nil {
		return err
	}
	db.reader, err = sqlitePool(file, readers, "_pragma=busy_timeout(5000)", "_pragma=query_only(1)")
	return err
}

// migrateSQLite tries again when it fails: another process that opens the same new file may have been
// faster with a step, which is then done.
func (db *DB) migrateSQLite(ctx context.Context) (err error) {
	for range attempts {
		if err = db.migrate(ctx, db.writer); err == nil {
			break
		}
	}
	return err
}

func sqlitePool(file string, connections int, parameters ...string) (*pool, error) {
	pooled, err := sql.Open("sqlite", file+"?"+strings.Join(parameters, "&"))
	if err != nil {
		return nil, err
	}
	// Idle connections stay: they hold prepared statements, and in memory the database itself.
	pooled.SetMaxOpenConns(connections)
	pooled.SetMaxIdleConns(connections)
	return &pool{db: pooled, dialect: sqliteDialect}, nil
}

// prepareWrites prepares what transactions use, see tx.stmt.
func (db *DB) prepareWrites(ctx context.Context) error {
	for _, text := range db.options.Prepare {
		if _, err := db.writer.stmt(ctx, text); err != nil {
			return err
		}
	}
	return nil
}

// sqliteAway reports whether the file could not be used: another process holds it for long, or the
// disk is full or failing.
func sqliteAway(err error) bool {
	var failure *sqlite.Error
	if !errors.As(err, &failure) {
		return false
	}
	switch failure.Code() & 0xff { // the rest says more
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN:
		return true
	}
	return false
}

package database

import (
	"context"
	"fmt"
	"io/fs"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/pressly/goose/v3"
)

// Migrations is how the tables come about, and go. Open has brought them up to date.
func (db *DB) Migrations() (*goose.Provider, error) { return db.migrations(db.writer) }

func (db *DB) migrations(p *pool) (*goose.Provider, error) {
	files, err := fs.Sub(db.options.Migrations, p.dialect.migrations)
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(p.dialect.goose, p.db, files, goose.WithTableName(db.options.Versions))
}

// migrate brings the tables up to date. Each migration is a transaction.
func (db *DB) migrate(ctx context.Context, p *pool) error {
	m, err := db.migrations(p)
	if err != nil {
		return err
	}
	_, err = m.Up(ctx)
	return err
}

const (
	setUpTimeout = 5 * time.Minute // with the wait for another node's
	setUpLock    = 0x736c75696365  // "sluice", the number of an advisory lock of the database
)

// unlimited is for statements that may have much to do, or to wait for.
var unlimited = map[string]string{
	"application_name":                    "sluice setup",
	"statement_timeout":                   "0",
	"idle_in_transaction_session_timeout": "0",
}

// setUp migrates and fills a PostgreSQL database, one node at a time.
func (db *DB) setUp(ctx context.Context, config *pgx.ConnConfig) error {
	p := postgresPool(config, 2, unlimited) // one holds the lock
	p.timeout = setUpTimeout
	defer func() { _ = p.db.Close() }() // what was done is committed
	return p.bounded(ctx, func(ctx context.Context) error {
		lock, err := p.db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		defer func() { _ = lock.Rollback() }() // it has changed nothing
		if _, err := lock.ExecContext(ctx, `SELECT pg_advisory_xact_lock($1)`, setUpLock); err != nil {
			return fmt.Errorf("wait for another node's set-up: %w", err)
		}
		if err := checkEncoding(ctx, p); err != nil {
			return err
		}
		if err := db.migrate(ctx, p); err != nil {
			return fmt.Errorf("migrate: %w", err)
		}
		return db.fill(ctx)
	})
}

// checkEncoding refuses a database that could not keep every text, before it is given one.
func checkEncoding(ctx context.Context, p *pool) error {
	var encoding string
	if err := p.db.QueryRowContext(ctx, `SHOW server_encoding`).Scan(&encoding); err != nil {
		return err
	}
	if encoding != "UTF8" {
		return fmt.Errorf("the encoding of the database is %s: create one with UTF8", encoding)
	}
	return nil
}

package store

import (
	"context"
	"database/sql"
	"strings"
	"sync"
)

// A pool is connections to the database, with the statements that were prepared on them.
type pool struct {
	db       *sql.DB
	prepared sync.Map // SQL text -> *sql.Stmt; the texts are constants and pages' few shapes
}

func openPool(file string, connections int, parameters ...string) (*pool, error) {
	db, err := sql.Open("sqlite", file+"?"+strings.Join(parameters, "&"))
	if err != nil {
		return nil, err
	}
	// Idle connections stay: they hold prepared statements, and in memory the database itself.
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	return &pool{db: db}, nil
}

// stmt prepares a statement, once per text.
func (p *pool) stmt(ctx context.Context, text string) (*sql.Stmt, error) {
	if found, ok := p.prepared.Load(text); ok {
		return found.(*sql.Stmt), nil
	}
	made, err := p.db.PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	if first, lost := p.prepared.LoadOrStore(text, made); lost {
		_ = made.Close()
		return first.(*sql.Stmt), nil
	}
	return made, nil
}

// query runs a SELECT and calls scan for every row. The connection is free when it returns.
func (p *pool) query(ctx context.Context, text string, scan func(row) error, args ...any) error {
	stmt, err := p.stmt(ctx, text)
	if err != nil {
		return err
	}
	return scanAll(ctx, stmt, scan, args)
}

// A tx is a transaction and the context it runs in; it does not outlive the call that made it.
type tx struct {
	ctx  context.Context
	tx   *sql.Tx
	pool *pool
}

// stmt takes a prepared statement. It must not prepare on the pool, whose one connection this
// transaction holds: a text that prepareWrites does not list is prepared for this transaction.
func (t tx) stmt(text string) (*sql.Stmt, error) {
	if found, ok := t.pool.prepared.Load(text); ok {
		return t.tx.StmtContext(t.ctx, found.(*sql.Stmt)), nil
	}
	return t.tx.PrepareContext(t.ctx, text)
}

func (t tx) exec(text string, args ...any) error {
	stmt, err := t.stmt(text)
	if err != nil {
		return err
	}
	_, err = stmt.ExecContext(t.ctx, args...)
	return err
}

func (t tx) query(text string, scan func(row) error, args ...any) error {
	stmt, err := t.stmt(text)
	if err != nil {
		return err
	}
	return scanAll(t.ctx, stmt, scan, args)
}

// A row is one row of a result.
type row interface{ Scan(dest ...any) error }

func scanAll(ctx context.Context, stmt *sql.Stmt, scan func(row) error, args []any) error {
	rows, err := stmt.QueryContext(ctx, args...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }() // rows.Err says what went wrong
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

package database

import (
	"context"
	"database/sql"
	"math/rand/v2"
	"time"
)

const (
	// attempts is how often a transaction is tried that the database undoes for another's sake.
	attempts = 5
	// firstPause bounds the random wait before the second attempt; it doubles with every other.
	firstPause = 10 * time.Millisecond
)

// A Tx is a transaction and the context it runs in; it does not outlive the call that made it.
type Tx struct {
	ctx    context.Context
	tx     *sql.Tx
	pool   *pool
	marked *bool // it has its mark, if it needs one
}

// Write runs do in a transaction, which is rolled back if do fails. It runs do again if the database
// undoes the transaction for the sake of another: do begins from nothing every time.
func (db *DB) Write(ctx context.Context, do func(Tx) error) error {
	return db.writer.bounded(ctx, func(ctx context.Context) error {
		for attempt := 1; ; attempt++ {
			err := db.writer.transact(ctx, do)
			if attempt == attempts || !db.writer.dialect.repeatable(err) || pause(ctx, attempt) != nil {
				return err
			}
			db.writer.repeated.Add(1)
		}
	})
}

func (p *pool) transact(ctx context.Context, do func(Tx) error) error {
	t, err := alive(ctx, p, func() (*sql.Tx, error) {
		return p.db.BeginTx(ctx, &sql.TxOptions{Isolation: p.dialect.isolation})
	})
	if err != nil {
		return err
	}
	if err := do(Tx{ctx, t, p, new(bool)}); err != nil {
		_ = t.Rollback() // do's error says more
		return err
	}
	return t.Commit()
}

// pause waits after an attempt, a random time: whoever stood in the way has waited for us as well.
func pause(ctx context.Context, attempt int) error {
	timer := time.NewTimer(rand.N(firstPause << (attempt - 1)))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// stmt takes a prepared statement. It must not prepare on the pool, whose one connection this
// transaction holds: a text that Options.Prepare does not list is prepared for this transaction.
func (t Tx) stmt(text string) (*sql.Stmt, error) {
	if found, ok := t.pool.prepared.Load(text); ok {
		return t.tx.StmtContext(t.ctx, found.(*sql.Stmt)), nil
	}
	return t.tx.PrepareContext(t.ctx, text)
}

// Exec runs a statement that changes something.
func (t Tx) Exec(text string, args ...any) error {
	if err := checkArgs(args); err != nil {
		return err
	}
	if err := t.mark(); err != nil {
		return err
	}
	if t.pool.dialect.prepares {
		_, err := t.tx.ExecContext(t.ctx, text, args...)
		return err
	}
	stmt, err := t.stmt(text)
	if err != nil {
		return err
	}
	_, err = stmt.ExecContext(t.ctx, args...)
	return err
}

// Query runs a statement and calls scan for every row.
func (t Tx) Query(text string, scan func(Row) error, args ...any) error {
	if err := checkArgs(args); err != nil {
		return err
	}
	rows, err := t.rows(text, args)
	return scanAll(rows, err, scan)
}

// Hold is Query for rows that are going to be changed: they stay as they were read until the
// transaction ends.
func (t Tx) Hold(text string, scan func(Row) error, args ...any) error {
	return t.Query(text+t.pool.dialect.hold, scan, args...)
}

func (t Tx) rows(text string, args []any) (*sql.Rows, error) {
	if t.pool.dialect.prepares {
		return t.tx.QueryContext(t.ctx, text, args...)
	}
	stmt, err := t.stmt(text)
	if err != nil {
		return nil, err
	}
	return stmt.QueryContext(t.ctx, args...)
}

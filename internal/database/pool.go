package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"
)

// A pool is connections to the database, with the statements that were prepared on them.
type pool struct {
	db       *sql.DB
	dialect  *dialect
	timeout  time.Duration // of a call; 0: the caller's alone
	prepared sync.Map      // SQL text -> *sql.Stmt; the texts are constants and pages' few shapes

	mark atomic.Pointer[string] // of what is written, see DB.MarkWrites; nil: none

	repeated, connected atomic.Uint64 // see Stats
}

// bounded gives a call its time, and its failure a name. What ends because ctx has ended is the
// caller's own end.
func (p *pool) bounded(ctx context.Context, call func(context.Context) error) error {
	limited := ctx
	if p.timeout > 0 {
		var cancel context.CancelFunc
		limited, cancel = context.WithTimeout(ctx, p.timeout)
		defer cancel()
	}
	err := call(limited)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil && !errors.Is(err, ctx.Err()):
		return fmt.Errorf("%w: %w", ctx.Err(), err)
	case ctx.Err() == nil && (limited.Err() != nil || p.dialect.away(err)):
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return err
}

// query runs a SELECT and calls scan for every row. The connection is free when it returns.
func (p *pool) query(ctx context.Context, text string, scan func(Row) error, args ...any) error {
	if err := checkArgs(args); err != nil {
		return err
	}
	return p.bounded(ctx, func(ctx context.Context) error {
		rows, err := p.rows(ctx, text, args)
		return scanAll(rows, err, scan)
	})
}

func (p *pool) rows(ctx context.Context, text string, args []any) (*sql.Rows, error) {
	if p.dialect.prepares {
		return alive(ctx, p, func() (*sql.Rows, error) { return p.db.QueryContext(ctx, text, args...) })
	}
	stmt, err := p.stmt(ctx, text)
	if err != nil {
		return nil, err
	}
	return stmt.QueryContext(ctx, args...)
}

// alive does something that changes nothing, on another connection if the first was closed while it
// was idle: after a restart of the server, every one of the pool may be.
func alive[T any](ctx context.Context, p *pool, do func() (T, error)) (T, error) {
	for range p.db.Stats().MaxOpenConnections {
		if done, err := do(); err == nil || ctx.Err() != nil || !p.dialect.lost(err) {
			return done, err
		}
	}
	return do()
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

// A Row is one row of a result.
type Row interface{ Scan(dest ...any) error }

// scanAll takes what a query returned.
func scanAll(rows *sql.Rows, err error, scan func(Row) error) error {
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

// checkArgs refuses text that PostgreSQL cannot keep, for both databases.
func checkArgs(args []any) error {
	for _, arg := range args {
		text, ok := arg.(string)
		if pointer, is := arg.(*string); is && pointer != nil {
			text, ok = *pointer, true
		}
		if ok && (!utf8.ValidString(text) || strings.IndexByte(text, 0) >= 0) {
			return &TextError{text}
		}
	}
	return nil
}

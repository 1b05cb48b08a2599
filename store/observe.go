package store

import (
	"context"
	"errors"
	"time"

	"github.com/sluice-gateway/sluice/internal/database"
)

// A call is a class of calls of the database: what is read, or written.
type call string

const (
	readProducts  call = "products"
	writeProducts call = "products_write"
	readOrders    call = "orders"
	writeOrders   call = "orders_write"
	readKeys      call = "keys"
	writeKeys     call = "keys_write"
	ping          call = "ping"
)

// An Observer is told of a call that has ended: its class, "products", "orders" or "keys" for reads, the
// same with "_write" for writes, or "ping"; how long it took, with the wait for a connection and all
// attempts; and the failure of the database, if that is how it ended. What a caller did wrong is none,
// and neither is that a caller has left. The error holds no password.
//
// It runs in the goroutine of the call, before that returns; it must not wait for anything, nor call the
// Store.
type Observer func(call string, took time.Duration, err error)

// Observe has an observer told of every call from now on, instead of the one before. Nil: nobody is told.
func (s *Store) Observe(o Observer) { s.observer.Store(&o) }

// Stats count what the database had to do again, or to wait for, since Open.
func (s *Store) Stats() database.Stats { return s.db.Stats() }

func (s *Store) observe(c call, begun time.Time, err error) {
	o := s.observer.Load()
	if o == nil || *o == nil {
		return
	}
	if isCallers(err) {
		err = nil
	}
	(*o)(string(c), time.Since(begun), err)
}

// isCallers reports whether an error is the caller's mistake or end. A deadline that passes is neither:
// the database took too long.
func isCallers(err error) bool {
	var mistake *Error
	var refused *refusal
	return errors.As(err, &mistake) || errors.As(err, &refused) || errors.Is(err, context.Canceled)
}

// A refusal is the error of a function of the caller's.
type refusal struct{ error }

func (r *refusal) Unwrap() error { return r.error }

package replication

import (
	"context"
	"time"

	"github.com/sluice-gateway/sluice/store"
)

// A Change is what a transaction did to one row: one of Product, Order and Line says what. Or Everything
// is set, and the others are empty.
type Change struct {
	// Everything says that any row may have changed: a table was emptied, a row could not be read, or
	// the log is gone that told of the changes.
	Everything bool

	Product Pair[store.Product]
	Order   Pair[store.Order] // without its lines, which are rows of their own
	Line    Pair[Line]

	At time.Time // when the transaction was committed, by the server's clock; in UTC
}

// A Pair is a row before and after: Before is nil for a new row, After for one that was deleted.
type Pair[T any] struct{ Before, After *T }

// Changed reports whether there is a row at all.
func (p Pair[T]) Changed() bool { return p.Before != nil || p.After != nil }

// A Line is one line of an order.
type Line struct {
	OrderID string
	store.OrderLine
}

// A Handler is told of changes.
type Handler interface {
	// Handle is told of changes in the order of their commits, of one call after the other. It returns
	// how many it has dealt with, from the first on; when these are not all, err says why, and Handle
	// is called again with the rest, after 0.1 to 5 s, until it has dealt with all or ctx ends.
	// Meanwhile no other change is handed on and none is confirmed.
	Handle(ctx context.Context, changes []Change) (told int, err error)
}

// hand hands changes on. Its only error is the end of ctx.
func (r *Reader) hand(ctx context.Context, changes []Change) error {
	for delay := firstDelay; len(changes) > 0; {
		told, err := r.handler.Handle(ctx, changes)
		if err == nil {
			r.explain(nil)
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if told > 0 {
			delay = firstDelay
		}
		changes = changes[told:]
		r.explain(err)
		r.trouble.Warn(r.log, "changes of the database wait: they could not be handed on", "slot", r.name, "error", err)
		pause(ctx, around(delay))
		delay = min(2*delay, lastDelay)
	}
	return nil
}

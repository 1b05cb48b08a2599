package ledger

import (
	"context"
	"errors"
	"time"
)

// A Store keeps batches and their sums. Every method is safe for concurrent use, also by several nodes.
type Store interface {
	// Import adds a batch to the sums, unless one with its id was imported before: then it does nothing,
	// and says so. All of a batch counts or nothing of it.
	Import(ctx context.Context, b *Batch) (added bool, err error)

	// Prune forgets the hours before a time, and the batches that were made before it.
	Prune(ctx context.Context, before time.Time) error
}

// A Reader reads the sums.
type Reader interface {
	// Hours calls each for every entry that a query asks for, one per key and hour, in the order of hour,
	// issuer, consumer, plan and field. An error of each ends it, and is returned.
	Hours(ctx context.Context, q Query, each func(Entry) error) error
}

// A Query says which entries are wanted.
type Query struct {
	From, To time.Time // hours that begin at From or later, and before To
	Consumer string    // empty: every one
	Issuer   *string   // nil: whoever has issued; else only consumers of this issuer, "" being keys'
}

// ErrRange reports a query whose time ends before it begins.
var ErrRange = errors.New("ledger: the range ends before it begins")

package documents

import (
	"context"
	"errors"
)

// ErrUnavailable is what a Store answers at once while it leaves a server alone that has failed a
// moment ago. The failure itself was another error, so this one needs no line in a log.
var ErrUnavailable = errors.New("documents: the store is not available")

// A Store keeps documents by their hash, for every node that uses it. It forgets those that nobody
// asks for. A Store that fails must not fail a request: its caller goes on as if the document were
// unknown, and the client sends the text. It is safe for concurrent use.
type Store interface {
	// Get returns the text whose hash it is. ok is false when the Store does not know it.
	Get(ctx context.Context, hash string) (text string, ok bool, err error)
	// Put keeps text, which passes Check, under its hash. Its caller has validated it: a Store is
	// no place for whatever anybody sends.
	Put(ctx context.Context, hash, text string) error
}

package keys

import "context"

// A Store keeps keys. It is safe for concurrent use, also by several processes. What it returns is
// the caller's own; keystest.Run is its contract.
type Store interface {
	// Key returns the key with an id, or nil if there is none.
	Key(ctx context.Context, id string) (*Key, error)
	// Keys returns the keys that a query asks for, the newest first.
	Keys(ctx context.Context, q Query) ([]Key, error)
	// AddKey keeps a new key. It fails if there is one with its id.
	AddKey(ctx context.Context, k *Key) error
	// ChangeKey reads a key, lets change edit it, keeps it and returns it, in one transaction; or
	// returns nil if there is no key with the id. An error of change is returned and nothing kept.
	// The id, the consumer, the subject and the time of creation are never edited.
	ChangeKey(ctx context.Context, id string, change func(*Key) error) (*Key, error)
}

// A Query asks for some of the keys, the newest first; keys of one moment stand by id.
type Query struct {
	Consumer string // empty: of every consumer
	After    string // the id of the last key that was read; empty: from the newest on
	Limit    int    // 1 to MaxList
}

// MaxList is how many keys one answer lists.
const MaxList = 100

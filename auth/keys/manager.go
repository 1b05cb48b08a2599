package keys

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// MaxGrace is the longest grace of a secret that was replaced.
const MaxGrace = 30 * 24 * time.Hour

// ErrNotAnnounced reports that a change stands, but that the nodes could not be told: sessions that
// are open notice at their node's next re-check. The other results are returned beside it.
var ErrNotAnnounced = errors.New("auth/keys: the change stands, but it could not be announced")

// Options are what a Manager may be told. The zero Options work.
type Options struct {
	// Pepper keys the hashes of the secrets. With one, whoever can write to the Store alone cannot
	// plant a key of their own. Empty: a constant. Another pepper makes every key worthless.
	Pepper []byte
	// Announce tells every node that the rights of a key have changed, so that they check the
	// sessions that stand on it. It is called when the Store has the change, with a context that
	// outlives the caller's. Nil: nobody is told.
	Announce func(ctx context.Context, id string) error
	// CheckTopic says what is wrong with a topic name or pattern in Key.Publish, in words that a
	// client may read. Nil: nothing is.
	CheckTopic func(topic string) error
	// Done is told of every Create, Change, Rotate and Revoke when it is over, also of one that has
	// failed, with the caller's context, which may have ended. It is called before the caller has its
	// result, and by several goroutines at a time. Nil: nobody is told.
	Done func(ctx context.Context, a Action)
	// Now is the clock. Nil: time.Now.
	Now func() time.Time
}

func (o Options) withDefaults() Options {
	if len(o.Pepper) == 0 {
		// A secret is 32 random bytes, which no hash needs to hide any better.
		o.Pepper = []byte("github.com/sluice-gateway/sluice/auth/keys")
	}
	if o.Announce == nil {
		o.Announce = func(context.Context, string) error { return nil }
	}
	if o.CheckTopic == nil {
		o.CheckTopic = func(string) error { return nil }
	}
	if o.Done == nil {
		o.Done = func(context.Context, Action) {}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// A Manager makes, changes and recognises the keys of a Store. It implements auth.Authenticator and
// auth.Rechecker, and is safe for concurrent use. What a caller did wrong is an *InputError.
type Manager struct {
	store   Store
	options Options
}

// New makes a Manager, which needs no closing.
func New(store Store, o Options) *Manager { return &Manager{store, o.withDefaults()} }

// Get returns the key with an id, or nil if there is none.
func (m *Manager) Get(ctx context.Context, id string) (*Key, error) {
	if !validID(id) {
		return nil, nil
	}
	return m.store.Key(ctx, id)
}

// List returns the keys that a query asks for, the newest first.
func (m *Manager) List(ctx context.Context, q Query) ([]Key, error) {
	if q.Limit < 1 || q.Limit > MaxList {
		return nil, refuse("a list has 1 to %d keys, not %d", MaxList, q.Limit)
	}
	return m.store.Keys(ctx, q)
}

// Create makes a key of what k says, and its text, which is shown once and cannot be had again. The
// id, the time of creation and the secret are made; nobody needs to be told of a new key.
func (m *Manager) Create(ctx context.Context, k Key) (*Key, string, error) {
	made, text, err := m.create(ctx, &k)
	a := Action{Kind: Created, After: made, Err: err}
	if made != nil {
		a.ID = made.ID
	}
	m.options.Done(ctx, a)
	return made, text, err
}

func (m *Manager) create(ctx context.Context, k *Key) (*Key, string, error) {
	made := k.Clone()
	s := newSecret()
	made.ID, made.Created, made.Revoked = newID(), m.now(), time.Time{}
	made.Expires = instant(k.Expires)
	made.Current, made.Previous = Secret{Number: 1, Hash: m.hash(made.ID, s)}, Secret{}
	if err := m.check(made, true); err != nil {
		return nil, "", err
	}
	if err := m.store.AddKey(ctx, made); err != nil {
		return nil, "", fmt.Errorf("auth/keys: create: %w", err)
	}
	return made, write(made.ID, s), nil
}

// now is the time as it is kept.
func (m *Manager) now() time.Time { return instant(m.options.Now()) }

func instant(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC().Truncate(time.Millisecond)
}

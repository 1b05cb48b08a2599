package keys

import (
	"context"
	"fmt"
	"net/netip"
	"time"
)

// A Change says what becomes different about a key. Nil: nothing.
type Change struct {
	Name      *string
	Scopes    *[]string
	Publish   *[]string
	Plan      *string
	Origins   *[]string
	Addresses *[]netip.Prefix
	Expires   *time.Time // in the future, or zero: never
}

// Change changes a key that was not revoked. Sessions that are open have the new rights as soon as
// their node is told; Origins and Addresses are for those that open from now on.
func (m *Manager) Change(ctx context.Context, id string, c Change) (*Key, error) {
	return m.change(ctx, id, Updated, func(k *Key) error {
		if err := alive(k); err != nil {
			return err
		}
		set(&k.Name, c.Name)
		set(&k.Scopes, c.Scopes)
		set(&k.Publish, c.Publish)
		set(&k.Plan, c.Plan)
		set(&k.Origins, c.Origins)
		set(&k.Addresses, c.Addresses)
		if c.Expires != nil {
			k.Expires = instant(*c.Expires)
		}
		return m.check(k, c.Expires != nil)
	})
}

// Rotate gives a key a new secret and returns the key's new text. The secret that was current stays
// good for the grace, 0 to MaxGrace; the one before it, if its grace lasts, ends.
func (m *Manager) Rotate(ctx context.Context, id string, grace time.Duration) (*Key, string, error) {
	if grace < 0 || grace > MaxGrace {
		err := refuse("the grace of a secret is 0 to %v, not %v", MaxGrace, grace)
		m.options.Done(ctx, Action{Kind: Rotated, ID: knownID(id), Err: err})
		return nil, "", err
	}
	s := newSecret()
	k, err := m.change(ctx, id, Rotated, func(k *Key) error {
		if err := alive(k); err != nil {
			return err
		}
		if k.ExpiredAt(m.options.Now()) {
			return refuse("key %q has expired: give it more time first", k.ID)
		}
		k.Previous = Secret{}
		if grace > 0 {
			k.Previous = k.Current
			k.Previous.Until = m.now().Add(grace)
		}
		k.Current = Secret{Number: k.Current.Number + 1, Hash: m.hash(k.ID, s)}
		return nil
	})
	if k == nil {
		return nil, "", err
	}
	return k, write(k.ID, s), err
}

// Revoke ends a key for ever. It may be called again, which announces it again.
func (m *Manager) Revoke(ctx context.Context, id string) (*Key, error) {
	return m.change(ctx, id, Revoked, func(k *Key) error {
		if k.Revoked.IsZero() {
			k.Revoked = m.now()
		}
		return nil
	})
}

// change has the store change a key and then the nodes told, and tells of it. The key is nil exactly if
// nothing has changed.
func (m *Manager) change(ctx context.Context, id, what string, edit func(*Key) error) (*Key, error) {
	a := Action{Kind: what, ID: knownID(id)}
	a.After, a.Err = m.announced(ctx, id, what, func(k *Key) error {
		a.Before = k.Clone()
		return edit(k)
	})
	m.options.Done(ctx, a)
	return a.After, a.Err
}

// knownID is an id, or nothing for what is none.
func knownID(id string) string {
	if !validID(id) {
		return ""
	}
	return id
}

func (m *Manager) announced(ctx context.Context, id, what string, edit func(*Key) error) (*Key, error) {
	if !validID(id) {
		// It may be the text of a key, which must stand in no error.
		return nil, refuse("an id has %d letters and digits, those between the underscores of the key", letters.EncodedLen(idSize))
	}
	k, err := m.store.ChangeKey(ctx, id, edit)
	if err != nil {
		return nil, fmt.Errorf("auth/keys: %s %s: %w", what, id, err)
	}
	if k == nil {
		return nil, refuse("there is no key %q", id)
	}
	if err := m.options.Announce(context.WithoutCancel(ctx), id); err != nil {
		return k, fmt.Errorf("%w: %s %s: %w", ErrNotAnnounced, what, id, err)
	}
	return k, nil
}

func alive(k *Key) error {
	if !k.Revoked.IsZero() {
		return refuse("key %q was revoked, for ever: make a new one", k.ID)
	}
	return nil
}

func set[T any](field *T, value *T) {
	if value != nil {
		*field = *value
	}
}

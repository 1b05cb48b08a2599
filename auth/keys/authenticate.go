package keys

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"time"

	"github.com/sluice-gateway/sluice/auth"
)

// Why a key is worth nothing; all of them wrap auth.ErrBadCredentials.
var (
	errWrong   = because(errors.New("no key has this secret, or not any more"))
	errRevoked = because(errors.New("the key was revoked"))
	errExpired = because(auth.ErrExpired)
	errOrigin  = because(errors.New("the key is not for this page"))
	errAddress = because(errors.New("the key is not for this network"))
)

func because(reason error) error { return fmt.Errorf("%w: %w", auth.ErrBadCredentials, reason) }

// Authenticate implements auth.Authenticator. An expired key is auth.ErrExpired too. Each call reads
// the Store, so a key that was revoked opens nothing any more, on any node.
func (m *Manager) Authenticate(ctx context.Context, c auth.Credentials) (*auth.Viewer, error) {
	if c.None() {
		return auth.Anonymous, nil
	}
	id, s, ok := parse(c.Token)
	if !ok {
		return nil, auth.ErrOtherKind
	}
	k, err := m.store.Key(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("auth/keys: look up a key: %w", err)
	}
	if k == nil {
		k = new(Key) // an unknown key takes as long as a wrong secret
	}
	v, err := k.viewer(k.match(m.hash(id, s)), m.options.Now())
	switch {
	case err != nil:
		return nil, err
	case !k.goodFor(c.Origin):
		return nil, errOrigin
	case !k.goodFrom(c.Address):
		return nil, errAddress
	}
	return v, nil
}

// Recheck implements auth.Rechecker. It returns v itself if nothing has changed. The page and the
// network of a session were checked when it opened.
func (m *Manager) Recheck(ctx context.Context, v *auth.Viewer) (*auth.Viewer, error) {
	if v.Key == "" {
		return nil, auth.ErrOtherKind
	}
	k, err := m.store.Key(ctx, v.Key)
	if err != nil {
		return nil, fmt.Errorf("auth/keys: look up a key again: %w", err)
	}
	if k == nil {
		return nil, errWrong
	}
	now, err := k.viewer(v.KeySecret, m.options.Now())
	if err != nil {
		return nil, err
	}
	if now.Identity() == v.Identity() && now.Expires.Equal(v.Expires) {
		return v, nil
	}
	return now, nil
}

// viewer is who comes with a secret of the key at a moment.
func (k *Key) viewer(number int, now time.Time) (*auth.Viewer, error) {
	s, ok := k.secret(number)
	switch {
	case !ok || over(s.Until, now):
		return nil, errWrong
	case !k.Revoked.IsZero():
		return nil, errRevoked
	case k.ExpiredAt(now):
		return nil, errExpired
	}
	return &auth.Viewer{
		Consumer: k.Consumer, Subject: k.Subject, Scopes: k.Scopes, Publish: k.Publish, Plan: k.Plan,
		Expires: first(k.Expires, s.Until), Key: k.ID, KeySecret: number,
	}, nil
}

// match says which secret of the key has a hash: its number, or 0.
func (k *Key) match(hash [sha256.Size]byte) int {
	current := subtle.ConstantTimeCompare(hash[:], k.Current.Hash[:])
	previous := subtle.ConstantTimeCompare(hash[:], k.Previous.Hash[:])
	return current*k.Current.Number + previous*k.Previous.Number
}

// hash is what is kept of a secret. The id is part of it, so that no key can be given the secret of
// another one by copying its row.
func (m *Manager) hash(id string, s secret) [sha256.Size]byte {
	mac := hmac.New(sha256.New, m.options.Pepper)
	mac.Write([]byte(id)) // always of the same length
	mac.Write(s[:])
	return [sha256.Size]byte(mac.Sum(nil))
}

// first is the earlier of two ends; a zero one never comes.
func first(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

package store

import (
	"context"
	"fmt"

	"github.com/sluice-gateway/sluice/auth/keys"
)

const (
	keyColumns = `id, name, consumer, subject, scopes, publish, plan, origins, addresses,
		created_at, expires_at, revoked_at, secret, secret_hash, previous, previous_hash, previous_until`

	selectKey = `SELECT ` + keyColumns + ` FROM api_keys WHERE id = $1`
	insertKey = `INSERT INTO api_keys (` + keyColumns + `)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)`
	updateKey = `UPDATE api_keys SET name = $1, scopes = $2, publish = $3, plan = $4, origins = $5, addresses = $6,
		expires_at = $7, revoked_at = $8,
		secret = $9, secret_hash = $10, previous = $11, previous_hash = $12, previous_until = $13
		WHERE id = $14`

	// A list walks the index of its order, which begins with the consumer where there is one.
	selectKeys      = `SELECT ` + keyColumns + ` FROM api_keys`
	selectKeysOf    = selectKeys + ` WHERE consumer = $1`
	keysAfter       = `(created_at, id) < (SELECT created_at, id FROM api_keys WHERE id = `
	keysOrder       = ` ORDER BY created_at DESC, id DESC LIMIT `
	firstKeys       = selectKeys + keysOrder + `$1`
	firstKeysOf     = selectKeysOf + keysOrder + `$2`
	followingKeys   = selectKeys + ` WHERE ` + keysAfter + `$1)` + keysOrder + `$2`
	followingKeysOf = selectKeysOf + ` AND ` + keysAfter + `$2)` + keysOrder + `$3`
)

var _ keys.Store = (*Store)(nil)

// Key implements keys.Store.
func (s *Store) Key(ctx context.Context, id string) (*keys.Key, error) {
	var found foundKeys
	if err := s.query(ctx, readKeys, selectKey, found.scan, id); err != nil {
		return nil, fmt.Errorf("store: key %s: %w", id, err)
	}
	return found.first(), nil
}

// Keys implements keys.Store.
func (s *Store) Keys(ctx context.Context, q keys.Query) ([]keys.Key, error) {
	text, args := firstKeys, []any(nil)
	switch {
	case q.Consumer != "" && q.After != "":
		text, args = followingKeysOf, []any{q.Consumer, q.After}
	case q.Consumer != "":
		text, args = firstKeysOf, []any{q.Consumer}
	case q.After != "":
		text, args = followingKeys, []any{q.After}
	}
	var found foundKeys
	if err := s.query(ctx, readKeys, text, found.scan, append(args, q.Limit)...); err != nil {
		return nil, fmt.Errorf("store: list keys: %w", err)
	}
	return found, nil
}

// AddKey implements keys.Store.
func (s *Store) AddKey(ctx context.Context, k *keys.Key) error {
	err := s.write(ctx, writeKeys, func(t tx) error {
		scopes, publish, origins, addresses := keyLists(k)
		return t.Exec(insertKey, append([]any{
			k.ID, k.Name, k.Consumer, k.Subject, scopes, publish, k.Plan, origins, addresses, toMillis(k.Created),
		}, keyState(k)...)...)
	})
	if err != nil {
		return fmt.Errorf("store: add key %s: %w", k.ID, err)
	}
	return nil
}

// ChangeKey implements keys.Store.
func (s *Store) ChangeKey(ctx context.Context, id string, change func(*keys.Key) error) (*keys.Key, error) {
	var k *keys.Key
	err := s.write(ctx, writeKeys, func(t tx) error {
		var found foundKeys
		if err := t.Hold(selectKey, found.scan, id); err != nil {
			return err
		}
		if k = found.first(); k == nil {
			return nil
		}
		if err := change(k); err != nil {
			return &refusal{err}
		}
		scopes, publish, origins, addresses := keyLists(k)
		args := append([]any{k.Name, scopes, publish, k.Plan, origins, addresses}, keyState(k)...)
		return t.Exec(updateKey, append(args, id)...)
	})
	if err != nil {
		return nil, fmt.Errorf("store: change key %s: %w", id, err)
	}
	return k, nil
}

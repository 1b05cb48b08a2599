package auth

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
)

// A Key is one API key and whom it belongs to.
type Key struct {
	Key      string   // the secret itself, at least MinKeyLength bytes
	Consumer string   // required
	Subject  string   // optional: the end user it acts for
	Scopes   []string // optional
	Publish  []string // optional: topics that it may publish to
	Plan     string   // optional
}

// MinKeyLength is the shortest key accepted, in bytes: what is shorter can be guessed.
const MinKeyLength = 16

// Keys is an Authenticator over a fixed list of keys, which are good as long as the process lives. It keeps their hashes, not the keys, so a
// look-up takes the same time however much of a guess is right.
type Keys struct {
	viewers map[[sha256.Size]byte]*Viewer
}

// NewKeys checks a list of keys; its error names every bad one by its place in the list.
func NewKeys(list []Key) (*Keys, error) {
	k := &Keys{viewers: make(map[[sha256.Size]byte]*Viewer, len(list))}
	var bad []error
	for i, key := range list {
		hash := sha256.Sum256([]byte(key.Key))
		switch {
		case len(key.Key) < MinKeyLength:
			bad = append(bad, fmt.Errorf("keys[%d]: a key has at least %d bytes, this one has %d", i, MinKeyLength, len(key.Key)))
		case key.Consumer == "":
			bad = append(bad, fmt.Errorf("keys[%d]: consumer is missing", i))
		case k.viewers[hash] != nil:
			bad = append(bad, fmt.Errorf("keys[%d]: the same key is listed before", i))
		default:
			k.viewers[hash] = &Viewer{
				Consumer: key.Consumer, Subject: key.Subject,
				Scopes: key.Scopes, Publish: key.Publish, Plan: key.Plan,
			}
		}
	}
	return k, errors.Join(bad...)
}

// Authenticate implements Authenticator.
func (k *Keys) Authenticate(_ context.Context, c Credentials) (*Viewer, error) {
	switch {
	case c.None():
		return Anonymous, nil
	case c.Token == "":
		return nil, ErrOtherKind
	}
	v, ok := k.viewers[sha256.Sum256([]byte(c.Token))]
	if !ok {
		return nil, ErrOtherKind
	}
	return v, nil
}

// Package redis shares automatic persisted queries between nodes: a documents.Store in Redis.
//
// A document is the string "sluice:document:<hash>". It expires when nobody has asked for it for
// so long, which bounds what is kept; a Redis that is to be bounded harder sets maxmemory with a
// policy such as volatile-ttl, and loses nothing but documents that clients send again. A value that
// does not have the hash of its key is somebody else's, and counts as unknown.
//
// It never makes a request slow: a command gets a quarter of a second, and a Redis that has failed
// is left alone for a second, in which every call fails at once with documents.ErrUnavailable.
//
// # Permissions
//
// An ACL user needs +@connection, +getex and +set on the keys ~sluice:document:*; in a Cluster also
// +cluster|slots.
package redis

import (
	"context"
	"errors"
	"fmt"

	goredis "github.com/redis/go-redis/v9"

	"github.com/sluice-gateway/sluice/documents"
	"github.com/sluice-gateway/sluice/internal/redisconn"
)

const prefix = "sluice:document:"

// A Store is a documents.Store in Redis. It is safe for concurrent use.
type Store struct {
	client  goredis.UniversalClient
	options Options
	pause   pause
}

var _ documents.Store = (*Store)(nil)

// New returns a store in the Redis at url: redis://, redis+sentinel:// or redis+cluster://, as for
// the broker of package pubsub/redis. It does not wait for Redis. The error is about url, and does
// not quote it.
func New(url string, o Options) (*Store, error) {
	o = o.withDefaults()
	name := "sluice-documents"
	if o.Node != "" {
		name = "sluice-" + o.Node + "-documents"
	}
	client, err := redisconn.Open(url, redisconn.Options{Name: name, TLS: o.TLS, Timeout: o.Timeout})
	if err != nil {
		return nil, err
	}
	return &Store{client: client, options: o}, nil
}

// Get implements documents.Store. What it finds is kept for another Options.Expiry.
func (s *Store) Get(ctx context.Context, hash string) (string, bool, error) {
	if !documents.IsHash(hash) {
		return "", false, nil
	}
	var text string
	err := s.try(ctx, func(ctx context.Context) (err error) {
		text, err = s.client.GetEx(ctx, prefix+hash, s.options.Expiry).Result()
		return err
	})
	switch {
	case errors.Is(err, goredis.Nil):
		return "", false, nil
	case err != nil:
		return "", false, fmt.Errorf("get document %s: %w", hash, err)
	case len(text) > documents.MaxText || documents.Hash(text) != hash:
		return "", false, nil
	}
	return text, true, nil
}

// Put implements documents.Store. It replaces whatever stands there.
func (s *Store) Put(ctx context.Context, hash, text string) error {
	if err := documents.Check(hash, text); err != nil {
		return err
	}
	err := s.try(ctx, func(ctx context.Context) error {
		return s.client.Set(ctx, prefix+hash, text, s.options.Expiry).Err()
	})
	if err != nil {
		return fmt.Errorf("put document %s: %w", hash, err)
	}
	return nil
}

// try runs one command within the timeout, unless Redis is left alone.
func (s *Store) try(ctx context.Context, command func(ctx context.Context) error) error {
	if s.pause.on() {
		return documents.ErrUnavailable
	}
	attempt, cancel := context.WithTimeout(ctx, s.options.Timeout)
	defer cancel()
	err := command(attempt)
	switch refusal := goredis.Error(nil); {
	case err == nil || errors.As(err, &refusal): // an answer, whatever it says
		return err
	case ctx.Err() != nil: // the caller has gone, which says nothing about Redis
		return context.Cause(ctx)
	}
	s.pause.begin(pauseAfterFailure)
	return err
}

// Close closes the connections; calls that are under way fail. Sentinels that do not answer keep it
// for two seconds.
func (s *Store) Close() error { return s.client.Close() }

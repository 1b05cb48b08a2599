package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/sluice-gateway/sluice/auth/keys"
	"github.com/sluice-gateway/sluice/gateway"
	"github.com/sluice-gateway/sluice/pubsub"
)

// minPepper is the shortest pepper that is accepted, in bytes: what is shorter can be guessed.
const minPepper = 16

// newKeys is the manager of the API keys that a store holds. Changes are announced through broker, and done is
// told of them.
func newKeys(c *Config, store keys.Store, broker pubsub.Broker, done func(context.Context, keys.Action)) (*keys.Manager, error) {
	pepper, err := readPepper(c.KeysPepperFile)
	if err != nil {
		return nil, fmt.Errorf("keys-pepper-file: %w", err)
	}
	return keys.New(store, keys.Options{
		Pepper:     pepper,
		Announce:   func(ctx context.Context, id string) error { return gateway.AnnounceKey(ctx, broker, id) },
		CheckTopic: checkTopic,
		Done:       done,
	}), nil
}

// readPepper reads the pepper, which never stands in an error; empty path: none.
func readPepper(path string) ([]byte, error) {
	if path == "" {
		return nil, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	pepper := bytes.TrimSpace(text)
	if len(pepper) < minPepper {
		return nil, fmt.Errorf("%s holds %d bytes and needs %d: openssl rand -hex 32 makes some", path, len(pepper), minPepper)
	}
	return pepper, nil
}

// checkTopic says what is wrong with a topic that a key wants to publish to.
func checkTopic(topic string) error {
	var bad *pubsub.TopicError
	if err := pubsub.ValidPattern(topic); errors.As(err, &bad) {
		return fmt.Errorf("topic %q: %s", bad.Name, bad.Reason)
	}
	if strings.HasPrefix(topic, "_sluice.") {
		return fmt.Errorf("topic %q: those that begin with _sluice. are the gateway's own", topic)
	}
	return nil
}

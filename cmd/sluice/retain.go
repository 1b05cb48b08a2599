package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sluice-gateway/sluice/internal/cursor"
	"github.com/sluice-gateway/sluice/policy"
	"github.com/sluice-gateway/sluice/pubsub"
)

// A retain says how much is kept of the topics of a pattern.
type retain struct {
	pattern string // a name, or a pattern of names
	keep    pubsub.Retention
}

// retains are read as pattern=time, or with /events behind it; off keeps nothing.
type retains []retain

// Set implements flag.Value. It may be called again, for more of them.
func (r *retains) Set(text string) error {
	for part := range strings.SplitSeq(text, ",") {
		made, err := parseRetain(strings.TrimSpace(part))
		if err != nil {
			return err
		}
		*r = append(*r, made)
	}
	return nil
}

// String implements flag.Value.
func (r *retains) String() string {
	texts := make([]string, len(*r))
	for i, one := range *r {
		texts[i] = one.pattern + "=off"
		if !one.keep.IsZero() {
			texts[i] = fmt.Sprintf("%s=%v/%d", one.pattern, one.keep.For, one.keep.Events)
		}
	}
	return strings.Join(texts, ",")
}

// defaultRetained is how many events of a topic are kept where nobody says it, and mostRetained how many
// anybody may ask for: they are in the broker's memory.
const defaultRetained, mostRetained = 1000, 1_000_000

// Events are kept for a second at least, and for a week at most, as in the schema.
const leastKept, mostKept = time.Second, 7 * 24 * time.Hour

func parseRetain(text string) (retain, error) {
	wrong := fmt.Errorf("%q: give topics and a time from 1s to 168h, and the number of events, up to %d, if it is not %d, as in stock.*=10m/500; or stock.*=off",
		text, mostRetained, defaultRetained)
	pattern, keep, ok := strings.Cut(text, "=")
	if !ok {
		return retain{}, wrong
	}
	if err := pubsub.ValidPattern(pattern); err != nil {
		return retain{}, err
	}
	if keep == "off" {
		return retain{pattern: pattern}, nil
	}
	length, events, counted := strings.Cut(keep, "/")
	r := retain{pattern, pubsub.Retention{Events: defaultRetained}}
	var err, errEvents error
	r.keep.For, err = time.ParseDuration(length)
	if counted {
		r.keep.Events, errEvents = strconv.Atoi(events)
	}
	if errors.Join(err, errEvents) != nil || r.keep.For < leastKept || r.keep.For > mostKept || r.keep.Events < 1 || r.keep.Events > mostRetained {
		return retain{}, wrong
	}
	return r, nil
}

// checkRetained returns an error if the settings name topics that feed no subscription: it is a slip of the pen.
func (r retains) checkRetained(schema *policy.Schema) error {
	for _, one := range r {
		feeds := func(template string) bool { return pubsub.Match(one.pattern, template) }
		if !schema.Feeds(strings.Replace(one.pattern, "*", "any", 1)) && !slices.ContainsFunc(schema.Topics(), feeds) {
			return fmt.Errorf("retain: no subscription is fed by topics %s; the topics are %s", one.pattern, strings.Join(schema.Topics(), ", "))
		}
	}
	return nil
}

// retention is how much is kept of a topic: what the settings say, the first that names it; or else what the
// schema says.
func (c *Config) retention(schema *policy.Schema) func(topic string) pubsub.Retention {
	return func(topic string) pubsub.Retention {
		for _, one := range c.Retain {
			if pubsub.Match(one.pattern, topic) {
				return one.keep
			}
		}
		r := schema.Retention(topic)
		if !r.IsZero() {
			r.Events = defaultRetained
		}
		return r
	}
}

// cursorKeys sign where clients stand. Without a file they are made of what all nodes of one Redis have in
// their settings; a process without one has its own.
func (c *Config) cursorKeys() (*cursor.Keys, error) {
	if c.CursorKeyFile != "" {
		text, err := os.ReadFile(c.CursorKeyFile)
		if err != nil {
			return nil, fmt.Errorf("cursor-key-file: %w", err)
		}
		var secrets [][]byte
		for line := range strings.Lines(string(text)) {
			if line = strings.TrimSpace(line); line != "" {
				secrets = append(secrets, []byte(line))
			}
		}
		keys, err := cursor.NewKeysOf(secrets...)
		if err != nil {
			return nil, fmt.Errorf("cursor-key-file: %w", err)
		}
		return keys, nil
	}
	if c.Redis == "" {
		return cursor.NewKeys(), nil
	}
	pepper, err := readPepper(c.KeysPepperFile)
	if err != nil {
		return nil, fmt.Errorf("keys-pepper-file: %w", err)
	}
	mac := hmac.New(sha256.New, append([]byte("sluice cursors"), pepper...))
	mac.Write([]byte(c.Redis))
	return cursor.NewKeysOf(mac.Sum(nil))
}

func (c *Config) checkRetain() error {
	_, err := c.cursorKeys()
	return err
}

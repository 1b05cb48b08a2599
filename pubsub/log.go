package pubsub

import (
	"context"
	"fmt"
	"time"
)

// A Retention says how much of a topic can be read again: the topic is replayable. The zero Retention is
// that of an ephemeral topic, whose events nobody keeps.
type Retention struct {
	Events int           // the newest that are kept, exactly; a broker has a default for 0
	For    time.Duration // how long after its latest event a topic is kept
}

// IsZero reports whether nothing is kept.
func (r Retention) IsZero() bool { return r.For <= 0 }

// A GapError reports that what a log has cannot be joined to a position: events between are gone, or the
// log is not the one that the position is of. Whatever is read instead would pass over something in
// silence.
type GapError struct {
	Topic string
	Epoch uint64 // of the log as it is; 0: there is none
	First uint64 // the oldest offset that can still be read; 0: none
	Top   uint64 // the newest
}

func (e *GapError) Error() string {
	return fmt.Sprintf("pubsub: the log of %q does not join: it has offsets %d to %d of epoch %x", e.Topic, e.First, e.Top, e.Epoch)
}

// A Past is a part of a log.
type Past struct {
	Events []*Event // in their order, without a gap
	Top    Position // the newest event of the log when it was read
}

// NotReplayable is what reading the log of an ephemeral topic, which has none, returns. It is for brokers.
func NotReplayable(topic string) error {
	return &TopicError{Name: topic, Reason: "it is ephemeral, so it has no log; give it a retention"}
}

// MaxIdempotencyKey is the length of the longest idempotency key, in bytes.
const MaxIdempotencyKey = 128

// ErrIdempotencyKey reports a key that is too long.
var ErrIdempotencyKey = fmt.Errorf("pubsub: an idempotency key has %d bytes at most", MaxIdempotencyKey)

// An idempotencyKey is the context's key of one.
type idempotencyKey struct{}

// WithIdempotencyKey returns a context in which Publish to a replayable topic has an effect once for
// each key and topic within five minutes, however often it is called. A key has MaxIdempotencyKey bytes
// at most, or Publish fails with ErrIdempotencyKey. On an ephemeral topic it means nothing.
func WithIdempotencyKey(ctx context.Context, key string) context.Context {
	return context.WithValue(ctx, idempotencyKey{}, key)
}

// IdempotencyKeyFrom returns the key of a context, or "". It is for brokers.
func IdempotencyKeyFrom(ctx context.Context) string {
	key, _ := ctx.Value(idempotencyKey{}).(string)
	return key
}

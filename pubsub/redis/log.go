package redis

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/sluice-gateway/sluice/pubsub"
)

const (
	// readBytes is about how much one reading of a log returns at most.
	readBytes = 4 << 20
	// readers is how many logs are read at once. The rest of the connections is for publishing.
	readers = 8
)

// errReply reports that a script returned what it never does.
var errReply = errors.New("redis: a script returned what it never does")

// publishKept appends an event to its topic's log and sends it.
func (b *Broker) publishKept(ctx context.Context, topic string, payload []byte, kept pubsub.Retention) error {
	var random [20]byte
	_, _ = rand.Read(random[:]) // never fails
	message := pubsub.Seal(ctx, payload)
	reply, err := b.layout.eval(ctx, call{
		script: publishScript,
		topic:  topic,
		keys:   logKeys(topic, pubsub.IdempotencyKeyFrom(ctx)),
		args: []any{
			b.layout.command(), topic, hex.EncodeToString(random[:12]), newEpoch(random[12:]),
			kept.Events, milliseconds(kept.For), message[len("~1"):], b.published(topic),
		},
	}).Text()
	if err != nil || reply == "" { // the idempotency key is known
		return err
	}
	at, ok := pubsub.ParsePosition(reply)
	if !ok {
		return errReply
	}
	b.known.note(topic, at, kept.For)
	return b.layout.forward(ctx, topic, func() []byte { return pubsub.SealAt(at, message) })
}

// newEpoch makes an epoch, which is never 0, of 8 random bytes.
func newEpoch(random []byte) string {
	return strconv.FormatUint(max(1, binary.BigEndian.Uint64(random)), 16)
}

func milliseconds(d time.Duration) int64 { return max(1, d.Milliseconds()) }

// Read implements pubsub.Broker. One call returns about 4 MiB at most. It waits for a connection as long
// as ctx allows, and then as long as Options.PublishTimeout.
func (b *Broker) Read(ctx context.Context, topic string, after pubsub.Position, most int) (pubsub.Past, error) {
	if err := pubsub.ValidName(topic); err != nil {
		return pubsub.Past{}, err
	}
	if b.options.retention(topic).IsZero() {
		return pubsub.Past{}, pubsub.NotReplayable(topic)
	}
	select {
	case b.reading <- struct{}{}:
		defer func() { <-b.reading }()
	case <-ctx.Done():
		return pubsub.Past{}, fmt.Errorf("read %q: %w", topic, context.Cause(ctx))
	case <-b.stopped:
		return pubsub.Past{}, pubsub.ErrClosed
	}
	past, err := b.read(ctx, topic, after, most)
	return past, b.failed(ctx, "read", topic, err)
}

// failed says what an error of a call of Redis means to the caller.
func (b *Broker) failed(ctx context.Context, doing, topic string, err error) error {
	if err == nil {
		return nil
	}
	var gap *pubsub.GapError
	switch {
	case errors.As(err, &gap):
		return err
	case b.isClosed():
		return pubsub.ErrClosed
	case ctx.Err() != nil:
		return fmt.Errorf("%s %q: %w", doing, topic, context.Cause(ctx))
	}
	return fmt.Errorf("%s %q: %w: %w", doing, topic, pubsub.ErrUnavailable, err)
}

// read reads a log. With a *pubsub.GapError it returns the newest position too.
func (b *Broker) read(ctx context.Context, topic string, after pubsub.Position, most int) (pubsub.Past, error) {
	reply, err := b.evalTimed(ctx, call{
		script: readScript,
		topic:  topic,
		keys:   logKeys(topic, ""),
		args:   []any{after.String(), after.Offset, max(most, 0), readBytes, b.options.retention(topic).Events, b.published(topic), b.followed(topic), randomEpoch()},
	})
	if err != nil {
		return pubsub.Past{}, err
	}
	words, _ := reply.([]any)
	return pastOf(topic, after, words, most)
}

// pastOf makes a part of a log of what read.lua has returned.
func pastOf(topic string, after pubsub.Position, words []any, most int) (pubsub.Past, error) {
	if len(words) < 3 {
		return pubsub.Past{}, errReply
	}
	text, _ := words[0].(string)
	first, _ := words[1].(int64)
	joins, _ := words[2].(int64)
	top, ok := pubsub.ParsePosition(text)
	if text != "" && !ok {
		return pubsub.Past{}, errReply
	}
	past := pubsub.Past{Top: top}
	now, last := time.Now(), after
	for _, word := range words[3:] {
		message, _ := word.(string)
		e := pubsub.Unseal(topic, message, now)
		if e.Position.Epoch != last.Epoch || e.Position.Offset != last.Offset+1 {
			break // somebody has taken entries out
		}
		last = e.Position
		past.Events = append(past.Events, e)
	}
	if joins == 0 || most > 0 && len(past.Events) == 0 && after != top {
		return pubsub.Past{Top: top}, &pubsub.GapError{Topic: topic, Epoch: top.Epoch, First: uint64(first), Top: top.Offset}
	}
	return past, nil
}

// start returns the position of a topic's newest event, and begins its log if there is none.
func (b *Broker) start(ctx context.Context, topic string) (pubsub.Position, error) {
	reply, err := b.evalTimed(ctx, call{
		script: startScript,
		topic:  topic,
		keys:   logKeys(topic, ""),
		args:   []any{randomEpoch(), milliseconds(b.options.retention(topic).For)},
	})
	if err != nil {
		return pubsub.Position{}, err
	}
	text, _ := reply.(string)
	top, ok := pubsub.ParsePosition(text)
	if !ok {
		return pubsub.Position{}, errReply
	}
	return top, nil
}

// evalTimed runs a script that reads.
func (b *Broker) evalTimed(ctx context.Context, c call) (any, error) {
	attempt, cancel := context.WithTimeout(ctx, b.options.PublishTimeout)
	defer cancel()
	begun := time.Now()
	reply, err := b.layout.eval(attempt, c).Result()
	b.options.observe(ctx, "read", begun, err)
	return reply, err
}

package redis

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
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

// newEpoch makes the digits with which an epoch ends.
func newEpoch() string {
	var random [5]byte
	_, _ = rand.Read(random[:]) // never fails
	return hex.EncodeToString(random[:])
}

func milliseconds(d time.Duration) int64 { return max(1, d.Milliseconds()) }

// Read implements pubsub.Broker. One call returns about 4 MiB at most. It waits for a connection as long
// as ctx allows, and then as long as Options.PublishTimeout. After Redis was away it waits until the logs
// were compared, as long as Options.SubscribeTimeout.
func (b *Broker) Read(ctx context.Context, topic string, after pubsub.Position, most int) (past pubsub.Past, err error) {
	if err := pubsub.ValidName(topic); err != nil {
		return pubsub.Past{}, err
	}
	if b.options.retention(topic).IsZero() {
		return pubsub.Past{}, pubsub.NotReplayable(topic)
	}
	err = b.inTurn(ctx, topic, func() error {
		past, err = b.read(ctx, topic, after, most)
		return err
	})
	if err == nil || isGap(err) {
		b.followers.compare(topic, past.Top)
	}
	return past, b.failed(ctx, "read", topic, err)
}

// inTurn calls read when the topic's log may be read, and not too many others are.
func (b *Broker) inTurn(ctx context.Context, topic string, read func() error) error {
	return b.layout.gate(topic).during(ctx, b.options.SubscribeTimeout, func() error {
		select {
		case b.reading <- struct{}{}:
			defer func() { <-b.reading }()
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-b.stopped:
			return pubsub.ErrClosed
		}
		return read()
	})
}

func isGap(err error) bool {
	var gap *pubsub.GapError
	return errors.As(err, &gap)
}

// failed says what an error of a call of Redis means to the caller.
func (b *Broker) failed(ctx context.Context, doing, topic string, err error) error {
	if err == nil {
		return nil
	}
	switch {
	case isGap(err):
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
		args:   []any{after.String(), after.Offset, max(most, 0), readBytes, b.options.retention(topic).Events},
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
		args:   []any{newEpoch(), milliseconds(b.options.retention(topic).For)},
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

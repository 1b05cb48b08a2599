package redis

import (
	"context"
	"crypto/rand"
	"errors"
	"sync"
	"time"

	"github.com/sluice-gateway/sluice/pubsub"
)

// mostKnown is how many topics a node remembers.
const mostKnown = 100_000

// Known are positions that this node has seen in logs, the newest of each. A log that does not have them any more was
// rolled back: Redis came back with less than it had, by a failover or an older dump. Whoever finds that
// begins a new epoch, so that nobody goes on in a log from which something has vanished, even who stood
// before that.
type known struct {
	mu      sync.Mutex // guards byTopic
	byTopic map[string]sighting
}

// A sighting is a position, and until when clients may come back to it.
type sighting struct {
	at    pubsub.Position
	until time.Time
}

// note remembers a position.
func (k *known) note(topic string, at pubsub.Position, kept time.Duration) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if before := k.byTopic[topic].at; before.Epoch == at.Epoch && before.Offset >= at.Offset {
		return
	}
	if k.byTopic == nil {
		k.byTopic = make(map[string]sighting)
	}
	k.byTopic[topic] = sighting{at, time.Now().Add(kept)}
	if len(k.byTopic) > mostKnown {
		k.forgetLocked()
	}
}

// forgetLocked makes room: of what is over, or else of a tenth, whichever.
func (k *known) forgetLocked() {
	now := time.Now()
	for topic, s := range k.byTopic {
		if now.After(s.until) {
			delete(k.byTopic, topic)
		}
	}
	for topic := range k.byTopic {
		if len(k.byTopic) <= mostKnown*9/10 {
			return
		}
		delete(k.byTopic, topic)
	}
}

// of is the newest position that is known of a topic; zero: none is.
func (k *known) of(topic string) pubsub.Position {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.byTopic[topic].at
}

// topics are those that something is known of.
func (k *known) topics() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := time.Now()
	all := make([]string, 0, len(k.byTopic))
	for topic, s := range k.byTopic {
		if now.Before(s.until) {
			all = append(all, topic)
		}
	}
	return all
}

// published is the newest position of what this node has published to a topic, and followed that of what it
// follows or has followed, as scripts want them: each of them may be gone from a log without the other.
func (b *Broker) published(topic string) string { return text(b.known.of(topic)) }

func (b *Broker) followed(topic string) string {
	if f := b.followers.at(topic); f != nil {
		if top := f.tail.Top(); !top.IsZero() {
			return text(top)
		}
	}
	return text(b.left.of(topic))
}

func text(at pubsub.Position) string {
	if at.IsZero() {
		return ""
	}
	return at.String()
}

// verify looks after the logs that this node has published to whenever Redis was away, until ctx is done:
// those that it follows are read again anyway.
func (b *Broker) verify(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-b.monitor.back:
		}
		for _, topic := range append(b.known.topics(), b.left.topics()...) {
			b.verifyLog(ctx, topic)
		}
	}
}

// verifyLog compares a log with what is known of it, as soon as Redis answers.
func (b *Broker) verifyLog(ctx context.Context, topic string) {
	for failures := 0; ; failures++ {
		_, err := b.Read(ctx, topic, pubsub.Position{}, 0) // what it knows it brings itself
		if !errors.Is(err, pubsub.ErrUnavailable) || !pause(ctx, backoff(failures)) {
			return
		}
	}
}

// randomEpoch is a new epoch, as a script wants it.
func randomEpoch() string {
	var random [8]byte
	_, _ = rand.Read(random[:]) // never fails
	return newEpoch(random[:])
}

package redis

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
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
	before := k.byTopic[topic].at
	if generation(at) < generation(before) || at.Epoch == before.Epoch && at.Offset <= before.Offset {
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

// generation counts the epochs of a topic's log: see publish.lua.
func generation(at pubsub.Position) uint64 { return at.Epoch >> 40 }

// published is the newest position of what this node has published to a topic, and followed that of what it
// follows or has followed, as scripts want them: each of them may be gone from a log without the other.
func (b *Broker) published(topic string) string { return text(b.known.of(topic)) }

func (b *Broker) followed(topic string) string {
	if top := b.followers.top(topic); !top.IsZero() {
		return text(top)
	}
	return text(b.left.of(topic))
}

// newest is what this node has seen last of the log of a topic that it publishes to: for publish.lua, which has
// nothing to look up where that is the latest event.
func (b *Broker) newest(topic string) string {
	at := b.known.of(topic)
	if top := b.followers.top(topic); top.Epoch == at.Epoch && top.Offset > at.Offset {
		at = top
	}
	return text(at)
}

func text(at pubsub.Position) string {
	if at.IsZero() {
		return ""
	}
	return at.String()
}

// compare compares the logs behind a gate with what this node knows of them. It returns the error of one that it
// could not.
func (b *Broker) compare(ctx context.Context, g *gate) error {
	begun := time.Now()
	topics := b.topicsBehind(g)
	next, anew := make(chan string), atomic.Int64{}
	var comparing sync.WaitGroup
	errs := make([]error, readers)
	for i := range readers {
		comparing.Go(func() {
			for topic := range next {
				was, err := b.compareLog(ctx, topic)
				if was {
					anew.Add(1)
				}
				errs[i] = cmp.Or(errs[i], err)
			}
		})
	}
	for _, topic := range topics {
		next <- topic
	}
	close(next)
	comparing.Wait()
	if n := anew.Load(); n > 0 {
		b.options.Logger.Warn("redis came back with less than it had: logs have begun anew", "logs", n, "of", len(topics), "took", time.Since(begun))
	}
	return errors.Join(errs...)
}

// topicsBehind are the topics behind a gate that something is known of.
func (b *Broker) topicsBehind(g *gate) (all []string) {
	seen := make(map[string]bool)
	for _, topic := range slices.Concat(b.known.topics(), b.left.topics(), b.followers.topics()) {
		if !seen[topic] && b.layout.gate(topic) == g {
			seen[topic] = true
			all = append(all, topic)
		}
	}
	return all
}

// compareLog reports whether a log has begun anew, for it lacks what this node knows of.
func (b *Broker) compareLog(ctx context.Context, topic string) (anew bool, err error) {
	args := []any{b.layout.command(), topic, newEpoch(), milliseconds(b.options.retention(topic).For)}
	for _, known := range []string{b.published(topic), b.followed(topic)} {
		if known != "" {
			args = append(args, known)
		}
	}
	reply, err := b.evalTimed(ctx, call{script: compareScript, topic: topic, keys: logKeys(topic, ""), args: args})
	return reply == int64(1), err
}

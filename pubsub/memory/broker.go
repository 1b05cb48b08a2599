// Package memory is the broker of a single node: events never leave the process.
//
// Publish calls the receivers itself, in the publisher's goroutine, and returns when all have the
// event. All receivers of a topic see its events in one order. The log of a replayable topic is in the
// process too, and gone with it. The package starts no goroutine and does no I/O, so its broker is up
// from New to Close.
package memory

import (
	"context"
	"fmt"
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluice-gateway/sluice/pubsub"
	"github.com/sluice-gateway/sluice/pubsub/internal/fanout"
)

// lanes is how many topics can be published to at the same time, when their hashes differ.
const lanes = 64

// A Broker is a pubsub.Broker within one process. It is safe for concurrent use.
type Broker struct {
	options Options
	since   time.Time
	closed  atomic.Pointer[time.Time] // when Close was called
	table   fanout.Table
	seed    maphash.Seed
	lanes   [lanes]lane
}

// A lane is for the topics of one hash. Its lock is held while receivers run, which nothing else here
// does: it is what gives concurrent publishers of a topic one order, and receivers neither wait nor
// call the broker.
type lane struct {
	sync.Mutex
	logs  map[string]*topicLog
	swept time.Time
}

var _ pubsub.Broker = (*Broker)(nil)

// New returns a broker that is up. All of its topics are ephemeral.
func New() *Broker { return NewWith(Options{}) }

// NewWith returns a broker that is up.
func NewWith(o Options) *Broker {
	return &Broker{options: o, since: time.Now(), seed: maphash.MakeSeed()}
}

// Publish hands payload to the topic's receivers before it returns. It takes the payload over: the
// caller must not change it afterwards. It does not wait, and of ctx it takes the trace and the
// idempotency key alone.
func (b *Broker) Publish(ctx context.Context, topic string, payload []byte) error {
	if err := pubsub.ValidName(topic); err != nil {
		return err
	}
	if b.closed.Load() != nil {
		return pubsub.ErrClosed
	}
	kept := b.options.retention(topic)
	key := pubsub.IdempotencyKeyFrom(ctx)
	if len(key) > pubsub.MaxIdempotencyKey && !kept.IsZero() {
		return fmt.Errorf("publish %q: %w", topic, pubsub.ErrIdempotencyKey)
	}
	lane := b.lane(topic)
	lane.Lock()
	defer lane.Unlock()
	now := time.Now()
	e := &pubsub.Event{
		Topic: topic, Payload: payload, Published: now, Received: now, Trace: pubsub.TraceFrom(ctx),
	}
	if !kept.IsZero() {
		log := b.logLocked(lane, topic, kept, now)
		if key != "" && log.known(key, now) {
			return nil
		}
		log.add(e, kept)
	}
	b.table.Deliver(e)
	return nil
}

// Subscribe seats r at topic. It does not wait; a ctx that is done is refused all the same, so that
// both brokers answer alike.
func (b *Broker) Subscribe(ctx context.Context, topic string, r pubsub.Receiver) (pubsub.Subscription, error) {
	if err := pubsub.ValidPattern(topic); err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, fmt.Errorf("subscribe %q: %w", topic, context.Cause(ctx))
	}
	s := b.seat(topic, r)
	if b.closed.Load() != nil { // looked at last: Close clears the table after it has set closed
		s.Close()
		return nil, pubsub.ErrClosed
	}
	return s, nil
}

// seat gives r a seat, between two events where the topic has a log.
func (b *Broker) seat(topic string, r pubsub.Receiver) subscription {
	if kept := b.retentionOf(topic); !kept.IsZero() {
		lane := b.lane(topic)
		lane.Lock()
		defer lane.Unlock()
		log := b.logLocked(lane, topic, kept, time.Now())
		seat, _ := b.table.Add(topic, r)
		return subscription{seat, log.top}
	}
	seat, _ := b.table.Add(topic, r)
	return subscription{seat: seat}
}

// Read implements pubsub.Broker.
func (b *Broker) Read(ctx context.Context, topic string, after pubsub.Position, most int) (pubsub.Past, error) {
	if err := pubsub.ValidName(topic); err != nil {
		return pubsub.Past{}, err
	}
	kept := b.options.retention(topic)
	switch {
	case kept.IsZero():
		return pubsub.Past{}, pubsub.NotReplayable(topic)
	case ctx.Err() != nil:
		return pubsub.Past{}, fmt.Errorf("read %q: %w", topic, context.Cause(ctx))
	case b.closed.Load() != nil:
		return pubsub.Past{}, pubsub.ErrClosed
	}
	lane := b.lane(topic)
	lane.Lock()
	defer lane.Unlock()
	log := lane.logs[topic]
	if log == nil {
		return pubsub.Past{}, &pubsub.GapError{Topic: topic}
	}
	log.forget(time.Now())
	events, ok := log.after(after, most)
	if !ok {
		return pubsub.Past{Top: log.top}, log.gap(topic)
	}
	return pubsub.Past{Events: events, Top: log.top}, nil
}

// logLocked returns the topic's log; if there is none, a new one.
func (b *Broker) logLocked(l *lane, topic string, kept pubsub.Retention, now time.Time) *topicLog {
	if now.Sub(l.swept) > sweepEvery {
		l.swept = now
		for other, log := range l.logs {
			if log.sweep(now) && !b.table.Has(other) {
				delete(l.logs, other)
			}
		}
	}
	log := l.logs[topic]
	if log == nil {
		if l.logs == nil {
			l.logs = make(map[string]*topicLog)
		}
		log = newLog(now.Add(kept.For))
		l.logs[topic] = log
	}
	return log
}

func (b *Broker) lane(topic string) *lane { return &b.lanes[maphash.String(b.seed, topic)%lanes] }

// retentionOf is that of a name, and zero for a pattern.
func (b *Broker) retentionOf(topic string) pubsub.Retention {
	if pubsub.IsPattern(topic) {
		return pubsub.Retention{}
	}
	return b.options.retention(topic)
}

// Health says up until Close.
func (b *Broker) Health() pubsub.Health {
	if at := b.closed.Load(); at != nil {
		return pubsub.Health{Since: *at, Reason: pubsub.ErrClosed.Error()}
	}
	return pubsub.Health{Up: true, Since: b.since}
}

// Close ends every subscription. Events that are being handed over when it is called still arrive.
func (b *Broker) Close() error {
	now := time.Now()
	b.closed.CompareAndSwap(nil, &now)
	b.table.Clear()
	return nil
}

// A subscription is one receiver's seat in the broker's table.
type subscription struct {
	seat *fanout.Seat
	at   pubsub.Position
}

// Position implements pubsub.Subscription.
func (s subscription) Position() pubsub.Position { return s.at }

// Close implements pubsub.Subscription.
func (s subscription) Close() { s.seat.Remove() }

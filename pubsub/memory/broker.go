// Package memory is the broker of a single node: events never leave the process.
//
// Publish calls the receivers itself, in the publisher's goroutine, and returns when all have the
// event. All receivers of a topic see its events in one order. The package starts no goroutine and
// does no I/O, so its broker is up from New to Close.
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
	since  time.Time
	closed atomic.Pointer[time.Time] // when Close was called
	table  fanout.Table
	seed   maphash.Seed

	// One lane per hash of a topic. Its lock is held while receivers run, which nothing else here
	// does: it is what gives concurrent publishers of a topic one order, and receivers neither wait
	// nor call the broker.
	order [lanes]sync.Mutex
}

var _ pubsub.Broker = (*Broker)(nil)

// New returns a broker that is up.
func New() *Broker {
	return &Broker{since: time.Now(), seed: maphash.MakeSeed()}
}

// Publish hands payload to the topic's receivers before it returns. It takes the payload over: the
// caller must not change it afterwards. It does not wait, and of ctx it takes the trace alone.
func (b *Broker) Publish(ctx context.Context, topic string, payload []byte) error {
	if err := pubsub.ValidName(topic); err != nil {
		return err
	}
	if b.closed.Load() != nil {
		return pubsub.ErrClosed
	}
	lane := &b.order[maphash.String(b.seed, topic)%lanes]
	lane.Lock()
	defer lane.Unlock()
	now := time.Now()
	b.table.Deliver(&pubsub.Event{
		Topic: topic, Payload: payload, Published: now, Received: now, Trace: pubsub.TraceFrom(ctx),
	})
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
	seat, _ := b.table.Add(topic, r)
	if b.closed.Load() != nil { // looked at last: Close clears the table after it has set closed
		seat.Remove()
		return nil, pubsub.ErrClosed
	}
	return subscription{seat}, nil
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
type subscription struct{ seat *fanout.Seat }

// Close implements pubsub.Subscription.
func (s subscription) Close() { s.seat.Remove() }

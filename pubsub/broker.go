// Package pubsub carries events between nodes: topics, events and the Broker that moves them.
//
// It promises order per topic and at most once delivery to every receiver of a node. It knows
// neither GraphQL nor HTTP, and starts no goroutine; the implementations in memory and redis do.
package pubsub

import (
	"context"
	"errors"
	"time"
)

// Errors of every broker, tested with errors.Is.
var (
	// ErrClosed reports a call on a broker after Close.
	ErrClosed = errors.New("pubsub: broker closed")
	// ErrUnavailable reports that the broker cannot be reached; trying again later may help.
	ErrUnavailable = errors.New("pubsub: broker unavailable")
)

// A Receiver takes the events of a subscription.
//
// Receive is called in topic order, by one goroutine at a time per topic (for a pattern: possibly
// by several at once). It must return at once: no I/O, no waiting, no call into the broker.
type Receiver interface {
	Receive(*Event)
}

// A Broker moves events between publishers and receivers. It is safe for concurrent use.
type Broker interface {
	// Publish sends payload to everyone subscribed to topic, on every node. It fails rather than
	// waits when the broker is away: ErrUnavailable, ErrClosed, or a *TopicError for a bad name.
	// The event may have arrived all the same. The caller must not change payload afterwards.
	Publish(ctx context.Context, topic string, payload []byte) error

	// Subscribe hands every later event of topic to r, until the Subscription is closed. topic is
	// a name or a pattern (see ValidPattern). Subscribe returns when the broker has confirmed: an
	// event published after that is received, and r may get events even before it returns. It
	// fails with ErrUnavailable, ErrClosed, a *TopicError, or ctx's error; then r gets no more.
	// Subscriptions of one topic share the broker's own.
	Subscribe(ctx context.Context, topic string, r Receiver) (Subscription, error)

	// Health says whether events flow now. It answers at once, from what is known.
	Health() Health

	// Close ends every subscription and waits for the broker's goroutines. It may be called twice.
	Close() error
}

// A Subscription is one receiver on one topic.
type Subscription interface {
	// Close stops the delivery. An event that is being handed over may still arrive. It does not
	// wait and may be called twice.
	Close()
}

// Health is a broker's state at one moment.
type Health struct {
	Up         bool
	Since      time.Time // when Up last changed
	Reason     string    // why it is not up; empty when it is
	Reconnects uint64    // connections re-made since the start
}

// Package pubsub carries events between nodes: topics, events and the Broker that moves them.
//
// It promises order per topic, and at most once delivery to every receiver of a node. Of a replayable topic
// a receiver gets every event after its position exactly once, or is told that it cannot. The package
// knows neither GraphQL nor HTTP, and starts no goroutine; the implementation in redis does.
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
	// The event may have arrived all the same. The caller must not change payload afterwards. On a
	// replayable topic nil means that the event is in the log; see also WithIdempotencyKey.
	Publish(ctx context.Context, topic string, payload []byte) error

	// Subscribe hands every later event of topic to r, until the Subscription is closed. topic is
	// a name or a pattern (see ValidPattern). Subscribe returns when the broker has confirmed: an
	// event published after that is received, and r may get events even before it returns. It
	// fails with ErrUnavailable, ErrClosed, a *TopicError, or ctx's error; then r gets no more.
	// Subscriptions of one topic share the broker's own.
	Subscribe(ctx context.Context, topic string, r Receiver) (Subscription, error)

	// Read returns what the log of a replayable topic has after a position, the oldest first and most
	// events at most; fewer when they are large. Past.Top says whether there are more. A *GapError says
	// that the log does not join the position, which may be the zero one, and Past.Top comes with it.
	// ErrUnavailable says that nobody can tell now. An ephemeral topic, and a pattern, has no log: that
	// is a *TopicError.
	Read(ctx context.Context, topic string, after Position, most int) (Past, error)

	// Health says whether events flow now. It answers at once, from what is known.
	Health() Health

	// Close ends every subscription and waits for the broker's goroutines. It may be called twice.
	Close() error
}

// A Subscription is one receiver on one topic.
type Subscription interface {
	// Position is where the log of a replayable topic was: the receiver is handed every event after it,
	// once and in order, whatever happens to the broker's connections; or else an event whose Gap says
	// that this could not be. It is zero for an ephemeral topic, and for a pattern.
	Position() Position
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

package redis

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/sluice-gateway/sluice/internal/redisconn"
	"github.com/sluice-gateway/sluice/pubsub"
	"github.com/sluice-gateway/sluice/pubsub/internal/fanout"
)

// A Broker is a pubsub.Broker over Redis. It is safe for concurrent use.
type Broker struct {
	options Options
	table   fanout.Table
	monitor *monitor
	layout  layout
	probes  string // how the probe channels of this broker, and of no other, begin

	publishing convoys // of events that are kept

	followers followers
	known     known         // what it has published
	left      known         // what it has followed, and does not any more
	reading   chan struct{} // holds one for each log that is being read

	stop    context.CancelFunc
	stopped <-chan struct{} // closed when Close begins
	running sync.WaitGroup
	closing sync.Once
	closed  error // what closing the client returned
}

var _ pubsub.Broker = (*Broker)(nil)

// A layout knows which link carries a topic, and how to publish.
type layout interface {
	// await returns a waiter for topic, nil if it is subscribed already, and whom it waits for.
	await(topic string) (waiter, *part)
	// gate returns that of the server which has the topic's log; nil: none has, as far as is known.
	gate(topic string) *gate
	// links returns every link that may carry a topic.
	links() []*link
	publish(ctx context.Context, topic string, message []byte) error
	// eval runs a script, which may have been done when it fails.
	eval(ctx context.Context, c call) *goredis.Cmd
	// command is what publishes in a script, and forward then sends the message wherever else publish does.
	command() string
	forward(ctx context.Context, topic string, message func() []byte) error
	// run keeps the links running until ctx is done.
	run(ctx context.Context)
	close() error
}

// New returns a broker for the Redis at url, which may be
//
//	redis://[user:password@]host[:port][/db]
//	redis+sentinel://[user:password@]host[:port],…/master-name[/db][?sentinel_username=…&sentinel_password=…]
//	redis+cluster://[user:password@]host[:port],…
//
// or the same with rediss for TLS. It does not wait for Redis: Health says when the broker is up,
// and one that cannot be reached is tried until Close. The error is about url, and does not quote it.
func New(url string, o Options) (*Broker, error) {
	t, err := redisconn.Parse(url)
	if err != nil {
		return nil, err
	}
	o = o.withDefaults()
	if err := pubsub.ValidName("sluice.probe." + o.Node); err != nil {
		return nil, fmt.Errorf("redis: Options.Node: %w", err)
	}
	ctx, stop := context.WithCancel(context.Background())
	b := &Broker{
		options: o,
		monitor: newMonitor(o.Logger),
		// Two nodes of one name, or one that was restarted, must not hear each other's probes.
		probes:  "sluice.probe." + o.Node + "." + rand.Text()[:8] + ".",
		stop:    stop,
		stopped: ctx.Done(),
		reading: make(chan struct{}, readers),
	}
	b.publishing.deliver = deliver
	b.followers = followers{broker: b, byTopic: make(map[string]*follower)}
	if t.IsCluster() {
		b.layout = newClusterLayout(b, t)
	} else {
		b.layout = newFixedLayout(b, t)
	}
	b.running.Go(func() { b.layout.run(ctx) })
	return b, nil
}

// newLink returns a link that shares the broker's table and has a part in its health.
func (b *Broker) newLink(name string, g *gate, sharded bool) *link {
	return &link{
		gate:    g,
		options: b.options,
		table:   &b.table,
		ledger:  newLedger(b.table.Has, sharded),
		part:    b.monitor.add(name),
		replay:  &b.followers,
	}
}

// Publish sends payload once, behind an envelope, and returns when Redis has it. It is not tried
// again: when it fails with pubsub.ErrUnavailable the event may have arrived all the same, in a
// Cluster perhaps at the topic's own subscriptions and not at those of its pattern. The payload is
// not kept.
//
// On a replayable topic the event is appended to the log too, both or neither: one that Publish has
// returned nil for is in the log.
func (b *Broker) Publish(ctx context.Context, topic string, payload []byte) error {
	if err := pubsub.ValidName(topic); err != nil {
		return err
	}
	if b.isClosed() {
		return pubsub.ErrClosed
	}
	kept := b.options.retention(topic)
	if !kept.IsZero() && len(pubsub.IdempotencyKeyFrom(ctx)) > pubsub.MaxIdempotencyKey {
		return fmt.Errorf("publish %q: %w", topic, pubsub.ErrIdempotencyKey)
	}
	attempt, cancel := context.WithTimeout(ctx, b.options.PublishTimeout)
	defer cancel()
	begun := time.Now()
	var err error
	if kept.IsZero() {
		err = b.layout.publish(attempt, topic, pubsub.Seal(ctx, payload))
	} else {
		err = b.publishKept(attempt, topic, payload, kept)
	}
	b.options.observe(ctx, "publish", begun, err)
	return b.failed(ctx, "publish", topic, err)
}

// Subscribe seats r and returns when Redis has confirmed; r may get events a little earlier. While
// Redis is away it waits, as Options.SubscribeTimeout and Options.DownAfter say, and then fails with
// pubsub.ErrUnavailable. A topic that the ACL forbids is ErrUnavailable too, with Redis' own words.
// A replayable name waits, as long once more, until its log has been read.
func (b *Broker) Subscribe(ctx context.Context, topic string, r pubsub.Receiver) (pubsub.Subscription, error) {
	if err := pubsub.ValidPattern(topic); err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, fmt.Errorf("subscribe %q: %w", topic, context.Cause(ctx))
	}
	if !pubsub.IsPattern(topic) && !b.options.retention(topic).IsZero() {
		return b.follow(ctx, topic, r)
	}
	s := &subscription{broker: b}
	s.seat, _ = b.table.Add(topic, r)
	err := b.confirm(ctx, topic)
	if b.isClosed() { // whatever came of it; looked at after Add, for Close clears the table
		err = pubsub.ErrClosed
	}
	if err == nil {
		return s, nil
	}
	s.Close()
	if errors.Is(err, pubsub.ErrClosed) {
		return nil, err
	}
	return nil, fmt.Errorf("subscribe %q: %w", topic, err)
}

// confirm returns when Redis has confirmed the subscription of topic, at which somebody sits.
func (b *Broker) confirm(ctx context.Context, topic string) error {
	waits, on := b.layout.await(topic)
	err := b.wait(ctx, waits, on)
	if err != nil && waits != nil {
		for _, l := range b.layout.links() { // it may have moved since
			l.ledger.giveUp(topic, waits)
		}
	}
	return err
}

// wait returns when the waiter has its answer, or when waiting has become pointless.
func (b *Broker) wait(ctx context.Context, w waiter, on *part) error {
	if w == nil {
		return nil
	}
	patience := b.options.DownAfter
	length, reason, proven := on.down()
	if !proven {
		patience = b.options.SubscribeTimeout
	}
	if length > patience {
		return fmt.Errorf("%w: %s", pubsub.ErrUnavailable, reason)
	}
	timer := time.NewTimer(b.options.SubscribeTimeout)
	defer timer.Stop()
	select {
	case err := <-w:
		if err != nil {
			return fmt.Errorf("%w: %w", pubsub.ErrUnavailable, err)
		}
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-b.stopped:
		return pubsub.ErrClosed
	case <-timer.C:
		if _, reason, _ := on.down(); reason != "" {
			return fmt.Errorf("%w: %s", pubsub.ErrUnavailable, reason)
		}
		return fmt.Errorf("%w: redis has not confirmed within %v", pubsub.ErrUnavailable, b.options.SubscribeTimeout)
	}
}

// Unretained returns how many messages have come by the channels of replayable names that no log has:
// others have published them without publish.lua. They are handed on, without a position; those that
// claim a position which the log does not know are not.
func (b *Broker) Unretained() uint64 { return b.followers.strays.Load() }

// Health says whether every connection is subscribed and proven by a probe. Its Reason names the
// server that is not and what went wrong.
func (b *Broker) Health() pubsub.Health { return b.monitor.health() }

// Close ends every subscription, fails every Subscribe that waits, and waits for the goroutines.
func (b *Broker) Close() error {
	b.closing.Do(func() {
		b.monitor.end()
		b.stop()
		b.followers.close()
		b.table.Clear()
		b.running.Wait()
		b.closed = b.layout.close()
	})
	return b.closed
}

func (b *Broker) isClosed() bool {
	select {
	case <-b.stopped:
		return true
	default:
		return false
	}
}

// A subscription is one receiver's seat in the broker's table.
type subscription struct {
	broker *Broker
	seat   *fanout.Seat
}

// Position implements pubsub.Subscription.
func (s *subscription) Position() pubsub.Position { return pubsub.Position{} }

// Close implements pubsub.Subscription. The last one of a topic has Redis unsubscribed.
func (s *subscription) Close() {
	if s.seat.Remove() {
		s.broker.review(s.seat.Topic())
	}
}

// review has Redis unsubscribed from topic when nobody sits there any more.
func (b *Broker) review(topic string) {
	for _, l := range b.layout.links() {
		l.ledger.review(topic)
	}
}

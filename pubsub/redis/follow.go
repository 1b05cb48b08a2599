package redis

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluice-gateway/sluice/pubsub"
	"github.com/sluice-gateway/sluice/pubsub/internal/fanout"
	"github.com/sluice-gateway/sluice/pubsub/internal/tail"
)

// Followers are the replayable names that somebody on this node is subscribed to. Each has a tail, which
// sits in the broker's table in the place of all of its receivers; they sit in a table of their own.
type followers struct {
	broker  *Broker
	table   fanout.Table
	strays  atomic.Uint64
	warned  atomic.Int64 // when a log last told that logs cannot be read
	mu      sync.RWMutex // guards what follows; a tail's lock comes before it
	byTopic map[string]*follower
	closed  bool
}

// A follower is what its tail reads.
type follower struct {
	of    *followers
	topic string
	tail  *tail.Tail
	seat  *fanout.Seat
	stop  context.CancelFunc
	users int // guarded by the followers' lock

	trouble atomic.Pointer[error] // why the log was not read the last time
}

// enter returns the topic's follower, whom the caller has to leave.
func (s *followers) enter(topic string) *follower {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.byTopic[topic]
	if f == nil {
		f = &follower{of: s, topic: topic}
		var life context.Context
		life, f.stop = context.WithCancel(context.Background())
		f.tail = tail.New(topic, tail.Hooks{
			Hand:  func(e *pubsub.Event) { s.table.DeliverTo(topic, e) },
			Start: func() { s.run(life, f) },
			Stray: func() { s.strays.Add(1) },
		})
		if s.closed {
			f.stop()
			f.tail.End()
		}
		f.seat, _ = s.broker.table.Add(topic, f.tail)
		s.byTopic[topic] = f
	}
	f.users++
	return f
}

// run lets the tail read. Its goroutine is the broker's.
func (s *followers) run(ctx context.Context, f *follower) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if !s.closed { // or Close may be waiting already
		s.broker.running.Go(func() { f.tail.Run(ctx, f) })
	}
}

// leave ends the following with the last one who leaves.
func (s *followers) leave(f *follower) {
	if top := f.tail.Top(); !top.IsZero() {
		s.broker.left.note(f.topic, top, s.broker.options.retention(f.topic).For)
	}
	s.mu.Lock()
	f.users--
	last := f.users == 0
	if last {
		delete(s.byTopic, f.topic)
		f.stop()
		f.seat.Remove()
	}
	s.mu.Unlock()
	if last {
		s.broker.review(f.topic)
	}
}

// has reports whether topic is followed.
func (s *followers) has(topic string) bool { return s.at(topic) != nil }

func (s *followers) at(topic string) *follower {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.byTopic[topic]
}

// confirmed says that messages of topic come from now on.
func (s *followers) confirmed(topic string) {
	if f := s.at(topic); f != nil {
		f.tail.Confirmed()
	}
}

// top is where the sequence of a topic is that is followed; zero: it is not, or not yet.
func (s *followers) top(topic string) pubsub.Position {
	if f := s.at(topic); f != nil {
		return f.tail.Top()
	}
	return pubsub.Position{}
}

// compare has a follower read its log who is in another one: somebody has seen that it began anew.
func (s *followers) compare(topic string, top pubsub.Position) {
	f := s.at(topic)
	if f == nil || top.IsZero() {
		return
	}
	if at := f.tail.Top(); !at.IsZero() && at.Epoch != top.Epoch {
		f.tail.Confirmed()
	}
}

// topics are those that are followed.
func (s *followers) topics() []string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return slices.Collect(maps.Keys(s.byTopic))
}

// close ends all following.
func (s *followers) close() {
	s.mu.Lock()
	s.closed = true
	all := make([]*follower, 0, len(s.byTopic))
	for _, f := range s.byTopic {
		all = append(all, f)
	}
	s.mu.Unlock()
	for _, f := range all {
		f.stop()
		f.tail.End()
	}
	s.table.Clear()
}

// Start implements tail.Log.
func (f *follower) Start(ctx context.Context, topic string) (top pubsub.Position, err error) {
	return top, f.read(ctx, func() error {
		top, err = f.of.broker.start(ctx, topic)
		return err
	})
}

// Read implements tail.Log.
func (f *follower) Read(ctx context.Context, topic string, after pubsub.Position, most int) (past pubsub.Past, err error) {
	return past, f.read(ctx, func() error {
		past, err = f.of.broker.read(ctx, topic, after, most)
		return err
	})
}

// read waits for its turn. One that fails keeps its place for a moment, so that however many topics cannot be
// read, Redis is asked rarely.
func (f *follower) read(ctx context.Context, read func() error) error {
	return f.of.broker.inTurn(ctx, f.topic, func() error {
		err := read()
		if err == nil || isGap(err) {
			f.trouble.Store(nil)
			return err
		}
		if ctx.Err() == nil {
			f.trouble.Store(&err)
			f.of.warn(f.topic, err)
			pause(ctx, minBackoff)
		}
		return err
	})
}

// Pause implements tail.Log.
func (f *follower) Pause(ctx context.Context, failures int) { pause(ctx, backoff(failures)) }

// warn logs that a log cannot be read, a line in ten seconds.
func (s *followers) warn(topic string, err error) {
	now, before := time.Now().Unix(), s.warned.Load()
	if now-before >= 10 && s.warned.CompareAndSwap(before, now) {
		s.broker.options.Logger.Warn("redis log cannot be read, trying again", "topic", topic, "error", err)
	}
}

// follow subscribes r to a replayable name.
func (b *Broker) follow(ctx context.Context, topic string, r pubsub.Receiver) (pubsub.Subscription, error) {
	m := &member{follower: b.followers.enter(topic)}
	err := b.confirm(ctx, topic)
	if err == nil {
		m.follower.tail.Begun()
		err = m.join(ctx, r)
	}
	if b.isClosed() {
		err = pubsub.ErrClosed
	}
	if err == nil {
		return m, nil
	}
	m.Close()
	if errors.Is(err, pubsub.ErrClosed) {
		return nil, err
	}
	return nil, fmt.Errorf("subscribe %q: %w", topic, err)
}

// A member is a receiver of a replayable name.
type member struct {
	follower *follower
	seat     *fanout.Seat
	at       pubsub.Position
	left     atomic.Bool
}

// join waits until the log is read.
func (m *member) join(ctx context.Context, r pubsub.Receiver) error {
	f := m.follower
	patience := f.of.broker.options.SubscribeTimeout
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err := f.tail.Join(limited, func(at pubsub.Position) {
		m.seat, _ = f.of.table.Add(f.topic, r)
		m.at = at
	})
	switch trouble := f.trouble.Load(); {
	case err == nil:
		return nil
	case errors.Is(err, tail.ErrEnded):
		return pubsub.ErrClosed
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case trouble != nil:
		return fmt.Errorf("%w: %w", pubsub.ErrUnavailable, *trouble)
	}
	return fmt.Errorf("%w: the log was not read within %v", pubsub.ErrUnavailable, patience)
}

// Position implements pubsub.Subscription.
func (m *member) Position() pubsub.Position { return m.at }

// Close implements pubsub.Subscription. The last one of a topic ends its tail.
func (m *member) Close() {
	if m.left.Swap(true) {
		return
	}
	if m.seat != nil {
		m.seat.Remove()
	}
	m.follower.of.leave(m.follower)
}

package redis

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/sluice-gateway/sluice/pubsub"
	"github.com/sluice-gateway/sluice/pubsub/internal/fanout"
)

const (
	minBackoff = 100 * time.Millisecond
	maxBackoff = 5 * time.Second
	// stable is how long a connection must have delivered for the next one to be tried at once: one that
	// fails as soon as it is up is no success.
	stable = time.Second
)

var (
	errSilent = errors.New("the connection is silent: not even a probe arrives")
	errMoved  = errors.New("the slot of the probe has moved to another server")
)

// A server is where a link connects to.
type server interface {
	// open returns a PubSub of the server, not connected yet.
	open(ctx context.Context) *goredis.PubSub
	// probeChannel returns a channel of this connection alone, which the server serves.
	probeChannel(ctx context.Context) (string, error)
	publish(ctx context.Context, channel string, payload []byte) error
}

// A link is one connection that carries subscriptions, made again whenever it is lost.
type link struct {
	server  server
	options Options
	table   *fanout.Table
	ledger  *ledger
	part    *part
	gate    *gate
	up      atomic.Bool // the gate knows it as up
	replay  *followers
	// strays takes the topics that the link's server does not serve any more. Nil on a link that
	// keeps its topics whatever happens.
	strays func([]stray)
}

// run keeps the link connected until ctx is done. When it returns, nothing of it is running.
func (l *link) run(ctx context.Context) {
	failures := 0
	for {
		stood, err := l.serve(ctx)
		if l.strays != nil {
			l.strays(l.ledger.leave())
		} else {
			l.ledger.restart()
		}
		if ctx.Err() != nil {
			return
		}
		l.part.fall(err)
		switch {
		case stood > stable:
			failures = 0
		case stood > minBackoff: // a server that comes and goes
			failures /= 2
		}
		if !l.rest(ctx, backoff(failures)) {
			return
		}
		failures++
	}
}

// rest waits, but not long when another link to the server is up. It returns false when ctx is done.
func (l *link) rest(ctx context.Context, d time.Duration) bool {
	up, more := l.gate.another()
	if up {
		d = min(d, rand.N(stable))
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
	case <-more:
	}
	return true
}

// serve makes one connection and runs it until it fails. It returns how long it has delivered.
func (l *link) serve(ctx context.Context) (stood time.Duration, err error) {
	channel, err := l.server.probeChannel(ctx)
	if err != nil {
		return 0, err
	}
	ps := l.server.open(ctx)
	defer func() { _ = ps.Close() }() // for the second time, where the loops have done so
	// The one call that may make a connection; the pong is ignored.
	if err := ps.Ping(ctx); err != nil {
		return 0, err
	}
	ctx, stop := context.WithCancelCause(sealed(ctx))
	defer stop(nil)
	l.ledger.pin(channel)
	p := &prober{link: l, channel: channel, echoes: make(chan string, 1)}
	var loops sync.WaitGroup
	loops.Go(func() { stop(l.read(ctx, ps, p)) })
	loops.Go(func() { stop(l.write(ctx, ps)) })
	loops.Go(func() { stop(p.run(ctx)) })
	loops.Go(func() {
		<-ctx.Done()
		l.fell()
		_ = ps.Close() // frees a read that knows no context
	})
	loops.Wait()
	l.fell() // should a probe have come back meanwhile
	if !p.proven.IsZero() {
		stood = time.Since(p.proven)
	}
	return stood, context.Cause(ctx)
}

// rose notes that the connection has everything that is wanted, and delivers.
func (l *link) rose() {
	l.part.rise()
	if !l.up.Swap(true) {
		l.gate.rose()
	}
}

// fell shuts the gate at once, for the server may be another one already.
func (l *link) fell() {
	if l.up.Swap(false) {
		l.gate.fell()
	}
}

// write sends what the ledger has to say, whenever it has.
func (l *link) write(ctx context.Context, ps *goredis.PubSub) error {
	for {
		commands := l.ledger.next()
		for _, c := range commands {
			if err := send(ctx, ps, c); err != nil {
				return err
			}
		}
		if len(commands) > 0 {
			continue
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-l.ledger.wake:
		}
	}
}

func send(ctx context.Context, ps *goredis.PubSub, c command) error {
	switch c.kind {
	case subscribe:
		return ps.Subscribe(ctx, c.topics...)
	case unsubscribe:
		return ps.Unsubscribe(ctx, c.topics...)
	case psubscribe:
		return ps.PSubscribe(ctx, c.topics...)
	case punsubscribe:
		return ps.PUnsubscribe(ctx, c.topics...)
	case ssubscribe:
		return ps.SSubscribe(ctx, c.topics...)
	case sunsubscribe:
		return ps.SUnsubscribe(ctx, c.topics...)
	}
	return fmt.Errorf("no such command: %s", c.kind)
}

// read takes everything that Redis sends, without ever waiting for anyone: Redis cuts off a
// subscriber that it cannot write to. See the client-output-buffer-limit of Redis.
func (l *link) read(ctx context.Context, ps *goredis.PubSub, p *prober) error {
	for {
		reply, err := ps.ReceiveTimeout(ctx, l.options.silence())
		var refusal goredis.Error // the answer to a command, not trouble with the connection
		if errors.As(err, &refusal) {
			err = l.refused(refusal)
		}
		if isTimeout(err) {
			return errSilent
		}
		if err != nil {
			return err
		}
		switch reply := reply.(type) {
		case *goredis.Message:
			if reply.Channel == p.channel {
				p.echo(reply.Payload)
				continue
			}
			l.deliver(reply)
		case *goredis.Subscription:
			if err := l.confirmed(reply, p); err != nil {
				return err
			}
		}
	}
}

func (l *link) refused(reason error) error {
	strays, err := l.ledger.refuse(reason)
	if len(strays) > 0 {
		l.strays(strays)
	}
	return err
}

func (l *link) confirmed(reply *goredis.Subscription, p *prober) error {
	if reply.Kind == subscribe || reply.Kind == ssubscribe {
		l.replay.confirmed(reply.Channel) // before whoever waits is told, who would begin it all the same
	}
	dropped, ok := l.ledger.confirm(reply.Kind, reply.Channel)
	switch {
	case !ok:
		return fmt.Errorf("unexpected %s of %q", reply.Kind, reply.Channel)
	case dropped == nil:
		return nil
	case dropped.topic == p.channel:
		return errMoved
	}
	l.strays([]stray{*dropped})
	return nil
}

// deliver hands a message on. Exact subscriptions get it from their channel and patterns from
// theirs, so a receiver of both gets it once from each.
func (l *link) deliver(m *goredis.Message) {
	at, topic, message := m.Channel, m.Channel, m.Payload
	switch {
	case m.Pattern != "":
		at = m.Pattern
		if !pubsub.Match(at, topic) {
			return // Redis' * matches dots as well
		}
	case pubsub.IsPattern(at): // a Cluster's sharded channel
		var ok bool
		topic, message, ok = strings.Cut(m.Payload, " ")
		if !ok || !pubsub.Match(at, topic) {
			l.options.Logger.Debug("redis message without its topic", "channel", at)
			return
		}
	}
	e := pubsub.Unseal(topic, message, time.Now())
	follows := at == topic && l.replay.has(topic)
	switch {
	case e.Position.IsZero() || follows:
	case e.Position.Offset == 0 && len(e.Payload) == 0:
		return // it tells followers that the log has begun anew: see compare.lua
	case at == topic:
		e.Position = pubsub.Position{} // an ephemeral topic has none, whatever somebody writes
	}
	l.table.DeliverTo(at, e)
}

// backoff is a random time below a limit that doubles with every failure (full jitter), so that the
// nodes of a fleet do not come back all at once.
func backoff(failures int) time.Duration {
	limit := maxBackoff
	if failures < 6 {
		limit = min(limit, minBackoff<<failures)
	}
	return rand.N(limit)
}

// pause waits for d. It returns false when ctx ended the wait.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

func isTimeout(err error) bool {
	var timeout interface{ Timeout() bool }
	return errors.As(err, &timeout) && timeout.Timeout()
}

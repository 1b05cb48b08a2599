package redis

import (
	"context"
	"fmt"
	"hash/maphash"
	"sync"

	goredis "github.com/redis/go-redis/v9"

	"github.com/sluice-gateway/sluice/internal/redisconn"
)

// A fixedLayout spreads topics by hash over a fixed number of links to one Redis, which may be
// whatever the sentinels call the master.
type fixedLayout struct {
	broker *Broker
	client *goredis.Client
	all    []*link
	door   *gate
	seed   maphash.Seed
}

func newFixedLayout(b *Broker, t redisconn.Target) *fixedLayout {
	f := &fixedLayout{
		broker: b,
		client: t.Client(clientOptions(t, b.options)),
		door:   newGate(),
		seed:   maphash.MakeSeed(),
	}
	for n := range b.options.Connections {
		l := b.newLink(t.String(), f.door, false)
		l.server = fixedServer{f.client, fmt.Sprint(b.probes, n)}
		f.all = append(f.all, l)
	}
	return f
}

func (f *fixedLayout) await(topic string) (waiter, *part) {
	l := f.all[maphash.String(f.seed, topic)%uint64(len(f.all))]
	return l.ledger.await(topic), l.part
}

func (f *fixedLayout) gate(string) *gate { return f.door }

func (f *fixedLayout) links() []*link { return f.all }

func (f *fixedLayout) publish(ctx context.Context, topic string, message []byte) error {
	return f.client.Publish(ctx, topic, message).Err()
}

func (f *fixedLayout) eval(ctx context.Context, c call) *goredis.Cmd {
	return c.script.Run(ctx, f.client, c.keys, c.args...)
}

func (f *fixedLayout) command() string { return "PUBLISH" }

// forward has nothing to do: Redis matches patterns.
func (f *fixedLayout) forward(context.Context, string, func() []byte) error { return nil }

func (f *fixedLayout) run(ctx context.Context) {
	var running sync.WaitGroup
	for _, l := range f.all {
		running.Go(func() { l.run(ctx) })
	}
	running.Go(func() { f.guard(ctx) })
	running.Wait()
}

// guard opens the gate, if anything is kept, when the other nodes have compared what they know too.
func (f *fixedLayout) guard(ctx context.Context) {
	if f.broker.options.Retain == nil {
		return
	}
	roll := newRollCall(f.client, f.broker.options)
	compare := func(ctx context.Context) error { return f.broker.compare(ctx, f.door) }
	f.door.run(ctx, func(ctx context.Context) error { return roll.hold(ctx, compare) }, roll.beat, beatInterval)
}

func (f *fixedLayout) close() error { return f.client.Close() }

// A fixedServer is the one Redis, with the probe channel of one link.
type fixedServer struct {
	client *goredis.Client
	probe  string
}

func (s fixedServer) open(ctx context.Context) *goredis.PubSub { return s.client.Subscribe(ctx) }

func (s fixedServer) probeChannel(context.Context) (string, error) { return s.probe, nil }

func (s fixedServer) publish(ctx context.Context, channel string, payload []byte) error {
	return s.client.Publish(ctx, channel, payload).Err()
}

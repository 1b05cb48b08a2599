package redis

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/sluice-gateway/sluice/internal/redisconn"
	"github.com/sluice-gateway/sluice/pubsub"
)

const (
	// topologyInterval is how often the layout asks who serves what when nothing has happened.
	topologyInterval = 10 * time.Second
	// settling is the pause before topics without a server are placed again: what moves one slot
	// usually moves more, and the servers need a moment to agree.
	settling = 100 * time.Millisecond
)

// A clusterLayout has one link to each master, which carries the sharded channels of its slots.
// Topics follow their slots: whatever a link loses becomes a stray, and run finds its new link.
type clusterLayout struct {
	broker   *Broker
	client   *goredis.ClusterClient
	topology *part         // up when the masters are known
	wake     chan struct{} // holds one: there are strays

	mu      sync.Mutex // guards what follows; a ledger's lock comes after it
	masters map[string]*master
	strays  []stray
}

// A master is a server of the Cluster that has a link.
type master struct {
	layout *clusterLayout
	addr   string
	client *goredis.Client // replaced with the topology; guarded by layout.mu
	link   *link
	stop   context.CancelFunc
}

func newClusterLayout(b *Broker, t redisconn.Target) *clusterLayout {
	options := clientOptions(t, b.options).Cluster()
	options.ClusterStateReloadInterval = clusterReload
	return &clusterLayout{
		broker:   b,
		client:   goredis.NewClusterClient(options),
		topology: b.monitor.add(t.String()),
		wake:     make(chan struct{}, 1),
		masters:  make(map[string]*master),
	}
}

func (c *clusterLayout) await(topic string) (waiter, *part) {
	addr := c.address(topic)
	c.mu.Lock()
	if m := c.masters[addr]; m != nil {
		defer c.mu.Unlock() // or the link could give its topics away before it gets this one
		return m.link.ledger.await(topic), m.link.part
	}
	c.mu.Unlock()
	w := make(waiter, 1)
	c.lose([]stray{{topic, &entry{waiters: []waiter{w}}}})
	return w, c.topology
}

func (c *clusterLayout) gate(topic string) *gate {
	addr := c.address(topic)
	c.mu.Lock()
	defer c.mu.Unlock()
	if m := c.masters[addr]; m != nil {
		return m.link.gate
	}
	return nil
}

func (c *clusterLayout) links() []*link {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := make([]*link, 0, len(c.masters))
	for _, m := range c.masters {
		all = append(all, m.link)
	}
	return all
}

// publish sends the message to its topic's channel, and to that of its pattern.
func (c *clusterLayout) publish(ctx context.Context, topic string, message []byte) error {
	if err := c.send(ctx, topic, message); err != nil {
		return err
	}
	return c.forward(ctx, topic, func() []byte { return message })
}

// forward sends the message to the channel of its topic's pattern.
func (c *clusterLayout) forward(ctx context.Context, topic string, message func() []byte) error {
	pattern := pubsub.PatternOf(topic)
	if pattern == "" {
		return nil
	}
	return c.send(ctx, pattern, slices.Concat([]byte(topic+" "), message()))
}

// send publishes to one sharded channel.
func (c *clusterLayout) send(ctx context.Context, channel string, message []byte) error {
	return c.at(ctx, channel, func(client *goredis.Client) error {
		return client.SPublish(ctx, channel, message).Err()
	})
}

func (c *clusterLayout) eval(ctx context.Context, do call) *goredis.Cmd {
	answer := goredis.NewCmd(ctx)
	err := c.at(ctx, do.topic, func(client *goredis.Client) error {
		answer = do.script.Run(ctx, client, do.keys, do.args...)
		return answer.Err()
	})
	answer.SetErr(err)
	return answer
}

func (c *clusterLayout) command() string { return "SPUBLISH" }

// at calls try with the master of a channel's slot. MOVED means that the server has done nothing, so
// trying the right one is still a single attempt; any other failure is final, see Broker.Publish.
func (c *clusterLayout) at(ctx context.Context, channel string, try func(*goredis.Client) error) error {
	for {
		client, err := c.client.MasterForKey(ctx, channel)
		if err != nil {
			return err
		}
		err = try(client)
		if err == nil || !isMoved(err) {
			return err
		}
		if !pause(ctx, settling) {
			return err
		}
		if _, err := c.load(ctx); err != nil {
			return err
		}
	}
}

// run keeps one link for each master and every topic with the link of its slot.
func (c *clusterLayout) run(ctx context.Context) {
	var running sync.WaitGroup
	defer running.Wait()
	failures := 0
	for ctx.Err() == nil {
		err := c.follow(ctx, &running)
		wait := topologyInterval
		if err != nil {
			c.topology.fall(err)
			wait = backoff(failures)
			failures++
		} else {
			c.topology.rise()
			c.place()
			failures = 0
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-timer.C:
		case <-c.wake:
			pause(ctx, settling)
		}
		timer.Stop()
	}
}

// follow asks the Cluster for its masters, starts the links that are missing and stops those that
// are too many.
func (c *clusterLayout) follow(ctx context.Context, running *sync.WaitGroup) error {
	clients, err := c.load(ctx)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for addr, m := range c.masters {
		if clients[addr] == nil {
			m.stop()
			delete(c.masters, addr)
		}
	}
	for addr, client := range clients {
		if m := c.masters[addr]; m != nil {
			m.client = client
			continue
		}
		m := &master{layout: c, addr: addr, client: client}
		door := newGate()
		m.link = c.broker.newLink(addr, door, true)
		m.link.server = m
		m.link.strays = c.lose
		c.masters[addr] = m
		var life context.Context
		life, m.stop = context.WithCancel(ctx)
		running.Go(func() {
			defer m.stop()
			defer m.link.part.remove()
			m.link.run(life)
		})
		running.Go(func() { c.guard(life, door) })
	}
	return nil
}

// guard opens a master's gate, if anything is kept. Masters do not know who else had compared their logs.
func (c *clusterLayout) guard(ctx context.Context, door *gate) {
	if c.broker.options.Retain == nil {
		return
	}
	compare := func(ctx context.Context) error { return c.broker.compare(ctx, door) }
	door.run(ctx, compare, func(context.Context) {}, topologyInterval)
}

// load has go-redis read the topology anew and returns the masters by address.
func (c *clusterLayout) load(ctx context.Context) (map[string]*goredis.Client, error) {
	var mu sync.Mutex // go-redis calls back from several goroutines
	clients := make(map[string]*goredis.Client)
	err := c.client.ForEachMaster(ctx, func(_ context.Context, client *goredis.Client) error {
		mu.Lock()
		defer mu.Unlock()
		clients[client.Options().Addr] = client
		return nil
	})
	if err == nil && len(clients) == 0 {
		err = errors.New("the cluster has no master")
	}
	return clients, err
}

// lose takes topics that no link carries.
func (c *clusterLayout) lose(strays []stray) {
	c.mu.Lock()
	c.strays = append(c.strays, strays...)
	c.mu.Unlock()
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// place gives every stray to the link of its slot. One that is not wanted any more goes too: the
// ledger drops it.
func (c *clusterLayout) place() {
	c.mu.Lock()
	strays := c.strays
	c.strays = nil
	c.mu.Unlock()
	var homeless []stray
	for _, s := range strays {
		addr := c.address(s.topic)
		c.mu.Lock()
		if m := c.masters[addr]; m != nil {
			m.link.ledger.adopt(s) // under the lock for the same reason as in await
		} else {
			homeless = append(homeless, s)
		}
		c.mu.Unlock()
	}
	if len(homeless) > 0 {
		c.lose(homeless)
	}
}

// address returns where key's slot is served, as far as is known, or "".
func (c *clusterLayout) address(key string) string {
	c.mu.Lock()
	known := len(c.masters) > 0
	c.mu.Unlock()
	if !known {
		return "" // or MasterForKey would ask the network
	}
	client, err := c.client.MasterForKey(context.Background(), key)
	if err != nil {
		return ""
	}
	return client.Options().Addr
}

func (c *clusterLayout) close() error { return c.client.Close() }

func (m *master) open(ctx context.Context) *goredis.PubSub {
	m.layout.mu.Lock()
	client := m.client
	m.layout.mu.Unlock()
	return client.SSubscribe(ctx)
}

// probeChannel tries names until one has a slot of this master. With n masters that takes n tries on
// average; one with a single slot among 16384 is given up, and tried again later.
func (m *master) probeChannel(context.Context) (string, error) {
	for n := range 200_000 {
		channel := fmt.Sprint(m.layout.broker.probes, n)
		if m.layout.address(channel) == m.addr {
			return channel, nil
		}
	}
	return "", errors.New("the server serves no slot")
}

func (m *master) publish(ctx context.Context, channel string, payload []byte) error {
	return m.layout.send(ctx, channel, payload)
}

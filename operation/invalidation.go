package operation

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluice-gateway/sluice/live"
	"github.com/sluice-gateway/sluice/policy"
	"github.com/sluice-gateway/sluice/pubsub"
)

const (
	// liveTopic is where nodes tell each other what has changed. No subscription of a schema and no
	// publisher may name it.
	liveTopic = "_sluice.live"
	// invalidatedKeys is how many keys one message has at most.
	invalidatedKeys = 1000
	// earLook is how often the broker is asked whether it was away, and subscribed again where that
	// failed.
	earLook = time.Second
	// earPatience is how long subscribing may take, and telling the other nodes.
	earPatience = 5 * time.Second
)

// An invalidation is a message of liveTopic.
type invalidation struct {
	Node string   `json:"node"` // that has sent it, which need not be told
	Keys []string `json:"keys"`
}

// Invalidate says that what some keys name has changed: live queries whose results were made from it run
// again, on every node. Keys are "Product:42", an object; "Product:*", all of a type; "Product", which
// objects of a type there are, and their order; "Query.product" and `Query.product({"id":"42"})`, what a
// root field gives; "*", everything. The error says that other nodes may not have heard of it: they find out when they
// reconcile.
func (e *Engine) Invalidate(ctx context.Context, keys ...string) error {
	e.invalidateHere(keys)
	for len(keys) > 0 {
		n := min(len(keys), invalidatedKeys)
		payload, err := json.Marshal(invalidation{Node: e.ear.node, Keys: keys[:n]})
		if err != nil {
			return fmt.Errorf("encode the keys: %w", err)
		}
		if err := e.broker.Publish(ctx, liveTopic, payload); err != nil {
			return fmt.Errorf("tell the other nodes what has changed: %w", err)
		}
		keys = keys[n:]
	}
	return nil
}

// everything is the key of what cannot be named.
const everything = "*"

// invalidateHere tells the live queries of this node.
func (e *Engine) invalidateHere(keys []string) {
	if slices.Contains(keys, everything) {
		e.live.InvalidateAll()
		return
	}
	e.live.Invalidate(keys...)
}

// tell says what a mutation has changed, before its caller has the result. It may be called twice.
func (c *changes) tell(ctx context.Context) {
	keys := c.keys()
	if c.done || len(keys) == 0 {
		return
	}
	c.done = true
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), earPatience)
	defer cancel()
	if err := c.engine.Invalidate(ctx, keys...); err != nil {
		c.engine.trouble.Warn(c.engine.options.Log, "live queries of other nodes were not told of a change, and find out later", "error", err)
	}
}

// An ear hears what has changed: from other nodes, and by the events of topics that tell of changes. It
// listens from the first live query on, and owns one goroutine then, until close.
type ear struct {
	engine *Engine
	node   string
	stop   context.CancelFunc
	ctx    context.Context

	hears   atomic.Bool // every topic that tells of changes
	once    sync.Once
	running sync.WaitGroup
}

func newEar(e *Engine) *ear {
	a := &ear{engine: e, node: rand.Text()}
	a.ctx, a.stop = context.WithCancel(context.Background())
	return a
}

// open has the ear listen.
func (a *ear) open() { a.once.Do(func() { a.running.Go(a.run) }) }

// close stops it. It may be called twice.
func (a *ear) close() {
	a.once.Do(func() {}) // it does not begin any more
	a.stop()
	a.running.Wait()
}

// run keeps the subscriptions. What may have been missed before, or while the broker was away, is
// made anew.
func (a *ear) run() {
	var subs []pubsub.Subscription
	defer func() {
		for _, s := range subs {
			s.Close()
		}
	}()
	look := time.NewTicker(earLook)
	defer look.Stop()
	var heard uint64 // the reconnects of the broker up to when everything was made anew
	for complete := false; ; {
		health := a.engine.broker.Health()
		if !complete {
			subs, complete = a.subscribe(subs)
			if complete {
				a.hears.Store(true)
				heard = health.Reconnects
				a.engine.live.InvalidateAll()
			}
		} else if health.Up && health.Reconnects != heard {
			heard = health.Reconnects
			a.engine.live.InvalidateAll()
		}
		select {
		case <-look.C:
		case <-a.ctx.Done():
			return
		}
	}
}

// subscribe adds the subscriptions that are missing, and reports whether there are all.
func (a *ear) subscribe(have []pubsub.Subscription) ([]pubsub.Subscription, bool) {
	topics := a.topics()
	for _, t := range topics[len(have):] {
		ctx, cancel := context.WithTimeout(a.ctx, earPatience)
		sub, err := a.engine.broker.Subscribe(ctx, t.topic, t.to)
		cancel()
		if err != nil {
			a.engine.trouble.Warn(a.engine.options.Log, "live queries do not hear of changes, and find out later", "topic", t.topic, "error", err)
			return have, false
		}
		have = append(have, sub)
	}
	return have, true
}

// heardTopic is a topic that an ear listens to.
type heardTopic struct {
	topic string
	to    pubsub.Receiver
}

func (a *ear) topics() []heardTopic {
	topics := []heardTopic{{liveTopic, nodes{a}}}
	for _, announced := range a.engine.announcements {
		topics = append(topics, heardTopic{announced.Pattern, &announcer{a.engine, announced.Keys}})
	}
	return topics
}

// nodes receives what other nodes say.
type nodes struct{ *ear }

// Receive implements pubsub.Receiver.
func (n nodes) Receive(e *pubsub.Event) {
	var message invalidation
	if json.Unmarshal(e.Payload, &message) == nil && message.Node != n.node && len(message.Keys) <= invalidatedKeys {
		n.engine.invalidateHere(message.Keys)
	}
}

// announced are the keys that an event of a topic tells of.
func (e *Engine) announced(topic string, members map[string]any) (keys []string) {
	for _, a := range e.announcements {
		if pubsub.Match(a.Pattern, topic) {
			for _, key := range a.Keys {
				keys = append(keys, key.Keys(members)...)
			}
		}
	}
	return keys
}

// An announcer receives the events of one topic, or pattern, that tell of changes.
type announcer struct {
	engine *Engine
	keys   []policy.KeyTemplate
}

// Receive implements pubsub.Receiver. A payload that is no object changes nothing that could be named.
func (a *announcer) Receive(e *pubsub.Event) {
	if a.engine.live.Empty() {
		return
	}
	members, err := membersOf(e.Payload)
	if err != nil {
		return
	}
	var keys []string
	for _, key := range a.keys {
		keys = append(keys, key.Keys(members)...)
	}
	a.engine.invalidateHere(keys)
}

// joinLive makes an operation a member of a group.
func (e *Engine) joinLive(key live.Key, spec func() live.Spec, op *Operation) (*live.Membership, error) {
	e.ear.open()
	return e.live.Join(key, spec, liveMember{op, time.Now()}, op.live.patched)
}

// LiveStats are the counts of the live queries.
func (e *Engine) LiveStats() live.Stats { return e.live.Stats() }

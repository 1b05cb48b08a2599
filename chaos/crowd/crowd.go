// Package crowd is many applications: subscribers that keep their cursors and come back to any gateway, over
// WebSocket, SSE or multipart, and publishers that send each event until it is acknowledged. All of them write down what happens.
//
// A Crowd owns its goroutines: when Close returns none of them runs. Its methods are for one goroutine;
// Progress may be called by any.
package crowd

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluice-gateway/sluice/chaos/check"
	"github.com/sluice-gateway/sluice/chaos/panics"
)

// Options are who comes and what they do. All fields are needed, but where 0 is said to mean something.
type Options struct {
	Gateways    []string // host:port of each
	Key         string   // of the publishers: it has the scope publish for stock.*
	Topics      int      // stock.1 and on
	Subscribers int      // spread evenly over the topics
	Mix         Mix      // what they connect by
	Publishers  int      // two for each topic, or one if there is only one
	Rate        float64  // events a second, of all publishers together
	Dawdlers    int      // every so many subscribers one reads slowly at times; 0: nobody
	Seed        uint64
	Ephemeral   bool // nothing is kept of the topics: events have no idempotency keys
}

// A Crowd is all of them.
type Crowd struct {
	options     Options
	subscribers []*subscriber
	publishers  []*publisher
	client      *http.Client
	loaded      atomic.Bool  // publishing has begun
	torn        atomic.Int64 // how many of the next events are to have resolvers panic

	publishing, reading sync.WaitGroup
	stopPublishing      context.CancelFunc
	stopReading         context.CancelFunc

	mu    sync.Mutex // guards codes
	codes map[string]int
}

// Enter has everybody subscribe, and go on until Close.
func Enter(o Options) *Crowd {
	c := &Crowd{options: o, codes: make(map[string]int), stopPublishing: func() {}}
	c.client = &http.Client{Timeout: publishTimeout, Transport: &http.Transport{MaxIdleConnsPerHost: o.Publishers}}
	ctx, cancel := context.WithCancel(context.Background())
	c.stopReading = cancel
	for i, transport := range o.Mix.deal(o.Subscribers, c.rng(1<<33)) {
		s := newSubscriber(c, i, transport)
		c.subscribers = append(c.subscribers, s)
		c.reading.Go(func() { s.run(ctx) })
	}
	for i := range o.Publishers {
		c.publishers = append(c.publishers, newPublisher(c, i))
	}
	return c
}

// Publish begins the load. Everybody must have subscribed: whoever has not is taken to have come later.
func (c *Crowd) Publish() {
	c.loaded.Store(true)
	ctx, cancel := context.WithCancel(context.Background())
	c.stopPublishing = cancel
	for _, p := range c.publishers {
		c.publishing.Go(func() { p.run(ctx) })
	}
}

// Provoke has resolvers panic by the next events, so many of them.
func (c *Crowd) Provoke(events int) { c.torn.Store(int64(events)) }

// provoked takes one of what Provoke has asked for, and says which panic it is to be; 0: none.
func (c *Crowd) provoked() int {
	switch n := c.torn.Add(-1); {
	case n < 0:
		return 0
	case n%2 == 0:
		return panics.OfField
	default:
		return panics.OfExecution
	}
}

// Finish ends the load, as soon as what is on its way is acknowledged, and then publishes one event more in
// each lane, of which nobody may miss any. Everybody must have subscribed.
func (c *Crowd) Finish(ctx context.Context) {
	c.stopPublishing()
	c.publishing.Wait()
	for _, p := range c.publishers {
		c.publishing.Go(func() { p.close(ctx) })
	}
	c.publishing.Wait()
}

// Close has everybody go. It may be called twice.
func (c *Crowd) Close() {
	c.stopPublishing()
	for _, p := range c.publishers {
		p.giveUp()
	}
	c.publishing.Wait()
	c.stopReading()
	c.reading.Wait()
	c.client.CloseIdleConnections()
}

// History is what everybody has written down. It is complete after Close.
func (c *Crowd) History() (h check.History) {
	for _, p := range c.publishers {
		h.Published = append(h.Published, p.log()...)
	}
	for _, s := range c.subscribers {
		h.Clients = append(h.Clients, check.Client{Name: s.name, Topic: s.topic, Transport: s.transport, Entries: s.diary.all(), Stayed: true})
	}
	return h
}

// note counts an answer that is no result.
func (c *Crowd) note(code string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.codes[code]++
}

func topicOf(product int) string { return fmt.Sprintf("stock.%d", product) }

// rng is a source of its own for each of a crowd.
func (c *Crowd) rng(who uint64) *rand.Rand { return rand.New(rand.NewPCG(c.options.Seed, who)) }

// wait returns false when the context was over first.
func wait(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

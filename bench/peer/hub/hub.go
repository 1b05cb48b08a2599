// Package hub shares one Redis subscription per topic between all subscribers of this process.
//
// All topics travel over one go-redis PubSub connection. A subscriber gets a channel of raw
// payloads; one that does not keep up loses messages rather than holding up the others.
// A Hub is safe for concurrent use.
package hub

import (
	"context"
	"fmt"
	"sync"

	"github.com/redis/go-redis/v9"
)

// held is how many payloads wait for one subscriber before some are dropped.
const held = 64

// A Hub fans Redis messages out to subscribers.
type Hub struct {
	ps *redis.PubSub

	mu     sync.RWMutex // guards topics
	topics map[string]map[chan string]struct{}
}

// New starts a hub on one connection of rdb. It runs until ctx ends.
func New(ctx context.Context, rdb *redis.Client) *Hub {
	h := &Hub{ps: rdb.Subscribe(ctx), topics: make(map[string]map[chan string]struct{})}
	go h.run(ctx)
	return h
}

func (h *Hub) run(ctx context.Context) {
	defer h.ps.Close()
	messages := h.ps.Channel(redis.WithChannelSize(1024))
	for {
		select {
		case <-ctx.Done():
			return
		case m, ok := <-messages:
			if !ok {
				return
			}
			h.deliver(m)
		}
	}
}

func (h *Hub) deliver(m *redis.Message) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	for c := range h.topics[m.Channel] {
		select {
		case c <- m.Payload:
		default: // a slow subscriber: bench/loadgen sees and reports the gap
		}
	}
}

// Subscribe gives the payloads published on topics until stop is called. stop must be called once.
func (h *Hub) Subscribe(ctx context.Context, topics ...string) (payloads <-chan string, stop func(), err error) {
	c := make(chan string, held)
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, topic := range topics {
		if h.topics[topic] == nil {
			if err := h.ps.Subscribe(ctx, topic); err != nil {
				h.dropLocked(c, topics)
				return nil, nil, fmt.Errorf("hub: subscribe %q: %w", topic, err)
			}
			h.topics[topic] = make(map[chan string]struct{})
		}
		h.topics[topic][c] = struct{}{}
	}
	return c, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.dropLocked(c, topics)
	}, nil
}

func (h *Hub) dropLocked(c chan string, topics []string) {
	for _, topic := range topics {
		subscribers := h.topics[topic]
		delete(subscribers, c)
		if subscribers != nil && len(subscribers) == 0 {
			delete(h.topics, topic)
			_ = h.ps.Unsubscribe(context.Background(), topic) // a lost connection forgets it anyway
		}
	}
}

package crowd

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/sluice-gateway/sluice/chaos/check"
)

const (
	publishTimeout = 2 * time.Second
	// despair is how long an event is tried: within it, gateways remember its key.
	despair = 4 * time.Minute
)

// A publisher publishes to several topics, one event after another, each until it is acknowledged.
type publisher struct {
	*Crowd
	*rand.Rand
	name   int
	lanes  []*lane
	ending context.Context // over when the crowd goes: it ends what would be tried for minutes
	giveUp context.CancelFunc
}

// A lane is the publisher's part of one topic.
type lane struct {
	topic, product string
	mu             sync.Mutex // guards all
	all            []check.Publish
}

func newPublisher(c *Crowd, name int) *publisher {
	p := &publisher{Crowd: c, Rand: c.rng(uint64(1<<32 + name)), name: name}
	p.ending, p.giveUp = context.WithCancel(context.Background())
	for product := 1; product <= c.options.Topics; product++ {
		if of := c.options.Publishers; product%of == name || (product+1)%of == name {
			p.lanes = append(p.lanes, &lane{topic: topicOf(product), product: fmt.Sprint(product)})
		}
	}
	return p
}

// run publishes at its pace until the context is over.
func (p *publisher) run(ctx context.Context) {
	pace := time.NewTicker(time.Duration(float64(time.Second) * float64(p.options.Publishers) / p.options.Rate))
	defer pace.Stop()
	for {
		for _, l := range p.lanes {
			select {
			case <-ctx.Done():
				return
			case <-pace.C:
				p.publish(p.ending, l, false)
			}
		}
	}
}

// close publishes the last event of each lane.
func (p *publisher) close(ctx context.Context) {
	for _, l := range p.lanes {
		p.publish(ctx, l, true)
	}
}

func (p *publisher) publish(ctx context.Context, l *lane, closing bool) {
	ctx, cancel := context.WithTimeout(ctx, despair)
	defer cancel()
	event := check.Publish{ID: check.ID{Lane: p.name, Number: l.next()}, Topic: l.topic, Closing: closing}
	body := p.payload(l, event.ID, !closing)
	for pause := 20 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		event.Tries++
		event.Acknowledged = p.send(ctx, l, event.ID, body)
		if event.Acknowledged || !wait(ctx, pause/2+p.jitter(pause)) {
			break
		}
	}
	event.At = time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, event)
}

func (p *publisher) jitter(d time.Duration) time.Duration { return time.Duration(p.Int64N(int64(d))) }

// payload is an event, by which resolvers may panic now and then.
func (p *publisher) payload(l *lane, id check.ID, provoking bool) []byte {
	body := fmt.Appendf(nil, `{"productId":%q,"stock":%d,"revision":%d,"changedAt":"2026-11-21T10:00:00Z"`, l.product, id.Lane, id.Number)
	if provoking {
		if which := p.provoked(); which != 0 {
			body = fmt.Appendf(body, `,"previousStock":%d`, which)
		}
	}
	return append(body, '}')
}

// send tries once, at any gateway. The same event has the same key each time.
func (p *publisher) send(ctx context.Context, l *lane, id check.ID, body []byte) bool {
	gateway := p.options.Gateways[p.IntN(len(p.options.Gateways))]
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+gateway+"/publish/"+l.topic, bytes.NewReader(body))
	if err != nil {
		return false
	}
	r.GetBody = nil // or net/http would send it again by itself, uncounted, for it has an Idempotency-Key
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+p.options.Key)
	if !p.options.Ephemeral {
		r.Header.Set("Idempotency-Key", fmt.Sprintf("%x-%s-%d-%d", p.options.Seed, l.topic, id.Lane, id.Number))
	}
	answer, err := p.client.Do(r)
	if err != nil {
		return false
	}
	_ = answer.Body.Close()
	if answer.StatusCode != http.StatusNoContent {
		p.note(fmt.Sprintf("publish %d", answer.StatusCode))
	}
	return answer.StatusCode == http.StatusNoContent
}

func (l *lane) next() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.all) + 1
}

// acknowledged returns how many events are, and the last of them.
func (l *lane) acknowledged() (n int, last check.ID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, p := range l.all {
		if p.Acknowledged {
			n, last = n+1, p.ID
		}
	}
	return n, last
}

// log is what was published, lane by lane.
func (p *publisher) log() (all []check.Publish) {
	for _, l := range p.lanes {
		l.mu.Lock()
		all = append(all, l.all...)
		l.mu.Unlock()
	}
	return all
}

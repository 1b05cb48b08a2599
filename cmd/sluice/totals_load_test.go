package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluice-gateway/sluice/internal/redistest"
)

// behind is how many events a customer who reads may be behind while more is published: less than what the
// gateway keeps for a session, or this machine would decide who is slow.
const behind = 64

// A pressure publishes, on changing nodes, as fast as those who read can take it.
type pressure struct {
	crowd  *crowd
	nodes  []*process
	client *http.Client
	turn   atomic.Uint64
	dead   atomic.Bool // the doomed node is
	ctx    context.Context
	end    context.CancelFunc
	busy   sync.WaitGroup

	mu        sync.Mutex // guards what follows
	published map[string]int64
	changes   int // mutations that were answered
	failures  int // and that were not: the database is away
}

func newPressure(c *crowd, nodes []*process) *pressure {
	l := &pressure{crowd: c, nodes: nodes, published: make(map[string]int64), client: &http.Client{Timeout: 10 * time.Second}}
	l.ctx, l.end = context.WithCancel(context.Background())
	c.load = l
	return l
}

// begin starts to publish, until end.
func (l *pressure) begin() {
	for _, publish := range []func(int){l.prices, l.stock, l.orders, l.shop} {
		l.busy.Go(func() {
			for i := 0; l.ctx.Err() == nil; i++ {
				publish(i)
			}
		})
	}
}

// stop returns when nothing is published any more.
func (l *pressure) stop() {
	l.end()
	l.busy.Wait()
	l.client.CloseIdleConnections()
}

func (l *pressure) count(topic string) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.published[topic]
}

// String says what was published.
func (l *pressure) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return fmt.Sprintf("published %v, %d changes, %d of them failed", l.published, l.changes+l.failures, l.failures)
}

const changedAt = "2026-11-21T10:00:00Z"

// prices is one of many rounds. Of those who have a quota few events are published while the doomed node
// lives, so that it runs out afterwards.
func (l *pressure) prices(round int) {
	for i := range 32 {
		l.publish("price.1", price("1", fmt.Sprint(round, ".", i)))
	}
	for range 4 {
		l.publish("price.3", price("3", strings.Repeat("n", bigNote)))
	}
	few := 1
	if l.dead.Load() {
		few = 32
	}
	for i := range few {
		if l.dead.Load() || l.spent() < dayQuota*6/10 {
			l.publish("price.2", price("2", fmt.Sprint(round, ".", i)))
		}
	}
	l.keepUp("price.1")
	l.keepUp("price.2")
}

func price(product, note string) string {
	return fmt.Sprintf(`{"productId":"%s","price":"9.99","currency":"EUR","revision":9,"note":"%s","changedAt":"%s"}`, product, note, changedAt)
}

// spent is what those with a quota have had.
func (l *pressure) spent() (n int64) {
	for _, c := range l.crowd.all {
		if c.consumer == metered && c.operation == watchPrices {
			n += c.got.Load()
		}
	}
	return n
}

func (l *pressure) stock(round int) {
	for i := range 4 {
		l.publish("stock.1", fmt.Sprintf(`{"productId":"1","stock":%d,"revision":9,"changedAt":"%s"}`, round%1000+i, changedAt))
	}
	l.keepUp("stock.1")
	if round > 200 { // at first they come faster than some may have them
		l.keepPace("stock.1", 4)
	}
}

func (l *pressure) orders(round int) {
	for _, consumer := range crowdConsumers {
		l.publish("order."+consumer, fmt.Sprintf(`{"orderId":"%d","customer":"%s","status":"PACKED","changedAt":"%s"}`, round, consumer, changedAt))
	}
	l.keepUp("order." + gold)
	l.keepPace("order."+gold, 8)
}

// shop changes what stands in the database, by a mutation: it has events, and live queries have new results.
func (l *pressure) shop(round int) {
	p := l.node()
	query := fmt.Sprintf(`{"query":"mutation { restock(productId: \"%d\", quantity: 1) { stock } }"}`, 1+round%5)
	_, text, err := l.send(p.public+"/graphql", query)
	l.mu.Lock()
	if err == nil && strings.Contains(text, `"stock"`) {
		l.changes++
	} else {
		l.failures++
	}
	rounds := int64(l.changes + l.failures)
	l.mu.Unlock()
	l.await(func() bool { return l.count("price.1") >= 8*rounds })
}

// keepPace lets one topic have an event for so many of the prices.
func (l *pressure) keepPace(topic string, share int64) {
	l.await(func() bool { return l.count(topic)*share <= l.count("price.1") })
}

// keepUp waits until those who read have had what was published.
func (l *pressure) keepUp(topic string) {
	l.await(func() bool {
		published := l.count(topic)
		for _, c := range l.crowd.all {
			if c.topic == topic && c.follows() && c.got.Load() < published-behind {
				return false
			}
		}
		return true
	})
}

// follows reports whether a customer reads everything at once.
func (c *customer) follows() bool {
	dead := c.at == doomed && isClosed(c.crowd.killed)
	held := c.consumer == paced && c.operation == watchStock
	return !dead && !held && !c.restive && c.consumer != slow && c.consumer != rude && !c.ended.Load()
}

func (l *pressure) await(holds func() bool) {
	err := redistest.Poll(time.Minute, func() error {
		if l.ctx.Err() == nil && !holds() {
			return fmt.Errorf("customers who read are behind")
		}
		return nil
	})
	if err != nil {
		l.crowd.t.Error(err)
		l.end()
	}
}

// node is whose turn it is.
func (l *pressure) node() *process {
	n := uint64(len(l.nodes))
	if l.dead.Load() {
		n--
	}
	return l.nodes[l.turn.Add(1)%n]
}

// tries are those of one event. A connection that was opened in advance and on which nothing was sent, the
// gateway closes after a while, perhaps in the moment in which the client uses it.
const tries = 3

// publish is done with an event when a node has taken it. The one that is killed may not say so.
func (l *pressure) publish(topic, payload string) {
	p := l.node()
	status, text, err := 0, "", error(nil)
	for range tries {
		if status, text, err = l.send(p.operator+"/publish/"+topic, payload); err == nil {
			break
		}
	}
	switch {
	case status == http.StatusNoContent:
		l.mu.Lock()
		l.published[topic]++
		l.mu.Unlock()
	case l.ctx.Err() == nil && (p != l.nodes[doomed] || !isClosed(l.crowd.killed)):
		l.crowd.t.Errorf("publishing %s: %d, %s, %v", topic, status, text, err)
		l.end()
	}
}

func (l *pressure) send(url, body string) (status int, text string, err error) {
	r, err := http.NewRequestWithContext(l.ctx, http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+adminKey)
	answer, err := l.client.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = answer.Body.Close() }()
	b, err := io.ReadAll(answer.Body)
	return answer.StatusCode, string(b), err
}

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/internal/redistest"
)

// A cell is what is counted for itself.
type cell struct{ consumer, operation string }

// A customer is one client: of one consumer, with one operation, over one transport, on one node.
type customer struct {
	cell
	crowd   *crowd
	at      int // the index of its node
	node    *process
	way     string
	restive bool   // it comes and goes
	topic   string // that feeds its operation; empty: none

	conn  *net.TCPConn // of whoever reads
	again bool         // and was told to try again
	got   atomic.Int64 // results
	ended atomic.Bool  // it will have no more

	mu    sync.Mutex // guards what follows
	why   string     // it has ended: a code, or what ended its connection
	times []time.Time
}

// The crowd is all clients: each consumer has each operation over each transport on each node, and once
// more in the hands of somebody restive.
type crowd struct {
	t      *testing.T
	client *http.Client // for what is asked beside a stream
	all    []*customer
	load   *pressure

	awake   chan struct{} // closed when those who have stopped to read read on
	still   chan struct{} // closed when some read no more
	closing chan struct{} // closed before the nodes that live are ended
	killed  chan struct{} // closed before the last node is
	over    chan struct{} // closed when nothing is published any more
	reading sync.WaitGroup
}

// doomed is the index of the node that will be killed.
const doomed = 2

func newCrowd(t *testing.T, nodes []*process) *crowd {
	c := &crowd{
		t: t, client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 50}},
		awake: make(chan struct{}), still: make(chan struct{}), closing: make(chan struct{}), killed: make(chan struct{}), over: make(chan struct{}),
	}
	ways := []string{"websocket", "sse", "multipart", "single"}
	for at, node := range nodes {
		for _, consumer := range crowdConsumers {
			for i, operation := range crowdOperations {
				for j := range len(ways) + 1 {
					made := &customer{
						cell: cell{consumer, operation}, crowd: c, at: at, node: node,
						way: ways[j%len(ways)], restive: j == len(ways), topic: topicOf(consumer, operation),
					}
					if made.restive {
						made.way = ways[(at+i)%len(ways)]
					}
					c.all = append(c.all, made)
				}
			}
		}
	}
	return c
}

// productOf is the product whose price a consumer watches.
func productOf(consumer string) string {
	switch consumer {
	case metered:
		return "2"
	case rude:
		return "3"
	}
	return "1"
}

func topicOf(consumer, operation string) string {
	switch operation {
	case watchPrices:
		return "price." + productOf(consumer)
	case watchStock:
		return "stock.1"
	case watchOrders:
		return "order." + consumer
	}
	return ""
}

func (c *customer) variables() map[string]any {
	switch c.operation {
	case watchPrices:
		return map[string]any{"ids": []string{productOf(c.consumer)}}
	case watchStock:
		return map[string]any{"id": "1"}
	case watchShelf:
		if c.consumer == slow {
			return map[string]any{"first": 100}
		}
		return map[string]any{"first": 5}
	}
	return nil
}

// enter has everybody come.
func (c *crowd) enter() {
	for _, one := range c.all {
		c.reading.Go(one.live)
	}
}

// live visits the node, and again after it has left, until there is no reason to.
func (c *customer) live() {
	defer c.ended.Store(true)
	for !c.done() {
		conn, err := c.dial()
		if err == nil {
			c.conn = conn
			err = visits[c.way](c)
			_ = conn.Close()
		}
		again := c.restive || c.consumer == rude || c.again
		c.again = false
		if !again || c.isOver() {
			c.note(fmt.Sprint(err))
			return
		}
	}
}

// done reports whether the customer will not come back.
func (c *customer) done() bool {
	if c.at == doomed && isClosed(c.crowd.killed) {
		return true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.why != "" || isClosed(c.crowd.closing)
}

// isOver reports whether whoever breaks off stays away from now on.
func (c *customer) isOver() bool { return c.consumer == rude && isClosed(c.crowd.over) }

func isClosed(c chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// note remembers why a customer has ended, the first reason it had.
func (c *customer) note(why string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.why == "" {
		c.why = why
	}
}

// refused takes the errors that have ended an operation.
func (c *customer) refused(errs []byte) {
	var list []struct {
		Message    string
		Extensions struct{ Code string }
	}
	if err := json.Unmarshal(errs, &list); err != nil || len(list) == 0 {
		c.note(fmt.Sprintf("errors that cannot be read: %.100q", errs))
		return
	}
	switch code := list[0].Extensions.Code; code {
	case "DRAINING":
	case "BUDGET_UNAVAILABLE": // the machine is so busy that the counter has not answered in time
		c.again = true
		_ = c.conn.Close()
	default:
		c.ended.Store(true)
		c.note(code)
	}
}

// whyNot says why a customer has had nothing, once it has ended; empty: it has had something, or may yet.
func (c *customer) whyNot() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.why == "" || c.got.Load() > 0 {
		return ""
	}
	return fmt.Sprintf("%v at %d by %s: %s", c.cell, c.at, c.way, c.why)
}

// take counts a result, and says what the customer does then. An answer without data is no result: it
// says why there are none any more.
func (c *customer) take(result []byte) act {
	if !bytes.HasPrefix(result, []byte(`{"data":`)) {
		var r struct{ Data, Errors json.RawMessage }
		if err := json.Unmarshal(result, &r); err != nil || r.Data == nil {
			c.refused(r.Errors)
			return readOn
		}
	}
	n := c.got.Add(1)
	if c.at == doomed {
		c.mu.Lock()
		c.times = append(c.times, time.Now())
		c.mu.Unlock()
	}
	return c.behave(n)
}

// patience is how many results a customer takes before it does something.
var patience = map[string]int64{watchPrices: 150, watchStock: 100, watchOrders: 30, watchShelf: 5}

func (c *customer) behave(n int64) act {
	switch {
	case isClosed(c.crowd.over):
		return readOn
	case c.fallsStill() && isClosed(c.crowd.still):
		return fallStill
	case n%patience[c.operation] != 0:
		return readOn
	case c.consumer == rude:
		return breakOff
	case c.restive:
		return leave
	case c.consumer == slow && c.operation == watchShelf:
		<-c.crowd.awake
	case c.consumer == slow:
		c.dawdle()
	}
	return readOn
}

// fallsStill reports whether the customer reads nothing any more when it is time.
func (c *customer) fallsStill() bool {
	return c.consumer == rude && c.way == "websocket" && c.operation == watchPrices && !c.restive
}

// dawdle reads nothing until much more has been published: less than what the gateway keeps for a session.
func (c *customer) dawdle() {
	const much = 100
	from := c.crowd.load.count(c.topic)
	_ = redistest.Poll(time.Minute, func() error {
		if isClosed(c.crowd.over) || c.crowd.load.count(c.topic) >= from+much {
			return nil
		}
		return fmt.Errorf("it is %d", from)
	})
}

// awaitEnd returns when nothing is published any more.
func (c *crowd) awaitEnd() { <-c.over }

// before is how many results the customer had at a moment.
func (c *customer) before(at time.Time) (n int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, t := range c.times {
		if t.After(at) {
			break
		}
		n++
	}
	return n
}

// sum adds up what customers say whom pick picks.
func (c *crowd) sum(pick func(*customer) bool, say func(*customer) int64) map[cell]int64 {
	sums := make(map[cell]int64)
	for _, one := range c.all {
		if pick(one) {
			sums[one.cell] += say(one)
		}
	}
	return sums
}

func got(c *customer) int64        { return c.got.Load() }
func onDoomed(c *customer) bool    { return c.at == doomed }
func notOnDoomed(c *customer) bool { return c.at != doomed }

package operation_test

import (
	"fmt"
	"math"
	"sync"
	"testing"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/sluice-gateway/sluice/internal/outbox"
	"github.com/sluice-gateway/sluice/limits"
	"github.com/sluice-gateway/sluice/operation"
)

// plain is a framer like that of a WebSocket: three parts, one after the other.
type plain struct{}

func (plain) AppendFrame(dst, head, body, tail []byte) []byte {
	return append(append(append(dst, head...), body...), tail...)
}

// idle is a writer that waits for the test to take.
type idle struct{ outbox.Turn }

func (*idle) Ready()        {}
func (*idle) Urge(int) bool { return false }

// stalled is a writer whose peer does not read.
type stalled struct{ outbox.Turn }

func (*stalled) Ready() {}

// A queue is a sink with a real outbox, as every transport has.
type queue struct {
	outbox.Stream
	box      *outbox.Outbox
	received *sync.WaitGroup
	op       *operation.Operation
}

func (q *queue) Next(e outbox.Event) bool {
	defer q.received.Done()
	return q.box.Offer(&q.Stream, e) == outbox.Queued
}
func (q *queue) End(gqlerror.List) {}

// Disconnect lets the member go, as a session does when it ends.
func (q *queue) Disconnect(operation.Ending) { q.op.Stop() }

// A crowd is the members of one group.
type crowd struct {
	*bench
	query    string
	first    *sink
	queues   []*queue
	received sync.WaitGroup
	limits   outbox.Limits
	frames   []byte
}

// gather makes members of one group, which subscribe to a field.
func gather(t testing.TB, field string, members int) *crowd {
	return gatherWith(t, operation.Options{}, field, members)
}

func gatherWith(t testing.TB, options operation.Options, field string, members int) *crowd {
	options.Callers = operation.CallerLimits{Requests: limits.UnlimitedRate, Operations: math.MaxInt}
	c := &crowd{
		bench:  newBench(t, options),
		query:  `subscription { ` + field + `(rooms:["1"]) { room text } }`,
		limits: outbox.Limits{Events: 256, Bytes: 1 << 20},
		frames: make([]byte, 0, 1<<10),
	}
	_, c.first = c.subscribe(alice, c.query, "")
	c.started()
	for range members {
		c.queues = append(c.queues, c.join(new(idle)))
	}
	return c
}

func (c *crowd) join(w outbox.Writer) *queue {
	q := &queue{box: outbox.New(plain{}, &c.limits, w), received: &c.received}
	q.Head, q.Tail = []byte(`{"id":"1","type":"next","payload":`), []byte("}")
	q.op = c.prepare(alice, c.query, "")
	q.op.Configure(q.box, &q.Stream)
	q.op.Run(c.t.Context(), q)
	c.t.Cleanup(q.op.Stop)
	return q
}

// stall adds a member that never reads, and has the outbox filled that it has.
func (c *crowd) stall() {
	w := new(stalled)
	w.Begin()
	var received sync.WaitGroup
	received.Add(1 << 30) // nobody waits for it
	q := c.join(w)
	q.received = &received
	eventually(c.t, "its write has waited long enough", w.Slow)
	for range 2 * c.limits.Events {
		c.publish()
	}
}

// publish publishes one event, waits until each has it in its outbox, and empties the outboxes.
func (c *crowd) publish() {
	c.received.Add(len(c.queues))
	if err := c.broker.Publish(c.t.Context(), "room.1", payload); err != nil {
		c.t.Fatal(err)
	}
	c.received.Wait()
	<-c.first.results
	for _, q := range c.queues {
		c.frames, _ = q.box.Take(c.frames[:0], 1<<20)
		if len(c.frames) == 0 {
			c.t.Fatal("a member has nothing in its outbox")
		}
		_, _ = q.box.Take(c.frames[:0], 1<<20)
	}
}

var payload = []byte(message("1", "hello"))

func BenchmarkFanOut(b *testing.B) {
	for _, members := range []int{1, 100, 10_000} {
		b.Run(fmt.Sprint(members), func(b *testing.B) {
			c := gather(b, "message", members)
			c.measure(b)
		})
	}
}

// BenchmarkStalled is what 999 members pay for one more that does not read, by what its field says of
// slow readers.
func BenchmarkStalled(b *testing.B) {
	for _, field := range []string{"message", "recent", "latest"} {
		for _, stalled := range []int{0, 1} {
			b.Run(fmt.Sprintf("%s/%d", field, stalled), func(b *testing.B) {
				c := gather(b, field, 999)
				for range stalled {
					c.stall()
				}
				c.measure(b)
			})
		}
	}
}

func (c *crowd) measure(b *testing.B) {
	c.publish()
	b.ReportAllocs()
	for b.Loop() {
		c.publish()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(c.queues)), "ns/delivery")
}

package operation_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/sluice-gateway/sluice/internal/outbox"
	"github.com/sluice-gateway/sluice/operation"
)

// plain is a framer like that of a WebSocket: three parts, one after the other.
type plain struct{}

func (plain) AppendFrame(dst, head, body, tail []byte) []byte {
	return append(append(append(dst, head...), body...), tail...)
}

// idle is a writer that waits for the test to take.
type idle struct{}

func (idle) Ready()        {}
func (idle) Urge(int) bool { return false }

// A queue is a sink with a real outbox, as every transport has.
type queue struct {
	outbox.Stream
	box      *outbox.Outbox
	received *sync.WaitGroup
}

func (q *queue) Next(result []byte) bool {
	defer q.received.Done()
	return q.box.Offer(&q.Stream, result) == outbox.Queued
}
func (q *queue) End(gqlerror.List)           {}
func (q *queue) Disconnect(operation.Ending) {}

// fanOut makes members of one group and returns what publishes one event, waits until each has it
// in its outbox, and empties the outboxes.
func fanOut(t testing.TB, members int) (publish func()) {
	b := newBench(t, operation.Options{})
	var received sync.WaitGroup
	limits := &outbox.Limits{Events: 256, Bytes: 1 << 20}
	queues := make([]*queue, members)
	_, first := b.subscribe(alice, `subscription { message(rooms:["1"]) { room text } }`, "")
	b.started()
	for i := range queues {
		q := &queue{box: outbox.New(plain{}, limits, idle{}), received: &received}
		q.Head, q.Tail = []byte(`{"id":"1","type":"next","payload":`), []byte("}")
		op := b.prepare(alice, `subscription { message(rooms:["1"]) { room text } }`, "")
		op.Run(t.Context(), q)
		t.Cleanup(op.Stop)
		queues[i] = q
	}
	payload := []byte(message("1", "hello"))
	frames := make([]byte, 0, 1<<10)
	return func() {
		received.Add(members)
		if err := b.broker.Publish(t.Context(), "room.1", payload); err != nil {
			t.Fatal(err)
		}
		received.Wait()
		<-first.results
		for _, q := range queues {
			frames, _ = q.box.Take(frames[:0], 1<<20)
			if len(frames) == 0 {
				t.Fatal("a member has nothing in its outbox")
			}
			_, _ = q.box.Take(frames[:0], 1<<20)
		}
	}
}

func BenchmarkFanOut(b *testing.B) {
	for _, members := range []int{1, 100, 10_000} {
		b.Run(fmt.Sprint(members), func(b *testing.B) {
			publish := fanOut(b, members)
			b.ReportAllocs()
			for b.Loop() {
				publish()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(members), "ns/delivery")
		})
	}
}

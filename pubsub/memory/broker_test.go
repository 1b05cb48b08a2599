package memory_test

import (
	"fmt"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"

	"github.com/sluice-gateway/sluice/pubsub"
	"github.com/sluice-gateway/sluice/pubsub/memory"
	"github.com/sluice-gateway/sluice/pubsub/pubsubtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestContract(t *testing.T) {
	pubsubtest.Run(t, func(t *testing.T) (a, b pubsub.Broker) {
		broker := open(t)
		return broker, broker
	})
}

func TestContractWithALog(t *testing.T) {
	newBroker := func(t *testing.T) (a, b pubsub.Broker) {
		broker := memory.NewWith(memory.Options{Retain: pubsubtest.Retain})
		t.Cleanup(func() { _ = broker.Close() })
		return broker, broker
	}
	pubsubtest.Run(t, newBroker)
	pubsubtest.RunLog(t, newBroker)
}

// open returns a broker that is closed with the test.
func open(t testing.TB) *memory.Broker {
	broker := memory.New()
	t.Cleanup(func() { _ = broker.Close() })
	return broker
}

func TestPublishReturnsWhenEveryReceiverHasTheEvent(t *testing.T) {
	b := open(t)
	var r pubsubtest.Recorder
	pubsubtest.Subscribe(t, b, "price.42", &r)
	pubsubtest.Publish(t, b, "price.42", "1")
	if !r.Has("1") {
		t.Error("Publish returned before the receiver had the event")
	}
}

func BenchmarkPublish(b *testing.B) {
	for _, receivers := range []int{0, 1, 100, 10_000} {
		b.Run(fmt.Sprintf("receivers=%d", receivers), func(b *testing.B) {
			broker := open(b)
			var c counter
			for range receivers {
				pubsubtest.Subscribe(b, broker, "price.42", &c)
			}
			payload := []byte(`{"amount":"9.90"}`)
			b.ReportAllocs()
			for b.Loop() {
				if err := broker.Publish(b.Context(), "price.42", payload); err != nil {
					b.Fatal(err)
				}
			}
			if got, want := c.n.Load(), int64(b.N)*int64(receivers); got < want {
				b.Fatalf("%d deliveries, want %d", got, want)
			}
		})
	}
}

// A counter is the cheapest receiver, so that the benchmark measures the broker.
type counter struct{ n atomic.Int64 }

func (c *counter) Receive(*pubsub.Event) { c.n.Add(1) }

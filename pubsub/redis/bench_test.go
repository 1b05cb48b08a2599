package redis_test

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/sluice-gateway/sluice/internal/redistest"
	"github.com/sluice-gateway/sluice/pubsub"
	. "github.com/sluice-gateway/sluice/pubsub/pubsubtest"
	"github.com/sluice-gateway/sluice/pubsub/redis"
)

// arrival hands each event to the benchmark.
type arrival chan *pubsub.Event

func (a arrival) Receive(e *pubsub.Event) { a <- e } // has room, see its users

// One event at a time, from Publish to Receive.
func BenchmarkRoundTrip(b *testing.B) {
	broker := open(b, redistest.Start(b).URL(), redis.Options{})
	UntilUp(b, broker)
	arrived := make(arrival, 1)
	Subscribe(b, broker, "price.42", arrived)
	payload := []byte(`{"amount":"9.90"}`)
	b.ReportAllocs()
	for b.Loop() {
		if err := broker.Publish(b.Context(), "price.42", payload); err != nil {
			b.Fatal(err)
		}
		<-arrived
	}
}

// Sixteen publishers at once; the clock stops when the last event has arrived.
func BenchmarkThroughput(b *testing.B) {
	broker := open(b, redistest.Start(b).URL(), redis.Options{})
	UntilUp(b, broker)
	arrived := make(arrival, b.N)
	Subscribe(b, broker, "price.42", arrived)
	payload := []byte(`{"amount":"9.90"}`)
	b.ReportAllocs()
	b.SetParallelism(8)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := broker.Publish(b.Context(), "price.42", payload); err != nil {
				b.Error(err)
			}
		}
	})
	for range b.N {
		<-arrived
	}
}

// Sixteen publishers at once, to an ephemeral topic and to a replayable one: also what Redis spends on an
// event, by its own account.
func BenchmarkPublish(b *testing.B) {
	for _, receivers := range []int{0, 2, 8} {
		for _, topic := range []string{"price.42", "log.42"} {
			b.Run(fmt.Sprintf("nodes=%d/%s", receivers, topic), func(b *testing.B) {
				server := redistest.Start(b)
				broker := open(b, server.URL(), redis.Options{Retain: Retain})
				for range receivers {
					node := open(b, server.URL(), redis.Options{Retain: Retain})
					UntilUp(b, node)
					Subscribe(b, node, topic, discard{})
				}
				payload := []byte(`{"amount":"9.90"}`)
				b.ReportAllocs()
				b.SetParallelism(8)
				begun := processorTime(b, server)
				b.ResetTimer()
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						if err := broker.Publish(b.Context(), topic, payload); err != nil {
							b.Error(err)
						}
					}
				})
				b.StopTimer()
				b.ReportMetric((processorTime(b, server)-begun)*1e6/float64(b.N), "redis-µs/op")
			})
		}
	}
}

type discard struct{}

func (discard) Receive(*pubsub.Event) {}

// processorTime is what the server has used, in seconds.
func processorTime(b *testing.B, server *redistest.Server) (seconds float64) {
	for line := range strings.Lines(server.Do("INFO", "cpu")) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		if name == "used_cpu_sys" || name == "used_cpu_user" {
			n, err := strconv.ParseFloat(value, 64)
			if err != nil {
				b.Fatal(err)
			}
			seconds += n
		}
	}
	return seconds
}

// 20,000 Subscribes at once, until the last is confirmed.
func BenchmarkSubscribe20000(b *testing.B) {
	for _, deployment := range []struct {
		name string
		url  func() string
	}{
		{"single", func() string { return redistest.Start(b).URL() }},
		{"cluster", func() string { return redistest.StartCluster(b, 3).URL() }},
	} {
		b.Run(deployment.name, func(b *testing.B) {
			broker := open(b, deployment.url(), redis.Options{})
			UntilUp(b, broker)
			var r Recorder
			for b.Loop() {
				subscriptions := make([]pubsub.Subscription, 20_000)
				var subscribing sync.WaitGroup
				for i := range subscriptions {
					subscribing.Go(func() {
						s, err := broker.Subscribe(b.Context(), fmt.Sprintf("many.%d", i), &r)
						if err != nil {
							b.Error(err)
							return
						}
						subscriptions[i] = s
					})
				}
				subscribing.Wait()
				b.StopTimer()
				for _, s := range subscriptions {
					s.Close()
				}
				b.StartTimer()
			}
		})
	}
}

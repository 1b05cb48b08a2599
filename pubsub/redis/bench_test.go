package redis_test

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
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

// What publishing costs, to ephemeral topics and to replayable ones: also how long one Publish takes, and what
// Redis spends on an event, by its own account.
func BenchmarkPublish(b *testing.B) {
	for _, l := range []publishing{
		{nodes: 0, brokers: 1, publishers: 16, topics: 1},
		{nodes: 2, brokers: 1, publishers: 16, topics: 1},
		{nodes: 8, brokers: 1, publishers: 16, topics: 1},
		{nodes: 2, brokers: 2, publishers: 16, topics: 1},
		{nodes: 2, brokers: 1, publishers: 16, topics: 200},
		{nodes: 2, brokers: 1, publishers: 64, topics: 200},
		{nodes: 2, brokers: 1, publishers: 1, topics: 1},
		{nodes: 2, brokers: 2, publishers: 1, topics: 1},
	} {
		for _, kind := range []string{"price", "log"} {
			name := fmt.Sprintf("nodes=%d/brokers=%d/publishers=%d/topics=%d/%s", l.nodes, l.brokers, l.publishers, l.topics, kind)
			b.Run(name, func(b *testing.B) { l.run(b, kind) })
		}
	}
}

// A publishing is by so many at once, each of whose events goes by the next of the brokers to the next topic.
type publishing struct {
	nodes      int // that are subscribed to all topics
	brokers    int // that publish, nodes if there are some
	publishers int
	topics     int
}

func (l publishing) run(b *testing.B, kind string) {
	server := redistest.Start(b)
	topics := make([]string, l.topics)
	for i := range topics {
		topics[i] = fmt.Sprint(kind, ".", i)
	}
	brokers := make([]*redis.Broker, max(l.nodes, l.brokers))
	for i := range brokers {
		brokers[i] = open(b, server.URL(), redis.Options{Retain: Retain})
		UntilUp(b, brokers[i])
	}
	for _, node := range brokers[:l.nodes] {
		for _, topic := range topics {
			Subscribe(b, node, topic, discard{})
		}
	}
	payload := []byte(`{"amount":"9.90"}`)
	var published atomic.Int64
	var publishing sync.WaitGroup
	b.ReportAllocs()
	begun := processorTime(b, server)
	b.ResetTimer()
	for range l.publishers {
		publishing.Go(func() {
			for n := int(published.Add(1)); n <= b.N; n = int(published.Add(1)) {
				if err := brokers[n%l.brokers].Publish(b.Context(), topics[n%l.topics], payload); err != nil {
					b.Error(err)
				}
			}
		})
	}
	publishing.Wait()
	b.StopTimer()
	b.ReportMetric(float64(b.Elapsed().Microseconds())*float64(l.publishers)/float64(b.N), "trip-µs")
	b.ReportMetric((processorTime(b, server)-begun)*1e6/float64(b.N), "redis-µs/op")
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

package redis_test

import (
	"log/slog"
	"regexp"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"go.uber.org/goleak"

	"github.com/sluice-gateway/sluice/internal/redistest"
	"github.com/sluice-gateway/sluice/pubsub"
	"github.com/sluice-gateway/sluice/pubsub/pubsubtest"
	"github.com/sluice-gateway/sluice/pubsub/redis"
)

func TestMain(m *testing.M) {
	goredis.SetLogger(new(logging.VoidLogger)) // it tells of every sentinel and failed dial
	goleak.VerifyTestMain(m)
}

func TestContractOnASingleRedis(t *testing.T) {
	server := redistest.Start(t)
	pubsubtest.Run(t, pair(server.URL(), redis.Options{}))
	pubsubtest.RunLog(t, pair(server.URL(), redis.Options{Retain: pubsubtest.Retain}))
}

func TestContractOnAClusterOfThreeMasters(t *testing.T) {
	cluster := redistest.StartCluster(t, 3)
	pubsubtest.Run(t, pair(cluster.URL(), redis.Options{}))
	pubsubtest.RunLog(t, pair(cluster.URL(), redis.Options{Retain: pubsubtest.Retain}))
}

func TestContractBehindSentinel(t *testing.T) {
	url := redistest.StartSentinel(t).URL()
	pubsubtest.Run(t, pair(url, redis.Options{}))
	pubsubtest.RunLog(t, pair(url, redis.Options{Retain: pubsubtest.Retain}))
}

func TestOtherPublishersOnASingleRedis(t *testing.T) {
	server := redistest.Start(t)
	pubsubtest.RunForeign(t, func(t *testing.T) (pubsub.Broker, func(topic, message string)) {
		return open(t, server.URL(), redis.Options{}), func(topic, message string) {
			server.Do("PUBLISH", topic, message)
		}
	})
}

func TestOtherPublishersOnACluster(t *testing.T) {
	cluster := redistest.StartCluster(t, 3)
	var addrs []string
	for _, master := range cluster.Masters {
		addrs = append(addrs, master.Addr())
	}
	client := goredis.NewClusterClient(&goredis.ClusterOptions{Addrs: addrs})
	t.Cleanup(func() { _ = client.Close() })
	pubsubtest.RunForeign(t, func(t *testing.T) (pubsub.Broker, func(topic, message string)) {
		return open(t, cluster.URL(), redis.Options{}), func(topic, message string) {
			t.Helper()
			for channel, text := range map[string]string{topic: message, pubsub.PatternOf(topic): topic + " " + message} {
				if err := client.SPublish(t.Context(), channel, text).Err(); err != nil {
					t.Fatal(err)
				}
			}
		}
	})
}

// Other readers go by what stands on the wire.
func TestWhatIsPublishedStandsBehindAnEnvelope(t *testing.T) {
	server := redistest.Start(t)
	b := open(t, server.URL(), redis.Options{})
	client := goredis.NewClient(&goredis.Options{Addr: server.Addr()})
	t.Cleanup(func() { _ = client.Close() })
	reader := client.Subscribe(t.Context(), "price.42")
	t.Cleanup(func() { _ = reader.Close() })
	if _, err := reader.Receive(t.Context()); err != nil { // the confirmation
		t.Fatal(err)
	}
	const trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	if err := b.Publish(pubsub.WithTrace(t.Context(), trace), "price.42", []byte(`{"id":42}`)); err != nil {
		t.Fatal(err)
	}
	message, err := reader.ReceiveMessage(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if want := regexp.MustCompile(`^~1 t=\d{16} tp=` + trace + `\n\{"id":42\}$`); !want.MatchString(message.Payload) {
		t.Errorf("the message is %q", message.Payload)
	}
}

func pair(url string, o redis.Options) pubsubtest.NewBroker {
	return func(t *testing.T) (a, b pubsub.Broker) {
		return open(t, url, o), open(t, url, o)
	}
}

// open returns a broker that is closed with the test, and need not be up.
func open(t testing.TB, url string, o redis.Options) *redis.Broker {
	t.Helper()
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	b, err := redis.New(url, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b
}

// quick has probes every 200 ms, so that failures show soon.
var quick = redis.Options{ProbeInterval: 200 * time.Millisecond}

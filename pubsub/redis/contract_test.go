package redis_test

import (
	"log/slog"
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
}

func TestContractOnAClusterOfThreeMasters(t *testing.T) {
	cluster := redistest.StartCluster(t, 3)
	pubsubtest.Run(t, pair(cluster.URL(), redis.Options{}))
}

func TestContractBehindSentinel(t *testing.T) {
	pubsubtest.Run(t, pair(redistest.StartSentinel(t).URL(), redis.Options{}))
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

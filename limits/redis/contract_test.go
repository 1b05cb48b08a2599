package redis_test

import (
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"go.uber.org/goleak"

	"github.com/sluice-gateway/sluice/internal/redistest"
	"github.com/sluice-gateway/sluice/limits"
	"github.com/sluice-gateway/sluice/limits/limitstest"
	"github.com/sluice-gateway/sluice/limits/redis"
)

func TestMain(m *testing.M) {
	goredis.SetLogger(new(logging.VoidLogger)) // it tells of every sentinel and failed dial
	goleak.VerifyTestMain(m)
}

// patience is generous: test machines are slow at times.
const patience = 20 * time.Second

// The contract needs a clock that it can set, so the scripts ask for this one instead of TIME. What
// that changes is tested with TIME, on every kind of Redis, in counter_test.go.
func TestContract(t *testing.T) {
	server := redistest.Start(t)
	limitstest.Run(t, func(t *testing.T, o limitstest.Options) limitstest.Backbone {
		server.Do("FLUSHALL")
		var now atomic.Int64
		set := func(micros int64) {
			now.Store(micros)
			server.Do("DEL", redis.ClockKey)
			server.Do("RPUSH", redis.ClockKey, strconv.FormatInt(micros/1e6, 10), strconv.FormatInt(micros%1e6, 10))
		}
		set(o.Start.UnixMicro())
		var nodes []limits.Counter
		for range 3 {
			c := open(t, server.URL(), redis.Options{Timeout: patience, Location: o.Location, LeaseTTL: o.LeaseTTL})
			c.UseClockKey()
			nodes = append(nodes, c)
		}
		return limitstest.Backbone{
			Nodes:   nodes,
			Now:     func() time.Time { return time.UnixMicro(now.Load()) },
			Advance: func(d time.Duration) { set(now.Load() + d.Microseconds()) },
		}
	})
}

// open returns a counter that is closed with the test.
func open(t testing.TB, url string, o redis.Options) *redis.Counter {
	t.Helper()
	c, err := redis.New(url, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

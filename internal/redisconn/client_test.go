package redisconn_test

import (
	"crypto/tls"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"go.uber.org/goleak"

	"github.com/sluice-gateway/sluice/internal/redisconn"
	"github.com/sluice-gateway/sluice/internal/redistest"
)

func TestMain(m *testing.M) {
	goredis.SetLogger(new(logging.VoidLogger)) // it tells of every sentinel and failed dial
	goleak.VerifyTestMain(m)
}

// patience is generous: test machines are slow at times.
const patience = 20 * time.Second

func TestOpenReachesEveryKindOfRedis(t *testing.T) {
	single := redistest.Start(t)
	secure, trust := redistest.StartTLS(t)
	for name, at := range map[string]struct {
		url string
		tls *tls.Config
	}{
		"a single one":   {url: single.URL()},
		"one with TLS":   {url: secure.URL(), tls: trust},
		"sentinels":      {url: redistest.StartSentinel(t).URL()},
		"a cluster of 3": {url: redistest.StartCluster(t, 3).URL()},
	} {
		t.Run(name, func(t *testing.T) {
			client := open(t, at.url, redisconn.Options{TLS: at.tls, Timeout: patience})
			for _, key := range []string{"a", "b", "c", "d"} { // in a cluster, of several masters
				if err := client.Set(t.Context(), key, key, 0).Err(); err != nil {
					t.Fatal(err)
				}
				if got, err := client.Get(t.Context(), key).Result(); got != key || err != nil {
					t.Fatalf("%s: %q, %v", key, got, err)
				}
			}
		})
	}
}

func TestAClientHasItsNameAndDatabase(t *testing.T) {
	server := redistest.Start(t)
	client := open(t, server.URL()+"/3", redisconn.Options{Name: "sluice-test", Timeout: patience})
	if err := client.Ping(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	if list := server.Do("CLIENT", "LIST"); !strings.Contains(list, "name=sluice-test ") || !strings.Contains(list, " db=3 ") {
		t.Errorf("CLIENT LIST shows no such client: %s", list)
	}
}

func TestOpenDoesNotWaitForRedis(t *testing.T) {
	server := redistest.New(t)
	client := open(t, server.URL(), redisconn.Options{})
	if err := client.Ping(t.Context()).Err(); err == nil {
		t.Fatal("nobody listens, and somebody answers")
	}
	server.Restart()
	if err := redistest.Poll(patience, func() error { return client.Ping(t.Context()).Err() }); err != nil {
		t.Error(err)
	}
}

func TestOpenRefusesABadURL(t *testing.T) {
	if client, err := redisconn.Open("redis://u:hunter2@h:port", redisconn.Options{}); err == nil || client != nil {
		t.Errorf("%v, %v", client, err)
	}
}

func TestAFrozenRedisCostsTheTimeout(t *testing.T) {
	server := redistest.Start(t)
	client := open(t, server.URL(), redisconn.Options{Timeout: 50 * time.Millisecond})
	if err := client.Ping(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	server.Stop()
	defer server.Cont()
	if err := client.Ping(t.Context()).Err(); err == nil || !strings.Contains(err.Error(), "timeout") {
		t.Errorf("ping = %v", err)
	}
}

func TestCommandsAreNotTriedAgain(t *testing.T) {
	target, err := redisconn.Parse("redis://h")
	if err != nil {
		t.Fatal(err)
	}
	if s := target.Settings(redisconn.Options{}); s.MaxRetries != -1 || s.ReadTimeout != time.Second {
		t.Errorf("MaxRetries = %d, ReadTimeout = %v", s.MaxRetries, s.ReadTimeout)
	}
}

// open returns a client that is closed with the test, and need not be connected.
func open(t *testing.T, url string, o redisconn.Options) goredis.UniversalClient {
	t.Helper()
	client, err := redisconn.Open(url, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

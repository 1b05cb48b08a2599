package redis_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/internal/redistest"
	"github.com/sluice-gateway/sluice/limits"
	"github.com/sluice-gateway/sluice/limits/redis"
)

// patient waits for a slow machine where Redis is expected to answer.
var patient = redis.Options{Timeout: patience}

var (
	aMonth  = limits.Quota{Events: 500, Window: limits.Month}
	aSecond = limits.Quota{Events: 5, Window: limits.Second}
)

func TestThreeNodesUseAQuotaUp(t *testing.T) {
	single := redistest.Start(t)
	secure, trust := redistest.StartTLS(t)
	for name, at := range map[string]struct {
		url string
		tls *tls.Config
	}{
		"on a single Redis": {url: single.URL()},
		"over TLS":          {url: secure.URL(), tls: trust},
		"behind Sentinel":   {url: redistest.StartSentinel(t).URL()},
		"in a Cluster":      {url: redistest.StartCluster(t, 3).URL()},
	} {
		t.Run(name, func(t *testing.T) {
			var nodes []*redis.Counter
			for range 3 {
				nodes = append(nodes, open(t, at.url, redis.Options{Timeout: patience, TLS: at.tls}))
			}
			for _, w := range []limits.Window{limits.Month, limits.SlidingMonth} {
				for _, key := range []string{"a", "b", "}", "{}", "a}b", "\x00"} { // in a Cluster, on several masters
					useUp(t, nodes, key, limits.Quota{Events: 200, Window: w})
				}
			}
		})
	}
}

// useUp spends q on all nodes at once, some of it again after it was returned.
func useUp(t *testing.T, nodes []*redis.Counter, key string, q limits.Quota) {
	t.Helper()
	var running sync.WaitGroup
	var spent, ids atomic.Int64
	for i := range 2 * len(nodes) {
		node := nodes[i/2]
		running.Go(func() {
			for {
				id := fmt.Sprint(q.Window, ids.Add(1))
				l, err := node.Lease(t.Context(), limits.Request{Key: key, Quota: q, Want: 20, ID: id})
				if err != nil || l.Events == 0 {
					if err != nil {
						t.Errorf("lease: %v", err)
					}
					return
				}
				n := max(1, l.Events/2)
				spent.Add(n)
				if err := node.Return(t.Context(), key, id, n); err != nil {
					t.Errorf("return: %v", err)
				}
			}
		})
	}
	running.Wait()
	u, err := nodes[0].Usage(t.Context(), key, q)
	if n := spent.Load(); err != nil || n != q.Events-u.Left || u.Charged != n || u.Left > 2*int64(len(nodes)) {
		t.Errorf("%q: %d events are spent: %+v, %v", key, n, u, err)
	}
}

func TestSecondsPassByTheClockOfRedis(t *testing.T) {
	for name, url := range map[string]string{
		"on a single Redis": redistest.Start(t).URL(),
		"in a Cluster":      redistest.StartCluster(t, 3).URL(),
	} {
		t.Run(name, func(t *testing.T) {
			c := open(t, url, patient)
			perWindow := make(map[string]int64)
			for i := 0; len(perWindow) < 4; i++ {
				l := lease(t, c, "k", aSecond, 2, fmt.Sprint(i))
				if l.Ends <= 0 || l.Ends > time.Second || l.ResetAt.Nanosecond() != 0 {
					t.Fatalf("%+v", l)
				}
				if perWindow[l.Window] += l.Events; perWindow[l.Window] > 5 {
					t.Fatalf("%v", perWindow)
				}
				if l.Events == 0 {
					<-time.After(l.Ends)
				}
			}
		})
	}
}

func TestOurOwnClockDoesNotMatter(t *testing.T) {
	server := redistest.Start(t)
	for _, ahead := range []time.Duration{0, time.Hour, -time.Hour, 24 * 365 * time.Hour, 900 * time.Millisecond} {
		c := open(t, server.URL(), patient)
		c.SetClock(ahead)
		l := lease(t, c, "k", limits.Quota{Events: 100, Window: limits.Second}, 1, fmt.Sprint("x", ahead))
		if l.Events != 1 || l.Ends > time.Second {
			t.Errorf("%v ahead: %+v", ahead, l)
		}
	}
}

func TestScriptsThatWereFlushedAreSentAgain(t *testing.T) {
	server := redistest.Start(t)
	c := open(t, server.URL(), patient)
	for i := range 3 {
		id := strconv.Itoa(i)
		server.Do("SCRIPT", "FLUSH")
		lease(t, c, "k", aMonth, 2, id)
		server.Do("SCRIPT", "FLUSH")
		if err := errors.Join(c.Settle(t.Context(), "k", id, 1), c.Return(t.Context(), "k", id, 2)); err != nil {
			t.Error(err)
		}
		server.Do("SCRIPT", "FLUSH")
		if u, err := c.Usage(t.Context(), "k", aMonth); err != nil || u.Charged != 2*int64(i+1) {
			t.Errorf("%+v, %v", u, err)
		}
	}
}

func TestACallWhoseReplyWasLostIsRepeated(t *testing.T) {
	server := redistest.Start(t)
	p := startProxy(t, server.Addr())
	c := open(t, "redis://"+p.addr(), patient)
	sound := open(t, server.URL(), patient)
	lease(t, c, "k", aMonth, 1, "warm")
	if err := c.Settle(t.Context(), "k", "warm", 1); err != nil {
		t.Fatal(err)
	}
	lose := func(what string, call func() error) {
		t.Helper()
		p.loseReplies.Store(true)
		if err := call(); err == nil {
			t.Errorf("%s: no reply, and no error", what)
		}
		p.loseReplies.Store(false)
		if err := call(); err != nil {
			t.Errorf("%s again: %v", what, err)
		}
	}
	r := limits.Request{Key: "k", Quota: aMonth, Want: 10, ID: "x"}
	var l limits.Lease
	lose("lease", func() (err error) { l, err = c.Lease(t.Context(), r); return err })
	if l.Events != 10 || l.Left != 489 {
		t.Errorf("%+v", l)
	}
	lose("settle", func() error { return c.Settle(t.Context(), "k", "x", 3) })
	lose("return", func() error { return c.Return(t.Context(), "k", "x", 4) })
	u, err := sound.Usage(t.Context(), "k", aMonth)
	u.ResetAt = time.Time{}
	if want := (limits.Usage{Granted: 11, Charged: 5, Returned: 6, Left: 495}); err != nil || u != want {
		t.Errorf("%+v, %v, want %+v", u, err, want)
	}
}

func TestKeysExpireSoonAfterTheirWindow(t *testing.T) {
	server := redistest.Start(t)
	c := open(t, server.URL(), redis.Options{Timeout: patience, LeaseTTL: 50 * time.Millisecond})
	began := time.Now()
	for _, w := range []limits.Window{limits.Second, limits.SlidingSecond} {
		q := limits.Quota{Events: 5, Window: w}
		lease(t, c, "k", q, 2, "x"+w.String())
		lease(t, c, "k", q, 2, "y"+w.String())
		// On a busy machine the lease is over by now.
		if err := c.Return(t.Context(), "k", "x"+w.String(), 1); err != nil && !errors.Is(err, limits.ErrForfeited) {
			t.Fatal(err)
		}
	}
	for _, key := range []string{"sluice:quota:{k}", "sluice:quota:{k}:due"} {
		left, err := strconv.Atoi(server.Do("PTTL", key)) // -1: never, -2: it has
		if passed := time.Since(began).Milliseconds(); err != nil || left == -1 || left > 10_000 || int64(left)+passed < 1000 {
			t.Errorf("%s expires in %d ms, %v, %d ms after it was begun", key, left, err, passed)
		}
	}
	for _, w := range []limits.Window{limits.Day, limits.SlidingDay} {
		lease(t, c, "d"+w.String(), limits.Quota{Events: 5, Window: w}, 2, "x")
		left, err := strconv.Atoi(server.Do("PTTL", "sluice:quota:{d"+w.String()+"}"))
		if most := (25*time.Hour + time.Minute).Milliseconds(); err != nil || left < 10 || left > int(most) {
			t.Errorf("%v expires in %d ms, %v", w, left, err)
		}
	}
	err := redistest.Poll(patience, func() error {
		if n := server.Do("EXISTS", "sluice:quota:{k}", "sluice:quota:{k}:due"); n != "0" {
			return errors.New(n + " keys exist")
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestAnACLUserWithTheDocumentedPermissionsSuffices(t *testing.T) {
	alice := append([]string{"--user", "alice", "on", ">s3cret/@:", "+@connection"}, strings.Fields(
		"+evalsha +eval +time +hget +hset +hdel +hincrby +zadd +zrem +zscore +zrangebyscore +pttl +pexpire ~sluice:quota:*")...)
	single := redistest.Start(t, alice...)
	cluster := redistest.StartCluster(t, 3, append(alice, "+cluster|slots")...)
	for name, url := range map[string]string{"on a single Redis": single.URL(), "in a Cluster": cluster.URL()} {
		t.Run(name, func(t *testing.T) {
			c := open(t, strings.Replace(url, "://", "://alice:s3cret%2F%40%3A@", 1), redis.Options{Timeout: patience, LeaseTTL: 20 * time.Millisecond})
			for _, w := range []limits.Window{limits.Second, limits.SlidingSecond} {
				exercise(t, c, limits.Quota{Events: 100, Window: w})
			}
		})
	}
}

// exercise goes through everything that a script may do, until leases and windows have expired.
func exercise(t *testing.T, c *redis.Counter, q limits.Quota) {
	t.Helper()
	start := time.Now()
	for i := 0; time.Since(start) < 1500*time.Millisecond; i++ {
		id := fmt.Sprint(q.Window, i)
		lease(t, c, "k", q, 3, id)
		switch i % 3 {
		case 0:
			if err := c.Settle(t.Context(), "k", id, 2); err != nil && !errors.Is(err, limits.ErrForfeited) {
				t.Fatal(err)
			}
		case 1:
			if err := c.Return(t.Context(), "k", id, 2); err != nil && !errors.Is(err, limits.ErrForfeited) {
				t.Fatal(err)
			}
		}
		if _, err := c.Usage(t.Context(), "k", q); err != nil {
			t.Fatal(err)
		}
		<-time.After(20 * time.Millisecond)
	}
}

func TestAWrongPasswordIsToldAndNotShown(t *testing.T) {
	server := redistest.Start(t, "--requirepass", "s3cret")
	c := open(t, strings.Replace(server.URL(), "://", "://:hunter2@", 1), patient)
	_, err := c.Lease(t.Context(), limits.Request{Key: "k", Quota: aMonth, Want: 1, ID: "x"})
	if err == nil || !strings.Contains(err.Error(), "WRONGPASS") || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("Lease = %v", err)
	}
	if _, err := redis.New("redis://:hunter2@h:port", redis.Options{}); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("New = %v", err)
	}
}

func TestSomethingElseUnderTheKeyIsAnError(t *testing.T) {
	server := redistest.Start(t)
	c := open(t, server.URL(), patient)
	server.Do("SET", "sluice:quota:{k}:due", "no set at all")
	if _, err := c.Usage(t.Context(), "k", aMonth); err == nil || !strings.Contains(err.Error(), "WRONGTYPE") {
		t.Errorf("Usage = %v", err)
	}
}

func TestARedisThatIsAwayIsAnErrorInTime(t *testing.T) {
	for name, away := range map[string]struct{ leave, comeBack func(*redistest.Server) }{
		"frozen": {(*redistest.Server).Stop, (*redistest.Server).Cont},
		"killed": {(*redistest.Server).Kill, (*redistest.Server).Restart},
	} {
		t.Run(name, func(t *testing.T) {
			server := redistest.Start(t)
			c := open(t, server.URL(), redis.Options{Timeout: 100 * time.Millisecond})
			err := redistest.Poll(patience, func() error { return c.Return(t.Context(), "k", "x", 1) })
			if err != nil {
				t.Fatal(err)
			}
			away.leave(server)
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			if l, err := c.Lease(ctx, limits.Request{Key: "k", Quota: aMonth, Want: 1, ID: "x"}); err == nil || ctx.Err() != nil {
				t.Errorf("Lease = %+v, %v", l, err)
			}
			if err := c.Return(ctx, "k", "x", 1); err == nil || ctx.Err() != nil {
				t.Errorf("Return = %v", err)
			}
			away.comeBack(server)
			err = redistest.Poll(patience, func() error { return c.Return(t.Context(), "k", "x", 1) })
			if err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestANodeShowsItsName(t *testing.T) {
	server := redistest.Start(t)
	c := open(t, server.URL(), redis.Options{Timeout: patience, Node: "gateway-1"})
	lease(t, c, "k", aMonth, 1, "x")
	if list := server.Do("CLIENT", "LIST"); !strings.Contains(list, "name=sluice-gateway-1-limits ") {
		t.Errorf("CLIENT LIST = %s", list)
	}
	if err := errors.Join(c.Close(), c.Close()); err != nil {
		t.Errorf("Close twice: %v", err)
	}
}

func BenchmarkLease(b *testing.B) {
	c := open(b, redistest.Start(b).URL(), redis.Options{})
	for _, w := range []limits.Window{limits.Day, limits.SlidingDay} {
		b.Run(w.String(), func(b *testing.B) {
			q := limits.Quota{Events: limits.MaxEvents, Window: w}
			var last limits.Request
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				r := limits.Request{Key: "k", Quota: q, Want: 64, ID: fmt.Sprint(w, i)}
				if i > 0 {
					r.Reports = []limits.Report{{ID: last.ID, Spent: 64, Done: true}}
				}
				if _, err := c.Lease(b.Context(), r); err != nil {
					b.Fatal(err)
				}
				last = r
			}
		})
	}
}

func lease(t testing.TB, c *redis.Counter, key string, q limits.Quota, want int64, id string) limits.Lease {
	t.Helper()
	l, err := c.Lease(t.Context(), limits.Request{Key: key, Quota: q, Want: want, ID: id})
	if err != nil {
		t.Fatalf("lease: %v", err)
	}
	return l
}

package redis_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/internal/redistest"
	"github.com/sluice-gateway/sluice/limits"
	"github.com/sluice-gateway/sluice/limits/limitstest"
	"github.com/sluice-gateway/sluice/limits/redis"
)

// As for TestContract, the script asks for a clock that can be set.
func TestRatesContract(t *testing.T) {
	server := redistest.Start(t)
	limitstest.RunRates(t, func(t *testing.T) limitstest.RateBackbone {
		server.Do("FLUSHALL")
		now := time.Date(2026, time.May, 13, 12, 30, 30, 500_000_000, time.UTC)
		set := func() {
			server.Do("DEL", redis.ClockKey)
			server.Do("RPUSH", redis.ClockKey, strconv.FormatInt(now.Unix(), 10), strconv.Itoa(now.Nanosecond()/1000))
		}
		set()
		var nodes []limits.SharedBuckets
		for range 3 {
			b := open(t, server.URL(), patient).Buckets()
			b.UseClockKey()
			nodes = append(nodes, b)
		}
		return limitstest.RateBackbone{Nodes: nodes, Advance: func(d time.Duration) { now = now.Add(d); set() }}
	})
}

func TestThreeNodesNeverExceedARate(t *testing.T) {
	rate := limits.Rate{PerSecond: 200, Burst: 30}
	for name, url := range map[string]string{
		"on a single Redis": redistest.Start(t).URL(),
		"behind Sentinel":   redistest.StartSentinel(t).URL(),
		"in a Cluster":      redistest.StartCluster(t, 3).URL(),
	} {
		t.Run(name, func(t *testing.T) {
			var running sync.WaitGroup
			var passed atomic.Int64
			start := time.Now()
			for range 3 {
				buckets := open(t, url, patient).Buckets()
				for range 2 {
					running.Go(func() {
						for time.Since(start) < time.Second {
							wait, err := buckets.Take(t.Context(), "k", rate)
							if err != nil {
								t.Errorf("take: %v", err)
								return
							}
							if wait == 0 {
								passed.Add(1)
							}
						}
					})
				}
			}
			running.Wait()
			n, most := float64(passed.Load()), 30+200*time.Since(start).Seconds()
			if n > most || n < 30 {
				t.Errorf("%v events passed, and %.1f may", n, most)
			}
		})
	}
}

func TestWhoWaitsAsToldPasses(t *testing.T) {
	buckets := open(t, redistest.Start(t).URL(), patient).Buckets()
	rate := limits.Rate{PerSecond: 300, Burst: 2} // an event does not come in whole microseconds
	waits := 0
	for range 100 {
		wait, err := buckets.Take(t.Context(), "k", rate)
		if err != nil || wait > rate.Interval()+time.Microsecond {
			t.Fatalf("take: %v, %v", wait, err)
		}
		if wait == 0 {
			continue
		}
		waits++
		<-time.After(wait)
		if wait, err = buckets.Take(t.Context(), "k", rate); wait > 0 || err != nil {
			t.Fatalf("a wait was not enough: %v more, %v", wait, err)
		}
	}
	if waits == 0 {
		t.Error("nobody had to wait")
	}
}

func TestABucketExpiresWhenItIsFull(t *testing.T) {
	server := redistest.Start(t)
	buckets := open(t, server.URL(), patient).Buckets()
	for i := range 3 {
		if wait, err := buckets.Take(t.Context(), "a b/{c}", limits.Rate{PerSecond: 0.1, Burst: 3}); wait != 0 || err != nil {
			t.Fatalf("%v, %v", wait, err)
		}
		left, err := strconv.Atoi(server.Do("PTTL", "sluice:rate:a%20b%2F%7Bc%7D"))
		if most := (i+1)*10_000 + 2; err != nil || left > most || left < most/2 {
			t.Errorf("after %d events it expires in %d ms, %v", i+1, left, err)
		}
	}
	take := func(burst int) {
		if wait, err := buckets.Take(t.Context(), "short", limits.Rate{PerSecond: 100, Burst: burst}); wait != 0 || err != nil {
			t.Fatalf("%v, %v", wait, err)
		}
	}
	take(1)
	err := redistest.Poll(patience, func() error {
		if n := server.Do("EXISTS", "sluice:rate:short"); n != "0" {
			return fmt.Errorf("%s keys exist", n)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	take(1)
}

func TestRatesNeedTheDocumentedPermissions(t *testing.T) {
	alice := append([]string{"--user", "alice", "on", ">s3cret", "+@connection"}, strings.Fields("+evalsha +eval +time +get +set ~sluice:rate:*")...)
	for name, url := range map[string]string{
		"on a single Redis": redistest.Start(t, alice...).URL(),
		"in a Cluster":      redistest.StartCluster(t, 3, append(alice, "+cluster|slots")...).URL(),
	} {
		t.Run(name, func(t *testing.T) {
			buckets := open(t, strings.Replace(url, "://", "://alice:s3cret@", 1), patient).Buckets()
			refused := false
			for i := range 12 {
				wait, err := buckets.Take(t.Context(), fmt.Sprint("{", i%4, "}"), limits.Rate{PerSecond: 0.01, Burst: 2})
				if err != nil {
					t.Fatal(err)
				}
				refused = refused || wait > 0
			}
			if !refused {
				t.Error("everything passed")
			}
		})
	}
}

func TestABucketOfAnotherTypeIsAnError(t *testing.T) {
	server := redistest.Start(t)
	buckets := open(t, server.URL(), patient).Buckets()
	server.Do("LPUSH", "sluice:rate:k", "no string")
	if _, err := buckets.Take(t.Context(), "k", limits.Rate{PerSecond: 1, Burst: 1}); err == nil || !strings.Contains(err.Error(), "WRONGTYPE") {
		t.Errorf("Take = %v", err)
	}
	server.Do("SET", "sluice:rate:j", "no numbers")
	if wait, err := buckets.Take(t.Context(), "j", limits.Rate{PerSecond: 1, Burst: 1}); wait != 0 || err != nil {
		t.Errorf("Take = %v, %v", wait, err)
	}
}

func TestTakeEndsInTime(t *testing.T) {
	server := redistest.Start(t)
	buckets := open(t, server.URL(), patient).Buckets()
	server.Stop()
	defer server.Cont()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	start := time.Now()
	if _, err := buckets.Take(ctx, "k", limits.Rate{PerSecond: 1, Burst: 1}); err == nil || time.Since(start) > patience/2 {
		t.Errorf("Take = %v after %v", err, time.Since(start))
	}
}

func BenchmarkBuckets(b *testing.B) {
	buckets := open(b, redistest.Start(b).URL(), redis.Options{}).Buckets()
	for name, rate := range map[string]limits.Rate{
		"taken":   {PerSecond: 1e8, Burst: 1e6},
		"refused": {PerSecond: 0.001, Burst: 1},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := buckets.Take(b.Context(), name, rate); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

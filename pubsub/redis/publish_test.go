package redis_test

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	goredis "github.com/redis/go-redis/v9"

	"github.com/sluice-gateway/sluice/internal/redistest"
	"github.com/sluice-gateway/sluice/pubsub"
	. "github.com/sluice-gateway/sluice/pubsub/pubsubtest"
)

// crowd has many publish at once, each some events, one after the other and by one node. Some events are large, and
// where keys are kept some have an idempotency key and are published by the other node too.
func (l *trial) crowd(publishers, events int, keys bool) {
	var mu sync.Mutex // guards confirmed
	var publishing sync.WaitGroup
	for p := range publishers {
		publishing.Go(func() {
			for n := range events {
				text, ctx := fmt.Sprintf("%d-%d", p, n), l.t.Context()
				nodes := l.nodes[p%2 : p%2+1]
				if keys && n%3 == 0 {
					ctx, nodes = pubsub.WithIdempotencyKey(ctx, text), l.nodes[:]
				}
				if n%10 == 0 {
					text += strings.Repeat(" ", 50_000)
				}
				for i, b := range nodes {
					if err := b.Publish(ctx, l.topic, []byte(text)); err == nil {
						mu.Lock()
						l.confirmed[i][text] = true
						mu.Unlock()
					}
				}
			}
		})
	}
	publishing.Wait()
}

// checkOrders wants the events of each of a crowd in the order in which it has published them.
func (l *trial) checkOrders() {
	l.t.Helper()
	last := make(map[string]int)
	for _, text := range l.received[0].Payloads() {
		publisher, number, ok := strings.Cut(strings.TrimSpace(text), "-")
		n, err := strconv.Atoi(number)
		if !ok || err != nil {
			continue
		}
		if before, ok := last[publisher]; ok && n <= before {
			l.t.Errorf("%s comes after number %d", strings.TrimSpace(text), before)
		}
		last[publisher] = n
	}
}

func TestNothingIsLostAmongManyPublishers(t *testing.T) {
	run := func(t *testing.T, url string, keys bool, disturb func(l *trial)) {
		l := newTrial(t, url)
		var publishing sync.WaitGroup
		publishing.Go(func() { l.crowd(60, 30, keys) })
		for range 3 {
			l.more(200)
			disturb(l)
		}
		publishing.Wait()
		l.check()
		l.checkOrders()
		if len(l.confirmed[0])+len(l.confirmed[1]) < 1000 {
			t.Errorf("%d and %d events were confirmed", len(l.confirmed[0]), len(l.confirmed[1]))
		}
	}
	t.Run("when scripts are flushed", func(t *testing.T) {
		server := redistest.Start(t)
		run(t, server.URL(), true, func(*trial) { server.Do("SCRIPT", "FLUSH") })
	})
	t.Run("when the slot moves", func(t *testing.T) {
		cluster := redistest.StartCluster(t, 3)
		run(t, cluster.URL(), false, func(l *trial) { // which leaves keys behind
			log := "sluice:log:{" + l.topic + "}"
			cluster.Migrate((cluster.Owner(l.topic)+1)%3, log+":at", log)
		})
	})
}

func TestPublishersAtOnceShareCalls(t *testing.T) {
	server := redistest.Start(t)
	l := newTrial(t, server.URL())
	server.Stop()
	const n = 200
	var publishing sync.WaitGroup
	for i := range n {
		publishing.Go(func() {
			if err := l.nodes[0].Publish(t.Context(), l.topic, []byte(strconv.Itoa(i))); err != nil {
				t.Error(err)
			}
		})
	}
	server.Cont()
	publishing.Wait()
	l.check()
	calls := regexp.MustCompile(`cmdstat_evalsha:calls=(\d+)`).FindStringSubmatch(server.Do("INFO", "commandstats"))
	if calls == nil {
		t.Fatal("nothing was called")
	}
	if got, _ := strconv.Atoi(calls[1]); got > n/2 {
		t.Errorf("%d events took %d calls", n, got)
	}
}

func TestARefusedTopicDoesNotHarmItsCompany(t *testing.T) {
	server := redistest.Start(t, "--user", "alice", "on", ">s3cret/@:", "+@all", "~*", "resetchannels", "&log.good.*", "&sluice.probe.*")
	b := open(t, aliceInURL+server.Addr(), kept)
	UntilUp(t, b)
	var publishing sync.WaitGroup
	for i := range 100 {
		publishing.Go(func() {
			if err := b.Publish(t.Context(), fmt.Sprint("log.good.", i%20), []byte("1")); err != nil {
				t.Error(err)
			}
		})
		publishing.Go(func() {
			err := b.Publish(t.Context(), fmt.Sprint("log.bad.", i%20), []byte("1"))
			if !errors.Is(err, pubsub.ErrUnavailable) || !strings.Contains(err.Error(), "publish to the channel") {
				t.Errorf("a forbidden topic: %v", err)
			}
		})
	}
	publishing.Wait()
}

// Another service publishes several events by one call.
func TestTheScriptPublishesSeveralEvents(t *testing.T) {
	server := redistest.Start(t)
	script, err := os.ReadFile("publish.lua")
	if err != nil {
		t.Fatal(err)
	}
	client := goredis.NewClient(&goredis.Options{Addr: server.Addr()})
	t.Cleanup(func() { _ = client.Close() })
	l := newTrial(t, server.URL())
	Publish(t, l.nodes[0], l.topic, "1")
	key := "sluice:log:{" + l.topic + "}"
	var ids [3]string
	for i := range ids {
		ids[i] = strings.Repeat(fmt.Sprintf("%02x", i), 12)
	}
	for range 2 { // the second does nothing
		at, err := client.Eval(t.Context(), string(script), []string{key + ":at", key},
			"PUBLISH", l.topic, ids[0], "0123456789", 1000, 600000, "\n2", "", ids[1], "\n3", ids[2], " t=1\n4").Text()
		if p, ok := pubsub.ParsePosition(at); err != nil || !ok || p.Offset != 4 || p.Epoch != l.at[0].Epoch {
			t.Errorf("the last stands at %s: %v", at, err)
		}
	}
	l.check()
	if got := l.received[1].Payloads(); len(got) != 5 || strings.Join(got[:4], "") != "1234" {
		t.Errorf("received %q", got)
	}
}

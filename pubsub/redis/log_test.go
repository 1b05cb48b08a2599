package redis_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/internal/redistest"
	"github.com/sluice-gateway/sluice/pubsub"
	. "github.com/sluice-gateway/sluice/pubsub/pubsubtest"
	"github.com/sluice-gateway/sluice/pubsub/redis"
)

func TestNothingIsLostWhenRedisIsKilledAndRestarted(t *testing.T) {
	server := redistest.Start(t, "--appendonly", "yes", "--appendfsync", "always")
	l := newTrial(t, server.URL())
	l.during(func() {
		for range 3 {
			l.more(200)
			server.Kill()
			server.Restart()
			UntilUp(t, l.nodes[0])
		}
	})
	l.check()
}

func TestNothingIsLostWhenSubscriptionsAreCutOff(t *testing.T) {
	server := redistest.Start(t)
	l := newTrial(t, server.URL())
	l.during(func() {
		for range 8 {
			l.more(100)
			server.Do("CLIENT", "KILL", "TYPE", "pubsub")
		}
	})
	l.check()
}

func TestNothingIsLostWhenConnectionsAreCutOrDeaf(t *testing.T) {
	server := redistest.Start(t)
	proxy := startProxy(t, server.Addr())
	l := newTrial(t, server.URL(), "redis://"+proxy.addr())
	l.during(func() {
		for range 2 {
			l.more(100)
			proxy.cut()
			l.more(100)
			UntilUp(t, l.nodes[1])
			proxy.deafen()
			untilDown(t, l.nodes[1])
			UntilUp(t, l.nodes[1])
		}
	})
	l.check()
}

func TestNothingIsLostWhenScriptsAreFlushed(t *testing.T) {
	server := redistest.Start(t)
	l := newTrial(t, server.URL())
	l.during(func() {
		for range 5 {
			l.more(20)
			server.Do("SCRIPT", "FLUSH")
		}
	})
	l.check()
	if len(l.confirmed[0]) < 20 {
		t.Errorf("%d events were confirmed", len(l.confirmed[0]))
	}
}

func TestKeysExpire(t *testing.T) {
	server := redistest.Start(t)
	b := open(t, server.URL(), redis.Options{Retain: Retain})
	topic := LogTopic()
	once := pubsub.WithIdempotencyKey(t.Context(), "key")
	if err := b.Publish(once, topic, []byte("1")); err != nil {
		t.Fatal(err)
	}
	Subscribe(t, b, topic, new(Recorder)).Close() // by then it has said that it lives
	key := "sluice:log:{" + topic + "}"
	for key, want := range map[string]time.Duration{
		key: time.Minute, key + ":at": time.Minute + 7*24*time.Hour, key + ":key:key": 5 * time.Minute, "sluice:log:nodes": time.Hour,
	} {
		ttl, _ := time.ParseDuration(server.Do("PTTL", key) + "ms")
		if ttl > want || ttl < want-30*time.Second {
			t.Errorf("%s expires in %v, want %v", key, ttl, want)
		}
	}
	if keys := strings.Split(server.Do("KEYS", "*"), "\n"); len(keys) != 4 {
		t.Errorf("keys: %q", keys)
	}
}

func TestAFullRedisRefusesToPublish(t *testing.T) {
	server := redistest.Start(t)
	l := newTrial(t, server.URL())
	Publish(t, l.nodes[0], l.topic, "1")
	server.Do("CONFIG", "SET", "maxmemory", "1")
	once := pubsub.WithIdempotencyKey(t.Context(), "key")
	if err := l.nodes[0].Publish(once, l.topic, []byte("2")); !errors.Is(err, pubsub.ErrUnavailable) || !strings.Contains(err.Error(), "OOM") {
		t.Errorf("publish: %v", err)
	}
	if past := Read(t, l.nodes[0], l.topic, l.at[0]); len(past.Events) != 1 {
		t.Errorf("the log has %d events", len(past.Events))
	}
	hasty := kept
	hasty.SubscribeTimeout = 100 * time.Millisecond
	other := open(t, server.URL(), hasty)
	UntilUp(t, other)
	if _, err := other.Subscribe(t.Context(), LogTopic(), new(Recorder)); !errors.Is(err, pubsub.ErrUnavailable) || !strings.Contains(err.Error(), "OOM") {
		t.Errorf("subscribe to a log that cannot be begun: %v", err)
	}
	server.Do("CONFIG", "SET", "maxmemory", "0")
	if err := l.nodes[0].Publish(once, l.topic, []byte("2")); err != nil {
		t.Errorf("publish again: %v", err)
	}
	l.check()
	if got := l.received[0].Payloads()[1]; got != "2" {
		t.Errorf("the second event is %q", got)
	}
}

func TestSubscribingToALogFailsWhileRedisIsAway(t *testing.T) {
	server := redistest.New(t)
	o := kept
	o.SubscribeTimeout = 200 * time.Millisecond
	b := open(t, server.URL(), o)
	if _, err := b.Subscribe(t.Context(), LogTopic(), new(Recorder)); !errors.Is(err, pubsub.ErrUnavailable) {
		t.Errorf("subscribe: %v", err)
	}
	if _, err := b.Read(t.Context(), LogTopic(), pubsub.Position{}, 1); !errors.Is(err, pubsub.ErrUnavailable) {
		t.Errorf("read: %v", err)
	}
	server.Restart()
	UntilUp(t, b)
	var r Recorder
	topic := LogTopic()
	Subscribe(t, b, topic, &r)
	Publish(t, b, topic, "1")
	r.Await(t, 1)
}

func TestALogFollowsItsSlotToAnotherMaster(t *testing.T) {
	cluster := redistest.StartCluster(t, 3)
	l := newTrial(t, cluster.URL())
	key := "sluice:log:{" + l.topic + "}"
	l.during(func() {
		for range 3 {
			l.more(50)
			cluster.Migrate((cluster.Owner(l.topic)+1)%3, key+":at", key)
		}
		l.more(50)
	})
	l.check()
}

func TestNothingIsLostWhenAMasterIsKilledAndRestarted(t *testing.T) {
	cluster := redistest.StartCluster(t, 3, "--appendonly", "yes", "--appendfsync", "always")
	l := newTrial(t, cluster.URL())
	l.during(func() {
		owner := cluster.Masters[cluster.Owner(l.topic)]
		l.more(100)
		owner.Kill()
		untilDown(t, l.nodes[0])
		owner.Restart()
		l.more(100)
	})
	l.check()
}

func TestAReceiverWhoJoinsDuringARepairStandsRight(t *testing.T) {
	server := redistest.Start(t)
	l := newTrial(t, server.URL())
	var joined []*Recorder
	var at []pubsub.Position
	l.during(func() {
		for range 5 {
			server.Do("CLIENT", "KILL", "TYPE", "pubsub")
			r := new(Recorder)
			joined = append(joined, r)
			at = append(at, Subscribe(t, l.nodes[1], l.topic, r).Position())
			l.more(20)
		}
	})
	l.check()
	last := l.received[1].Events()[len(l.received[1].Events())-1].Position
	for i, r := range joined {
		events := r.Await(t, int(last.Offset-at[i].Offset))
		CheckJoined(t, at[i], events)
	}
}

package redis_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/internal/redistest"
	"github.com/sluice-gateway/sluice/pubsub"
	. "github.com/sluice-gateway/sluice/pubsub/pubsubtest"
	"github.com/sluice-gateway/sluice/pubsub/redis"
)

// The least that an ACL user needs, as the package's documentation says.
var alice = []string{
	"--user", "alice", "on", ">s3cret/@:", "+@connection", "+@pubsub",
	"resetchannels", "&price.*", "&sluice.probe.*",
}

const aliceInURL = "redis://alice:s3cret%2F%40%3A@"

func TestAnACLUserWithTheDocumentedPermissionsSuffices(t *testing.T) {
	server := redistest.Start(t, alice...)
	b := open(t, aliceInURL+server.Addr(), redis.Options{})
	UntilUp(t, b)
	exact, pattern := subscribeBoth(t, b)
	Publish(t, b, "price.42", "1")
	exact.Await(t, 1)
	pattern.Await(t, 1)
}

// What a user needs besides for replayable topics.
var withLogs = []string{
	"+eval", "+evalsha", "+get", "+set", "+exists", "+del", "+pexpire", "+xadd", "+xrange", "+info", "+hset", "+hgetall", "+hdel", "~sluice:log:*", "&log.*",
}

func TestAnACLUserWithTheDocumentedPermissionsHasLogs(t *testing.T) {
	server := redistest.Start(t, slices.Concat(alice, withLogs)...)
	o := kept
	o.SubscribeTimeout = 500 * time.Millisecond
	b := open(t, aliceInURL+server.Addr(), o)
	UntilUp(t, b)
	var r Recorder
	topic := LogTopic()
	at := Subscribe(t, b, topic, &r).Position()
	once := pubsub.WithIdempotencyKey(t.Context(), "key")
	for range 2 {
		if err := b.Publish(once, topic, []byte("1")); err != nil {
			t.Fatal(err)
		}
	}
	r.Await(t, 1)
	CheckJoined(t, at, Read(t, b, topic, at).Events)
	if _, err := b.Read(t.Context(), topic, pubsub.Position{Epoch: 1}, 1); err == nil || strings.Contains(err.Error(), "NOPERM") {
		t.Errorf("read another epoch: %v", err)
	}

	server.Do("ACL", "SETUSER", "alice", "resetkeys")
	if err := b.Publish(t.Context(), topic, nil); !errors.Is(err, pubsub.ErrUnavailable) || !strings.Contains(err.Error(), "NOPERM") {
		t.Errorf("publish without keys: %v", err)
	}
	if _, err := b.Subscribe(t.Context(), LogTopic(), &r); !errors.Is(err, pubsub.ErrUnavailable) || !strings.Contains(err.Error(), "NOPERM") {
		t.Errorf("subscribe without keys: %v", err)
	}
	server.Do("ACL", "SETUSER", "alice", "~sluice:log:*")
	Publish(t, b, topic, "2")
	CheckJoined(t, at, r.Await(t, 2))
}

func TestAForbiddenTopicFailsAlone(t *testing.T) {
	server := redistest.Start(t, alice...)
	b := open(t, aliceInURL+server.Addr(), redis.Options{Connections: 1})
	UntilUp(t, b)
	var subscribing sync.WaitGroup
	for i := range 50 { // at once, so that they share commands
		subscribing.Go(func() {
			if _, err := b.Subscribe(t.Context(), fmt.Sprintf("price.%d", i), new(Recorder)); err != nil {
				t.Error(err)
			}
		})
		subscribing.Go(func() {
			_, err := b.Subscribe(t.Context(), fmt.Sprintf("secret.%d", i), new(Recorder))
			if !errors.Is(err, pubsub.ErrUnavailable) || !strings.Contains(err.Error(), "NOPERM") {
				t.Errorf("a forbidden topic: %v", err)
			}
		})
	}
	subscribing.Wait()
	if h := b.Health(); !h.Up || h.Reconnects > 0 {
		t.Errorf("health = %+v: one subscriber's mistake cost all of them", h)
	}
}

func TestAForbiddenTopicDoesNotKeepTheOthersFromComingUp(t *testing.T) {
	server := redistest.New(t, alice...)
	b := open(t, aliceInURL+server.Addr(), redis.Options{Connections: 1, SubscribeTimeout: Patience})
	var subscribing sync.WaitGroup
	for _, topic := range []string{"price.1", "secret.1", "price.2"} { // in one command with the probe
		subscribing.Go(func() {
			_, err := b.Subscribe(t.Context(), topic, new(Recorder))
			if forbidden := strings.HasPrefix(topic, "secret"); forbidden != (err != nil) {
				t.Errorf("%s: %v", topic, err)
			}
		})
	}
	server.Restart()
	subscribing.Wait()
	UntilUp(t, b)
	if h := b.Health(); h.Reconnects > 0 {
		t.Errorf("health = %+v", h)
	}
}

func TestRevokedPermissionsTakeTheBrokerDownUntilTheyAreBack(t *testing.T) {
	server := redistest.Start(t, alice...)
	b := open(t, aliceInURL+server.Addr(), quick)
	UntilUp(t, b)
	exact, _ := subscribeBoth(t, b)
	server.Do("ACL", "SETUSER", "alice", "resetchannels", "&sluice.probe.*")
	Until(t, func() error {
		if h := b.Health(); h.Up || !strings.Contains(h.Reason, "NOPERM") {
			return fmt.Errorf("health = %+v", h)
		}
		return nil
	})
	server.Do("ACL", "SETUSER", "alice", "&price.*")
	UntilUp(t, b)
	Publish(t, b, "price.42", "1")
	exact.Await(t, 1)
}

func TestAWrongPasswordIsToldAndNotShown(t *testing.T) {
	server := redistest.Start(t, alice...)
	b := open(t, "redis://alice:hunter2@"+server.Addr(), redis.Options{})
	Until(t, func() error {
		h := b.Health()
		if strings.Contains(h.Reason, "hunter2") {
			t.Fatalf("the reason shows the password: %s", h.Reason)
		}
		if h.Up || !strings.Contains(h.Reason, "WRONGPASS") {
			return fmt.Errorf("health = %+v", h)
		}
		return nil
	})
}

func TestTLS(t *testing.T) {
	server, trust := redistest.StartTLS(t)
	b := open(t, server.URL(), redis.Options{TLS: trust})
	UntilUp(t, b)
	exact, _ := subscribeBoth(t, b)
	Publish(t, b, "price.42", "1")
	exact.Await(t, 1)

	distrustful := open(t, server.URL(), redis.Options{})
	Until(t, func() error {
		if h := distrustful.Health(); !strings.Contains(h.Reason, "certificate") {
			return fmt.Errorf("health = %+v", h)
		}
		return nil
	})
}

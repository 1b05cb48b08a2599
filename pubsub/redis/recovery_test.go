package redis_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/internal/redistest"
	"github.com/sluice-gateway/sluice/pubsub"
	. "github.com/sluice-gateway/sluice/pubsub/pubsubtest"
	"github.com/sluice-gateway/sluice/pubsub/redis"
)

func TestDeliveryResumesAfterRedisWasKilledAndRestarted(t *testing.T) {
	server := redistest.Start(t)
	b := open(t, server.URL(), quick)
	UntilUp(t, b)
	exact, pattern := subscribeBoth(t, b)

	server.Kill()
	h := untilDown(t, b)
	if !strings.Contains(h.Reason, server.Addr()) {
		t.Errorf("reason %q does not name the server", h.Reason)
	}
	if err := b.Publish(t.Context(), "price.42", nil); !errors.Is(err, pubsub.ErrUnavailable) {
		t.Errorf("publish while Redis is away: %v", err)
	}
	server.Restart()
	UntilUp(t, b)

	Publish(t, b, "price.42", "after")
	exact.Await(t, 1)
	pattern.Await(t, 1)
	if h := b.Health(); h.Reconnects != 2 || h.Since.Before(time.Now().Add(-Patience)) {
		t.Errorf("health = %+v, want 2 reconnects", h)
	}
}

func TestAFrozenRedisIsNoticedAndForgiven(t *testing.T) {
	server := redistest.Start(t)
	b := open(t, server.URL(), quick)
	UntilUp(t, b)
	exact, pattern := subscribeBoth(t, b)

	server.Stop()
	start := time.Now()
	if err := b.Publish(t.Context(), "price.42", nil); !errors.Is(err, pubsub.ErrUnavailable) {
		t.Errorf("publish to a frozen Redis: %v", err)
	}
	if took := time.Since(start); took > 3*time.Second {
		t.Errorf("publish took %v to fail", took)
	}
	untilDown(t, b)
	server.Cont()
	UntilUp(t, b)

	Publish(t, b, "price.42", "after")
	Until(t, func() error {
		if !exact.Has("after") || !pattern.Has("after") {
			return errors.New("not delivered after the thaw")
		}
		return nil
	})
}

func TestADeafConnectionIsReplaced(t *testing.T) {
	server := redistest.Start(t)
	proxy := startProxy(t, server.Addr())
	b := open(t, "redis://"+proxy.addr(), quick)
	UntilUp(t, b)
	exact, pattern := subscribeBoth(t, b)

	proxy.deafen() // connections stay, publishing works, nothing is delivered
	h := untilDown(t, b)
	if !strings.Contains(h.Reason, "deaf") {
		t.Errorf("reason = %q", h.Reason)
	}
	UntilUp(t, b)
	Publish(t, b, "price.42", "after")
	exact.Await(t, 1)
	pattern.Await(t, 1)
}

func TestKilledSubscriptionConnectionsComeBack(t *testing.T) {
	server := redistest.Start(t)
	b := open(t, server.URL(), quick)
	UntilUp(t, b)
	exact, pattern := subscribeBoth(t, b)

	server.Do("CLIENT", "KILL", "TYPE", "pubsub")
	Until(t, func() error {
		if h := b.Health(); !h.Up || h.Reconnects < 2 {
			return fmt.Errorf("health = %+v", h)
		}
		return nil
	})
	Publish(t, b, "price.42", "after")
	exact.Await(t, 1)
	pattern.Await(t, 1)
}

func TestSubscriptionsFollowTheMasterOfTheSentinels(t *testing.T) {
	s := redistest.StartSentinel(t)
	b := open(t, s.URL(), quick)
	UntilUp(t, b)
	exact, pattern := subscribeBoth(t, b)
	s.Master.Kill()
	untilDown(t, b)
	UntilUp(t, b)
	Publish(t, b, "price.42", "after")
	exact.Await(t, 1)
	pattern.Await(t, 1)
}

func TestRedisHearsOfASubscriptionOnceAndOfItsEnd(t *testing.T) {
	server := redistest.Start(t)
	b := open(t, server.URL(), redis.Options{})
	UntilUp(t, b)
	var subscriptions []pubsub.Subscription
	for range 3 {
		for _, topic := range []string{"price.1", "price.2", "price.*"} {
			subscriptions = append(subscriptions, Subscribe(t, b, topic, new(Recorder)))
		}
	}
	if got := server.Do("PUBSUB", "NUMSUB", "price.1", "price.2"); got != "price.1\n1\nprice.2\n1" {
		t.Errorf("subscribers: %q, want one per topic and node", got)
	}
	for _, s := range subscriptions {
		s.Close()
	}
	Until(t, func() error {
		channels, patterns := server.Do("PUBSUB", "CHANNELS", "price.*"), server.Do("PUBSUB", "NUMPAT")
		if channels != "" || patterns != "0" {
			return fmt.Errorf("Redis still sends %q and %s patterns", channels, patterns)
		}
		return nil
	})
}

func TestTwentyThousandTopicsComeBack(t *testing.T) {
	const n = 20_000
	server := redistest.Start(t)
	b := open(t, server.URL(), quick)
	UntilUp(t, b)
	var r Recorder
	var subscribing sync.WaitGroup
	for i := range n {
		subscribing.Go(func() {
			if _, err := b.Subscribe(t.Context(), fmt.Sprint("many.", i), &r); err != nil {
				t.Error(err)
			}
		})
	}
	subscribing.Wait()
	server.Do("CLIENT", "KILL", "TYPE", "pubsub")
	Until(t, func() error {
		if h := b.Health(); !h.Up || h.Reconnects < 2 {
			return fmt.Errorf("health = %+v", h)
		}
		return nil
	})
	// Up means that everything is subscribed again, not merely connected.
	for i := 0; i < n; i += 100 {
		Publish(t, b, fmt.Sprint("many.", i), "1")
	}
	r.Await(t, n/100)
}

func TestRedisMayComeAfterTheBroker(t *testing.T) {
	server := redistest.New(t)
	b := open(t, server.URL(), redis.Options{SubscribeTimeout: time.Second})
	var r Recorder
	// Never up: first Subscribe waits for SubscribeTimeout, then none does.
	for range 2 {
		if _, err := b.Subscribe(t.Context(), "price.42", &r); !errors.Is(err, pubsub.ErrUnavailable) {
			t.Errorf("subscribe: %v", err)
		}
	}
	start := time.Now()
	_, err := b.Subscribe(t.Context(), "price.42", &r)
	if took := time.Since(start); err == nil || took > 500*time.Millisecond {
		t.Errorf("subscribe took %v to fail with %v", took, err)
	}
	if h := b.Health(); h.Up || !strings.Contains(h.Reason, "refused") {
		t.Errorf("health = %+v", h)
	}
	server.Restart()
	UntilUp(t, b)
	Subscribe(t, b, "price.42", &r)
	Publish(t, b, "price.42", "1")
	r.Await(t, 1)
}

func TestSubscribeWaitsForRedisToComeBack(t *testing.T) {
	server := redistest.Start(t)
	b := open(t, server.URL(), redis.Options{SubscribeTimeout: Patience})
	UntilUp(t, b)
	server.Kill()
	untilDown(t, b)
	done := make(chan error, 1)
	var r Recorder
	go func() {
		_, err := b.Subscribe(t.Context(), "price.42", &r)
		done <- err
	}()
	server.Restart()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	Publish(t, b, "price.42", "1")
	r.Await(t, 1)
}

func TestSubscribeFailsAtOnceWhenRedisHasBeenAwayForLong(t *testing.T) {
	server := redistest.Start(t)
	b := open(t, server.URL(), redis.Options{Connections: 1, DownAfter: time.Millisecond, SubscribeTimeout: time.Second})
	UntilUp(t, b)
	server.Kill()
	untilDown(t, b)
	Until(t, func() error { // the first may still be within the millisecond
		start := time.Now()
		if _, err := b.Subscribe(t.Context(), "price.42", new(Recorder)); !errors.Is(err, pubsub.ErrUnavailable) {
			t.Fatalf("subscribe: %v", err)
		}
		if took := time.Since(start); took > 500*time.Millisecond {
			return fmt.Errorf("subscribe took %v to fail", took)
		}
		return nil
	})
}

func TestCloseEndsASubscribeThatWaits(t *testing.T) {
	b := open(t, redistest.New(t).URL(), redis.Options{SubscribeTimeout: Patience})
	done := make(chan error, 1)
	go func() {
		_, err := b.Subscribe(t.Context(), "price.42", new(Recorder))
		done <- err
	}()
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	if err := <-done; !errors.Is(err, pubsub.ErrClosed) {
		t.Errorf("err = %v", err)
	}
}

func TestAnOutageIsLoggedOnceAndItsEndOnce(t *testing.T) {
	var log logBuffer
	server := redistest.Start(t)
	b := open(t, server.URL(), redis.Options{Connections: 1, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	UntilUp(t, b)
	for range 3 {
		server.Kill()
		untilDown(t, b)
		// Several attempts fail before it is back: every reason is the same trouble.
		Until(t, func() error {
			if h := b.Health(); !strings.Contains(h.Reason, "refused") {
				return errors.New(h.Reason)
			}
			return nil
		})
		server.Restart()
		UntilUp(t, b)
	}
	down, up := strings.Count(log.String(), "are down"), strings.Count(log.String(), "are up")
	if down != 3 || up != 4 {
		t.Errorf("%d lines down and %d up, want 3 and 4:\n%s", down, up, log.String())
	}
}

// subscribeBoth subscribes price.42 by name and by pattern, which usually share no connection.
func subscribeBoth(t *testing.T, b pubsub.Broker) (exact, pattern *Recorder) {
	t.Helper()
	exact, pattern = new(Recorder), new(Recorder)
	Subscribe(t, b, "price.42", exact)
	Subscribe(t, b, "price.*", pattern)
	return exact, pattern
}

func untilDown(t *testing.T, b pubsub.Broker) pubsub.Health {
	t.Helper()
	var h pubsub.Health
	Until(t, func() error {
		if h = b.Health(); h.Up {
			return errors.New("the broker still says that it is up")
		}
		return nil
	})
	return h
}

// A logBuffer is a log that can be read while it is written.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

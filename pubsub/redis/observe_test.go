package redis_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/internal/redistest"
	"github.com/sluice-gateway/sluice/pubsub"
	"github.com/sluice-gateway/sluice/pubsub/redis"
)

func TestEveryPublishIsObserved(t *testing.T) {
	server := redistest.Start(t)
	var (
		calls   int
		failure error
	)
	b := open(t, server.URL(), redis.Options{PublishTimeout: 20 * time.Second, Observe: func(call string, took time.Duration, err error) {
		if call != "publish" || took <= 0 {
			t.Errorf("a call of %q took %v", call, took)
		}
		calls, failure = calls+1, err
	}})
	if err := b.Publish(t.Context(), "price.42", []byte("1")); err != nil || calls != 1 || failure != nil {
		t.Errorf("%v: %d calls were observed, and %v", err, calls, failure)
	}
	if err := b.Publish(t.Context(), "price.*", []byte("1")); err == nil || calls != 1 {
		t.Errorf("no topic: %v, and %d calls were observed, for Redis was not asked", err, calls)
	}
	left, leave := context.WithCancel(t.Context())
	leave()
	if err := b.Publish(left, "price.42", []byte("1")); !errors.Is(err, context.Canceled) || calls != 2 || failure != nil {
		t.Errorf("a caller who has left: %v: %d calls were observed, and %v", err, calls, failure)
	}
	server.Kill()
	if err := b.Publish(t.Context(), "price.42", []byte("1")); !errors.Is(err, pubsub.ErrUnavailable) || calls != 3 || failure == nil {
		t.Errorf("without Redis: %v: %d calls were observed, and %v", err, calls, failure)
	}
}

func TestEveryReadingIsObserved(t *testing.T) {
	server := redistest.Start(t)
	var calls []string
	b := open(t, server.URL(), redis.Options{Retain: everything, Observe: func(call string, _ time.Duration, err error) {
		if err != nil {
			t.Errorf("%s: %v", call, err)
		}
		calls = append(calls, call)
	}})
	var gap *pubsub.GapError
	read := func() {
		if _, err := b.Read(t.Context(), "log.1", pubsub.Position{}, 1); !errors.As(err, &gap) {
			t.Errorf("read: %v", err)
		}
	}
	read() // from now on logs are not compared
	if err := b.Publish(t.Context(), "log.1", []byte("1")); err != nil {
		t.Fatal(err)
	}
	read()
	if want := []string{"read", "publish", "read"}; !slices.Equal(calls, want) {
		t.Errorf("observed %q", calls)
	}
}

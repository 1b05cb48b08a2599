package pubsub_test

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/sluice-gateway/sluice/pubsub"
)

func TestAnEventIsDecodedOncePerType(t *testing.T) {
	e := &pubsub.Event{Topic: "price.42", Payload: []byte(`42`)}
	var runs atomic.Int32
	decode := func(b []byte) (int, error) {
		runs.Add(1)
		var n int
		return n, json.Unmarshal(b, &n)
	}
	var asking sync.WaitGroup
	for range 10 {
		asking.Go(func() {
			if n, err := pubsub.Decode(e, decode); n != 42 || err != nil {
				t.Errorf("%d, %v", n, err)
			}
		})
	}
	asking.Wait()
	if text, err := pubsub.Decode(e, func(b []byte) (string, error) { return string(b), nil }); text != "42" || err != nil {
		t.Errorf("as a string: %q, %v", text, err)
	}
	if got := runs.Load(); got != 1 {
		t.Errorf("decoded %d times", got)
	}
}

func TestStreamNeedsAFeedOfItsOwn(t *testing.T) {
	decode := func(b []byte) (string, error) { return string(b), nil }
	if _, err := pubsub.Stream(context.Background(), decode); !errors.Is(err, pubsub.ErrNoFeed) {
		t.Errorf("without a feed: %v", err)
	}
	ctx, feed := pubsub.WithFeed(context.Background())
	values, err := pubsub.Stream(ctx, decode)
	if err != nil || !feed.Bound() {
		t.Fatalf("bound %v, %v", feed.Bound(), err)
	}
	if _, err := pubsub.Stream(ctx, decode); !errors.Is(err, pubsub.ErrNoFeed) {
		t.Errorf("a second stream: %v", err)
	}
	if err := feed.Push(&pubsub.Event{Payload: []byte("1")}); err != nil || <-values != "1" {
		t.Errorf("push: %v", err)
	}
}

func TestAPayloadThatCannotBeDecodedIsNotPushed(t *testing.T) {
	ctx, feed := pubsub.WithFeed(context.Background())
	values, err := pubsub.Stream(ctx, func([]byte) (int, error) { return 0, errors.New("no number") })
	if err != nil {
		t.Fatal(err)
	}
	var bad *pubsub.DecodeError
	if err := feed.Push(&pubsub.Event{Topic: "price.42"}); !errors.As(err, &bad) || bad.Topic != "price.42" || len(values) != 0 {
		t.Errorf("err = %v, %d values", err, len(values))
	}
}

package pubsubtest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/pubsub"
)

// Window is how many events Retain keeps.
const Window = 200

// Retain makes the topics below "log" replayable. It is what the brokers of RunLog are made with.
func Retain(topic string) pubsub.Retention {
	if !strings.HasPrefix(topic, "log.") {
		return pubsub.Retention{}
	}
	return pubsub.Retention{Events: Window, For: time.Minute}
}

// LogTopic returns a replayable topic that nobody has used: a log may outlive its brokers.
func LogTopic() string { return "log." + rand.Text()[:10] }

// RunLog runs what a broker promises about replayable topics, against brokers with Retain.
func RunLog(t *testing.T, newBroker NewBroker) {
	for _, test := range []struct {
		name string
		run  func(t *testing.T, a, b pubsub.Broker, topic string)
	}{
		{"positions count from 1, and are the same on every node", positions},
		{"a log is read from every position", readEverywhere},
		{"a log is read in pages", readPages},
		{"what has left the window is a gap", readPastWindow},
		{"a position that is of no event of the log is a gap", readForeign},
		{"a log that nobody has begun is a gap without an epoch", readNothing},
		{"a subscription stands before the first event of a new log", subscribeNew},
		{"a subscriber under fire gets exactly the events after its position", joinUnderFire},
		{"receivers of a topic each have their own position", ownPositions},
		{"one who leaves and comes back stands at the top", comeBack},
		{"an idempotency key has an effect once", idempotent},
		{"an idempotency key is of its topic", idempotentPerTopic},
		{"an idempotency key may be too long", idempotencyTooLong},
		{"a pattern gets positions and stands nowhere", patternPositions},
		{"an event in the log is the event that was received", sameEvent},
		{"a large payload is kept whole", largeKept},
		{"ephemeral topics have no position and no log", ephemeral},
		{"a closed broker reads nothing", closedLog},
	} {
		t.Run(test.name, func(t *testing.T) {
			a, b := newBroker(t)
			UntilUp(t, a)
			UntilUp(t, b)
			test.run(t, a, b, LogTopic())
		})
	}
}

func publishMany(t testing.TB, b pubsub.Broker, topic string, n int) {
	t.Helper()
	for i := range n {
		Publish(t, b, topic, fmt.Sprint(i))
	}
}

func positions(t *testing.T, a, b pubsub.Broker, topic string) {
	var first, second Recorder
	at := Subscribe(t, a, topic, &first).Position()
	if other := Subscribe(t, b, topic, &second).Position(); other != at || at.Epoch == 0 || at.Offset != 0 {
		t.Errorf("the positions are %v and %v", at, other)
	}
	const n = 40
	publishMany(t, a, topic, n/2)
	publishMany(t, b, topic, n/2)
	CheckJoined(t, at, first.Await(t, n))
	for i, e := range second.Await(t, n) {
		if e.Position != first.Events()[i].Position {
			t.Fatalf("event %d has positions %v and %v", i, first.Events()[i].Position, e.Position)
		}
	}
}

func subscribeNew(t *testing.T, a, b pubsub.Broker, topic string) {
	at := Subscribe(t, a, topic, new(Recorder)).Position()
	if past := Read(t, b, topic, at); len(past.Events) != 0 || past.Top != at {
		t.Errorf("a new log has %v", past)
	}
	Publish(t, b, topic, "1")
	CheckJoined(t, at, Read(t, a, topic, at).Events)
}

func joinUnderFire(t *testing.T, a, b pubsub.Broker, topic string) {
	ctx, stop := context.WithCancel(t.Context())
	var firing sync.WaitGroup
	for _, from := range []pubsub.Broker{a, b} {
		firing.Go(func() {
			for ctx.Err() == nil {
				if err := from.Publish(t.Context(), topic, []byte("x")); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	defer firing.Wait()
	defer stop()
	for range 15 {
		var joining sync.WaitGroup
		for _, at := range []pubsub.Broker{a, b, b} { // two at once at one node
			joining.Go(func() {
				var r Recorder
				s, err := at.Subscribe(t.Context(), topic, &r)
				if err != nil {
					t.Error(err)
					return
				}
				defer s.Close()
				if s.Position().IsZero() {
					t.Error("a subscription of a replayable topic has no position")
				}
				awaitJoined(t, &r, s.Position(), 30)
			})
		}
		joining.Wait()
	}
}

// awaitJoined waits for n events, which follow after.
func awaitJoined(t *testing.T, r *Recorder, after pubsub.Position, n int) {
	err := poll(func() error {
		if got := len(r.Events()); got < n {
			return fmt.Errorf("%d of %d events have arrived", got, n)
		}
		return nil
	})
	if err == nil {
		err = Joined(after, r.Events())
	}
	if err != nil {
		t.Error(err)
	}
}

func ownPositions(t *testing.T, a, b pubsub.Broker, topic string) {
	var recorders [5]Recorder
	var all [5]pubsub.Position
	for i := range recorders {
		all[i] = Subscribe(t, b, topic, &recorders[i]).Position()
		publishMany(t, a, topic, 4)
		recorders[i].Await(t, 4)
		if i == 0 && all[i].Offset != 0 {
			t.Errorf("the first stands at %v", all[i])
		}
	}
	for i := range recorders {
		n := 4 * (len(recorders) - i)
		CheckJoined(t, all[i], recorders[i].Await(t, n))
		if last := recorders[i].Events()[n-1].Position.Offset; last != 20 {
			t.Errorf("receiver %d: %d events end at %d", i, n, last)
		}
	}
}

func comeBack(t *testing.T, a, b pubsub.Broker, topic string) {
	for round := range 20 {
		var r Recorder
		s := Subscribe(t, b, topic, &r)
		if got := s.Position().Offset; got != uint64(2*round) {
			t.Fatalf("round %d begins at %d", round, got)
		}
		Publish(t, a, topic, "here")
		r.Await(t, 1)
		s.Close()
		s.Close() // twice must not count twice
		Publish(t, a, topic, "away")
		if round%2 == 0 {
			continue
		}
		CheckJoined(t, s.Position(), Read(t, b, topic, s.Position()).Events)
	}
}

func idempotent(t *testing.T, a, b pubsub.Broker, topic string) {
	var r Recorder
	at := Subscribe(t, b, topic, &r).Position()
	once := pubsub.WithIdempotencyKey(t.Context(), "an order {42} \x00\n*")
	for _, from := range []pubsub.Broker{a, b, a} {
		if err := from.Publish(once, topic, []byte("once")); err != nil {
			t.Fatal(err)
		}
	}
	Publish(t, a, topic, "end")
	r.Await(t, 2)
	if past := Read(t, a, topic, at); len(past.Events) != 2 || string(past.Events[0].Payload) != "once" {
		t.Errorf("the log has %d events", len(past.Events))
	}
	if got := r.Payloads(); len(got) != 2 || got[0] != "once" || got[1] != "end" {
		t.Errorf("received %q", got)
	}
}

func idempotentPerTopic(t *testing.T, a, _ pubsub.Broker, topic string) {
	once := pubsub.WithIdempotencyKey(t.Context(), "key")
	for _, topic := range []string{topic, LogTopic(), "price.42"} {
		var r Recorder
		Subscribe(t, a, topic, &r)
		if err := a.Publish(once, topic, []byte("1")); err != nil {
			t.Fatal(err)
		}
		r.Await(t, 1)
	}
}

func idempotencyTooLong(t *testing.T, a, _ pubsub.Broker, topic string) {
	for length, want := range map[int]error{pubsub.MaxIdempotencyKey: nil, pubsub.MaxIdempotencyKey + 1: pubsub.ErrIdempotencyKey} {
		ctx := pubsub.WithIdempotencyKey(t.Context(), strings.Repeat("k", length))
		if err := a.Publish(ctx, topic, []byte("1")); !errors.Is(err, want) {
			t.Errorf("a key of %d bytes: %v", length, err)
		}
	}
}

func patternPositions(t *testing.T, a, b pubsub.Broker, topic string) {
	var exact, pattern Recorder
	Subscribe(t, b, topic, &exact)
	if at := Subscribe(t, b, pubsub.PatternOf(topic), &pattern).Position(); !at.IsZero() {
		t.Errorf("a pattern stands at %v", at)
	}
	Publish(t, a, topic, "1")
	e, other := pattern.Await(t, 1)[0], exact.Await(t, 1)[0]
	if e.Position != other.Position || e.Position.Offset != 1 || string(e.Payload) != "1" {
		t.Errorf("the pattern got %v %q, and the topic %v", e.Position, e.Payload, other.Position)
	}
	var bad *pubsub.TopicError
	if _, err := a.Read(t.Context(), pubsub.PatternOf(topic), pubsub.Position{}, 1); !errors.As(err, &bad) {
		t.Errorf("read a pattern: %v", err)
	}
}

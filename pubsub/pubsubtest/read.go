package pubsubtest

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/sluice-gateway/sluice/pubsub"
)

// Read reads up to 1,000 events, or fails the test.
func Read(t testing.TB, b pubsub.Broker, topic string, after pubsub.Position) pubsub.Past {
	t.Helper()
	past, err := b.Read(t.Context(), topic, after, 1000)
	if err != nil {
		t.Fatalf("read %q after %v: %v", topic, after, err)
	}
	return past
}

// Joined reports where events do not follow a position, and each other, without a gap.
func Joined(after pubsub.Position, events []*pubsub.Event) error {
	for i, e := range events {
		if e.Gap != nil || e.Position.Epoch != after.Epoch || e.Position.Offset != after.Offset+1 {
			return fmt.Errorf("event %d has position %v, after %v; it is a gap: %t", i, e.Position, after, e.Gap != nil)
		}
		after = e.Position
	}
	return nil
}

// CheckJoined fails the test where Joined reports something.
func CheckJoined(t testing.TB, after pubsub.Position, events []*pubsub.Event) {
	t.Helper()
	if err := Joined(after, events); err != nil {
		t.Fatal(err)
	}
}

func readEverywhere(t *testing.T, a, b pubsub.Broker, topic string) {
	var r Recorder
	at := Subscribe(t, a, topic, &r).Position()
	const n = 20
	publishMany(t, a, topic, n)
	events := r.Await(t, n)
	for i := range n + 1 {
		past := Read(t, b, topic, at)
		if len(past.Events) != n-i || past.Top != events[n-1].Position {
			t.Fatalf("after %v there are %d events up to %v", at, len(past.Events), past.Top)
		}
		CheckJoined(t, at, past.Events)
		if i < n {
			at = events[i].Position
		}
	}
}

func readPages(t *testing.T, a, _ pubsub.Broker, topic string) {
	at := Subscribe(t, a, topic, new(Recorder)).Position()
	publishMany(t, a, topic, 10)
	for _, want := range []int{4, 4, 2, 0} {
		past, err := a.Read(t.Context(), topic, at, 4)
		if err != nil || len(past.Events) != want || past.Top.Offset != 10 {
			t.Fatalf("%v: %d events up to %v, want %d", err, len(past.Events), past.Top, want)
		}
		CheckJoined(t, at, past.Events)
		if want > 0 {
			at = past.Events[want-1].Position
		}
	}
	if past, err := a.Read(t.Context(), topic, at, 0); err != nil || len(past.Events) != 0 || past.Top != at {
		t.Errorf("%v: no events are %v", err, past)
	}
}

func readPastWindow(t *testing.T, a, b pubsub.Broker, topic string) {
	var r Recorder
	at := Subscribe(t, a, topic, &r).Position()
	publishMany(t, a, topic, Window+10)
	events := r.Await(t, Window+10)
	for _, after := range []pubsub.Position{at, events[0].Position, events[9].Position} {
		checkGap(t, b, topic, after, pubsub.GapError{Topic: topic, Epoch: at.Epoch, First: 11, Top: Window + 10})
	}
	if past := Read(t, b, topic, events[10].Position); len(past.Events) != Window-1 {
		t.Errorf("%d events after the oldest", len(past.Events))
	}
}

func checkGap(t *testing.T, b pubsub.Broker, topic string, after pubsub.Position, want pubsub.GapError) {
	t.Helper()
	past, err := b.Read(t.Context(), topic, after, 10)
	var gap *pubsub.GapError
	if !errors.As(err, &gap) || *gap != want {
		t.Errorf("after %v: %v, want %v", after, err, &want)
	}
	if len(past.Events) != 0 || past.Top.Epoch != want.Epoch || past.Top.Offset != want.Top {
		t.Errorf("after %v: a gap comes with %v", after, past)
	}
}

func readForeign(t *testing.T, a, _ pubsub.Broker, topic string) {
	var r Recorder
	start := Subscribe(t, a, topic, &r).Position()
	publishMany(t, a, topic, 3)
	second := r.Await(t, 3)[1].Position
	want := pubsub.GapError{Topic: topic, Epoch: second.Epoch, First: 1, Top: 3}
	for name, after := range map[string]pubsub.Position{
		"none":              {},
		"another epoch":     {Epoch: second.Epoch ^ 1, Offset: 2, ID: second.ID},
		"another id":        {Epoch: second.Epoch, Offset: 2, ID: [12]byte{1}},
		"another's id":      {Epoch: second.Epoch, Offset: 3, ID: second.ID},
		"behind the top":    {Epoch: second.Epoch, Offset: 4, ID: second.ID},
		"far away":          {Epoch: second.Epoch, Offset: 1<<64 - 1, ID: second.ID},
		"an id of no event": {Epoch: start.Epoch, ID: second.ID},
	} {
		t.Run(name, func(t *testing.T) { checkGap(t, a, topic, after, want) })
	}
}

func readNothing(t *testing.T, a, _ pubsub.Broker, topic string) {
	checkGap(t, a, topic, pubsub.Position{Epoch: 1}, pubsub.GapError{Topic: topic})
}

func sameEvent(t *testing.T, a, b pubsub.Broker, topic string) {
	var r Recorder
	at := Subscribe(t, b, topic, &r).Position()
	if err := a.Publish(pubsub.WithTrace(t.Context(), traceparent), topic, []byte("~1 t=1\n{}")); err != nil {
		t.Fatal(err)
	}
	live, read := r.Await(t, 1)[0], Read(t, b, topic, at).Events[0]
	if live.Topic != read.Topic || string(live.Payload) != string(read.Payload) || !live.Published.Equal(read.Published) ||
		live.Trace != read.Trace || live.Position != read.Position {
		t.Errorf("received %q %v %q %v, and read %q %v %q %v", live.Payload, live.Published, live.Trace, live.Position,
			read.Payload, read.Published, read.Trace, read.Position)
	}
	if read.Topic != topic || read.Trace != traceparent || string(read.Payload) != "~1 t=1\n{}" || read.Received.IsZero() {
		t.Errorf("read %q: %q %q %v", read.Topic, read.Payload, read.Trace, read.Received)
	}
}

func largeKept(t *testing.T, a, b pubsub.Broker, topic string) {
	const n = 8 // of 1 MiB each
	payload := strings.Repeat("0123456789abcdef", 1<<16)
	var r Recorder
	at := Subscribe(t, b, topic, &r).Position()
	for range n {
		Publish(t, a, topic, payload)
	}
	CheckJoined(t, at, r.Await(t, n))
	got := 0
	for got < n {
		past := Read(t, a, topic, at)
		if len(past.Events) == 0 {
			t.Fatalf("%d of %d events can be read", got, n)
		}
		CheckJoined(t, at, past.Events)
		for _, e := range past.Events {
			if string(e.Payload) != payload {
				t.Fatalf("%d bytes were kept", len(e.Payload))
			}
		}
		got += len(past.Events)
		at = past.Events[len(past.Events)-1].Position
	}
}

func ephemeral(t *testing.T, a, b pubsub.Broker, _ string) {
	var r Recorder
	if at := Subscribe(t, b, "price.42", &r).Position(); !at.IsZero() {
		t.Errorf("the subscription stands at %v", at)
	}
	Publish(t, a, "price.42", "1")
	if e := r.Await(t, 1)[0]; !e.Position.IsZero() {
		t.Errorf("the event has position %v", e.Position)
	}
	for _, topic := range []string{"price.42", "log", "log.", ""} {
		var bad *pubsub.TopicError
		if _, err := a.Read(t.Context(), topic, pubsub.Position{Epoch: 1}, 1); !errors.As(err, &bad) {
			t.Errorf("read %q: %v", topic, err)
		}
	}
}

func closedLog(t *testing.T, a, _ pubsub.Broker, topic string) {
	var r Recorder
	s := Subscribe(t, a, topic, &r)
	if err := a.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	s.Close()
	if _, err := a.Read(t.Context(), topic, s.Position(), 1); !errors.Is(err, pubsub.ErrClosed) {
		t.Errorf("read: %v", err)
	}
	if _, err := a.Subscribe(t.Context(), topic, &r); !errors.Is(err, pubsub.ErrClosed) {
		t.Errorf("subscribe: %v", err)
	}
	if err := a.Publish(t.Context(), topic, nil); !errors.Is(err, pubsub.ErrClosed) {
		t.Errorf("publish: %v", err)
	}
}

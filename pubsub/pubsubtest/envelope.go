package pubsubtest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/pubsub"
)

// traceparent is that of whoever publishes with a trace.
const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

func envelope(t *testing.T, a, b pubsub.Broker) {
	var exact, pattern Recorder
	Subscribe(t, b, "price.42", &exact)
	Subscribe(t, b, "price.*", &pattern)
	before := time.Now().Truncate(time.Microsecond)
	for _, trace := range []string{traceparent, ""} {
		if err := a.Publish(pubsub.WithTrace(t.Context(), trace), "price.42", []byte("~1 t=1\n{}")); err != nil {
			t.Fatal(err)
		}
	}
	for _, r := range []*Recorder{&exact, &pattern} {
		for i, e := range r.Await(t, 2) {
			if want := []string{traceparent, ""}[i]; e.Trace != want || string(e.Payload) != "~1 t=1\n{}" {
				t.Errorf("event %d = %q, trace %q", i, e.Payload, e.Trace)
			}
			if e.Published.Before(before) || e.Published.After(e.Received) {
				t.Errorf("event %d was published %v, between %v and %v", i, e.Published, before, e.Received)
			}
		}
	}
}

// NewForeign makes a broker, and a way to publish on its backbone as other services do: publish sends
// a message, of whatever bytes, as an event of a topic. It closes both with the test.
type NewForeign func(t *testing.T) (b pubsub.Broker, publish func(topic, message string))

// RunForeign runs what a broker promises about messages that it has not published itself.
func RunForeign(t *testing.T, newForeign NewForeign) {
	micros := time.Now().Add(-time.Minute).UnixMicro()
	for _, test := range []struct {
		name, message string
		payload       string
		published     time.Time
		trace         string
	}{
		{"a bare payload arrives as it is", `{"id": 42}`, `{"id": 42}`, time.Time{}, ""},
		{"an empty message arrives", "", "", time.Time{}, ""},
		{
			"an envelope is taken off and read", fmt.Sprintf("~1 t=%d tp=%s later=1\n{}", micros, traceparent), "{}",
			time.UnixMicro(micros), traceparent,
		},
		{"what is said wrongly is not said", "~1 t=soon tp=me\n{}", "{}", time.Time{}, ""},
		{"a line that is no envelope is payload", "~1 hostile\x00\n{}", "~1 hostile\x00\n{}", time.Time{}, ""},
		{"an envelope without an end is payload", "~1 t=1", "~1 t=1", time.Time{}, ""},
		{"another version is payload", "~2 t=1\n{}", "~2 t=1\n{}", time.Time{}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			b, publish := newForeign(t)
			UntilUp(t, b)
			var exact, pattern Recorder
			Subscribe(t, b, "price.42", &exact)
			Subscribe(t, b, "price.*", &pattern)
			publish("price.42", test.message)
			for _, r := range []*Recorder{&exact, &pattern} {
				e := r.Await(t, 1)[0]
				if e.Topic != "price.42" || string(e.Payload) != test.payload || !e.Published.Equal(test.published) || e.Trace != test.trace {
					t.Errorf("event = %q %q, published %v, trace %q", e.Topic, e.Payload, e.Published, e.Trace)
				}
			}
		})
	}
	t.Run("a clock that is ahead is put back", func(t *testing.T) {
		b, publish := newForeign(t)
		UntilUp(t, b)
		var r Recorder
		Subscribe(t, b, "price.42", &r)
		publish("price.42", fmt.Sprintf("~1 t=%d\n{}", time.Now().Add(time.Hour).UnixMicro()))
		if e := r.Await(t, 1)[0]; !e.Published.Equal(e.Received) {
			t.Errorf("published %v, received %v", e.Published, e.Received)
		}
	})
	t.Run("foreign events and the broker's own are in one order", func(t *testing.T) {
		b, publish := newForeign(t)
		UntilUp(t, b)
		var r Recorder
		Subscribe(t, b, "price.42", &r)
		var want []string
		for i := range 10 {
			publish("price.42", fmt.Sprint(2*i))
			Publish(t, b, "price.42", fmt.Sprint(2*i+1))
			want = append(want, fmt.Sprint(2*i), fmt.Sprint(2*i+1))
		}
		r.Await(t, len(want))
		if got := r.Payloads(); !slices.Equal(got, want) {
			t.Errorf("the order is %v", got)
		}
	})
}

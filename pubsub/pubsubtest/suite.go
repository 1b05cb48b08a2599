// Package pubsubtest is the contract of pubsub.Broker as tests. Every implementation passes Run.
package pubsubtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/sluice-gateway/sluice/pubsub"
)

// NewBroker makes the brokers of two nodes on one empty backbone: what one publishes, the other
// receives. They are the same where a backbone has only one node. It closes them with the test.
type NewBroker func(t *testing.T) (a, b pubsub.Broker)

// Run runs the contract against brokers that newBroker makes, a pair for each test.
func Run(t *testing.T, newBroker NewBroker) {
	for _, test := range []struct {
		name string
		run  func(t *testing.T, a, b pubsub.Broker)
	}{
		{"events arrive in the order they were published", inOrder},
		{"all receivers of a topic see concurrent publishers in one order", oneOrder},
		{"receivers of a topic on one node share the event", sharedEvent},
		{"an event carries its topic and when it came", eventFields},
		{"an event carries when it was published, and the trace", envelope},
		{"a pattern matches exactly one more segment", patterns},
		{"a receiver of a topic and of its pattern gets the event once from each", exactAndPattern},
		{"closing one of two subscriptions leaves the other", referenceCount},
		{"nothing arrives after a subscription is closed", closedSubscription},
		{"bad names are refused with a TopicError", badNames},
		{"a context that is done ends Subscribe", doneContext},
		{"a closed broker refuses everything", closedBroker},
		{"what is published after Subscribe returned is received", confirmed},
		{"subscribing and closing under fire loses nothing", churn},
		{"subscribing again at once is subscribed", resubscribe},
		{"a payload of 1 MiB arrives whole", largePayload},
		{"2,000 topics stay apart", manyTopics},
	} {
		t.Run(test.name, func(t *testing.T) {
			a, b := newBroker(t)
			UntilUp(t, a)
			UntilUp(t, b)
			test.run(t, a, b)
		})
	}
}

func inOrder(t *testing.T, a, b pubsub.Broker) {
	const n = 500
	var r Recorder
	Subscribe(t, b, "price.42", &r)
	for i := range n {
		Publish(t, a, "price.42", fmt.Sprint(i))
	}
	r.Await(t, n)
	for i, got := range r.Payloads() {
		if got != fmt.Sprint(i) {
			t.Fatalf("event %d is %s", i, got)
		}
	}
}

func oneOrder(t *testing.T, a, b pubsub.Broker) {
	const publishers, each = 4, 100
	var first, second, third Recorder
	Subscribe(t, a, "price.42", &first)
	Subscribe(t, b, "price.42", &second)
	Subscribe(t, b, "price.42", yielder{})
	Subscribe(t, b, "price.42", &third)
	var publishing sync.WaitGroup
	for p := range publishers {
		from := []pubsub.Broker{a, b}[p%2]
		publishing.Go(func() {
			for i := range each {
				if err := from.Publish(t.Context(), "price.42", fmt.Appendf(nil, "%d-%d", p, i)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	publishing.Wait()
	for _, r := range []*Recorder{&first, &second, &third} {
		r.Await(t, publishers*each)
	}
	for _, r := range []*Recorder{&second, &third} {
		if !slices.Equal(r.Payloads(), first.Payloads()) {
			t.Error("two receivers saw the events in different orders")
		}
	}
}

// A yielder lets others run between two receivers, where an order that is not kept would show.
type yielder struct{}

// Receive implements pubsub.Receiver.
func (yielder) Receive(*pubsub.Event) { runtime.Gosched() }

func sharedEvent(t *testing.T, a, b pubsub.Broker) {
	var first, second Recorder
	Subscribe(t, b, "price.42", &first)
	Subscribe(t, b, "price.42", &second)
	Publish(t, a, "price.42", "1")
	if first.Await(t, 1)[0] != second.Await(t, 1)[0] {
		t.Error("the receivers got different *Event: each would decode it")
	}
}

func eventFields(t *testing.T, a, b pubsub.Broker) {
	var exact, pattern Recorder
	Subscribe(t, b, "price.42", &exact)
	Subscribe(t, b, "price.*", &pattern)
	Publish(t, a, "price.42", `{"id": 42}`)
	for _, r := range []*Recorder{&exact, &pattern} {
		e := r.Await(t, 1)[0]
		if e.Topic != "price.42" || string(e.Payload) != `{"id": 42}` || e.Received.IsZero() {
			t.Errorf("event = %q %q %v", e.Topic, e.Payload, e.Received)
		}
	}
}

func patterns(t *testing.T, a, b pubsub.Broker) {
	var r Recorder
	Subscribe(t, b, "shop.price.*", &r)
	for _, topic := range []string{"shop.price.1", "shop.price.1.eu", "shop.price", "shop.stock.1", "shop.price.2"} {
		Publish(t, a, topic, topic)
	}
	r.Await(t, 2)
	// Whatever is wrongly on its way comes before this one.
	Publish(t, a, "shop.price.end", "end")
	Until(t, func() error {
		if !r.Has("end") {
			return errors.New("the last event has not arrived")
		}
		return nil
	})
	got := r.Payloads()
	slices.Sort(got) // different topics: no order is promised
	if want := []string{"end", "shop.price.1", "shop.price.2"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func exactAndPattern(t *testing.T, a, b pubsub.Broker) {
	var r Recorder
	Subscribe(t, b, "price.42", &r)
	Subscribe(t, b, "price.*", &r)
	Publish(t, a, "price.42", "1")
	r.Await(t, 2)
	Publish(t, a, "price.42", "2")
	if got := len(r.Await(t, 4)); got != 4 {
		t.Errorf("%d events, want 2 twice", got)
	}
}

func referenceCount(t *testing.T, a, b pubsub.Broker) {
	var gone, stays Recorder
	s := Subscribe(t, b, "price.42", &gone)
	Subscribe(t, b, "price.42", &stays)
	s.Close()
	s.Close() // twice must not count twice
	Publish(t, a, "price.42", "1")
	stays.Await(t, 1)
	if got := gone.Payloads(); got != nil {
		t.Errorf("the closed subscription got %v", got)
	}
}

func closedSubscription(t *testing.T, a, b pubsub.Broker) {
	var gone, witness Recorder
	s := Subscribe(t, b, "price.42", &gone)
	Publish(t, a, "price.42", "1")
	gone.Await(t, 1)
	s.Close()
	Subscribe(t, b, "price.42", &witness)
	Publish(t, a, "price.42", "2")
	witness.Await(t, 1)
	if got := gone.Payloads(); !slices.Equal(got, []string{"1"}) {
		t.Errorf("the closed subscription got %v", got)
	}
}

func badNames(t *testing.T, a, _ pubsub.Broker) {
	for _, topic := range []string{"", ".", "price.", "price..1", "price 1", "*", "*.price", "price.*.eu", strings.Repeat("a", pubsub.MaxTopicLength+1)} {
		var bad *pubsub.TopicError
		if err := a.Publish(t.Context(), topic, nil); !errors.As(err, &bad) {
			t.Errorf("publish %q: %v", topic, err)
		}
		if _, err := a.Subscribe(t.Context(), topic, new(Recorder)); !errors.As(err, &bad) {
			t.Errorf("subscribe %q: %v", topic, err)
		}
	}
	var bad *pubsub.TopicError
	if err := a.Publish(t.Context(), "price.*", nil); !errors.As(err, &bad) {
		t.Errorf("publish to a pattern: %v", err)
	}
}

func doneContext(t *testing.T, a, _ pubsub.Broker) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := a.Subscribe(ctx, "price.42", new(Recorder)); !errors.Is(err, context.Canceled) {
		t.Errorf("err = %v", err)
	}
}

func closedBroker(t *testing.T, a, _ pubsub.Broker) {
	var r Recorder
	s := Subscribe(t, a, "price.42", &r)
	for range 2 {
		if err := a.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	}
	s.Close()
	if err := a.Publish(t.Context(), "price.42", nil); !errors.Is(err, pubsub.ErrClosed) {
		t.Errorf("publish: %v", err)
	}
	if _, err := a.Subscribe(t.Context(), "price.42", &r); !errors.Is(err, pubsub.ErrClosed) {
		t.Errorf("subscribe: %v", err)
	}
	if h := a.Health(); h.Up || h.Reason == "" {
		t.Errorf("health = %+v", h)
	}
}

func confirmed(t *testing.T, a, b pubsub.Broker) {
	for i := range 200 {
		topic := fmt.Sprintf("round.%d", i)
		if i%5 == 0 {
			topic = fmt.Sprintf("round.%d.*", i)
		}
		var r Recorder
		s := Subscribe(t, b, topic, &r)
		Publish(t, a, strings.Replace(topic, "*", "x", 1), "1")
		r.Await(t, 1)
		s.Close()
	}
}

func churn(t *testing.T, a, b pubsub.Broker) {
	const topic = "churn.1"
	ctx, stop := context.WithCancel(t.Context())
	var busy sync.WaitGroup
	for range 2 { // traffic that makes deliveries cross subscribing and closing
		busy.Go(func() {
			for ctx.Err() == nil {
				if err := a.Publish(t.Context(), topic, []byte("noise")); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	var churning sync.WaitGroup
	for worker := range 8 {
		churning.Go(func() {
			for i := range 40 {
				if err := oneVisit(t, a, b, topic, fmt.Sprintf("%d-%d", worker, i)); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	churning.Wait()
	stop()
	busy.Wait()
}

// oneVisit subscribes, sees an event of its own, and leaves.
func oneVisit(t *testing.T, a, b pubsub.Broker, topic, mark string) error {
	w := &watcher{mark: []byte(mark), seen: make(chan struct{}, 1)}
	s, err := b.Subscribe(t.Context(), topic, w)
	if err != nil {
		return err
	}
	defer s.Close()
	if err := a.Publish(t.Context(), topic, []byte(mark)); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(t.Context(), Patience)
	defer cancel()
	select {
	case <-w.seen:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("event %s never arrived", mark)
	}
}

// A watcher waits for one payload.
type watcher struct {
	mark []byte
	seen chan struct{}
}

// Receive implements pubsub.Receiver.
func (w *watcher) Receive(e *pubsub.Event) {
	if bytes.Equal(e.Payload, w.mark) {
		select {
		case w.seen <- struct{}{}:
		default:
		}
	}
}

func resubscribe(t *testing.T, a, b pubsub.Broker) {
	for i := range 100 {
		var before, after Recorder
		Subscribe(t, b, "again.1", &before).Close()
		s := Subscribe(t, b, "again.1", &after)
		Publish(t, a, "again.1", fmt.Sprint(i))
		after.Await(t, 1)
		s.Close()
	}
}

func largePayload(t *testing.T, a, b pubsub.Broker) {
	payload := strings.Repeat("0123456789abcdef", 1<<16)
	var exact, pattern Recorder
	Subscribe(t, b, "big.1", &exact)
	Subscribe(t, b, "big.*", &pattern)
	Publish(t, a, "big.1", payload)
	for _, r := range []*Recorder{&exact, &pattern} {
		if got := r.Await(t, 1)[0].Payload; string(got) != payload {
			t.Errorf("%d bytes arrived, not the %d that were sent", len(got), len(payload))
		}
	}
}

func manyTopics(t *testing.T, a, b pubsub.Broker) {
	const n = 2000
	recorders := make([]Recorder, n)
	var subscribing sync.WaitGroup
	for i := range n {
		subscribing.Go(func() {
			s, err := b.Subscribe(t.Context(), fmt.Sprintf("many.%d", i), &recorders[i])
			if err != nil {
				t.Error(err)
				return
			}
			t.Cleanup(s.Close)
		})
	}
	subscribing.Wait()
	for i := range n {
		Publish(t, a, fmt.Sprintf("many.%d", i), fmt.Sprint(i))
	}
	for i := range recorders {
		recorders[i].Await(t, 1)
		if got := recorders[i].Payloads(); !slices.Equal(got, []string{fmt.Sprint(i)}) {
			t.Fatalf("topic %d got %v", i, got)
		}
	}
}

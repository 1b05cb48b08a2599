package pubsubtest

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/pubsub"
)

// Patience is how long a test waits for what must happen. It is reached only by a failing test.
const Patience = 15 * time.Second

// A Recorder is a pubsub.Receiver that keeps what it gets. The zero Recorder is ready. It is safe
// for concurrent use.
type Recorder struct {
	mu     sync.Mutex
	events []*pubsub.Event
}

// Receive implements pubsub.Receiver.
func (r *Recorder) Receive(e *pubsub.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, e)
}

// Events returns what has arrived, in order.
func (r *Recorder) Events() []*pubsub.Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.events[:len(r.events):len(r.events)]
}

// Payloads returns the payloads of what has arrived, in order.
func (r *Recorder) Payloads() []string {
	var texts []string
	for _, e := range r.Events() {
		texts = append(texts, string(e.Payload))
	}
	return texts
}

// Has reports whether an event with this payload has arrived.
func (r *Recorder) Has(payload string) bool {
	for _, e := range r.Events() {
		if string(e.Payload) == payload {
			return true
		}
	}
	return false
}

// Await waits until n events have arrived, and fails the test when they do not.
func (r *Recorder) Await(t testing.TB, n int) []*pubsub.Event {
	t.Helper()
	Until(t, func() error {
		if got := len(r.Events()); got < n {
			return fmt.Errorf("%d of %d events have arrived", got, n)
		}
		return nil
	})
	return r.Events()
}

// Until calls try until it returns nil, and fails the test with its last error when it never does.
func Until(t testing.TB, try func() error) {
	t.Helper()
	if err := poll(try); err != nil {
		t.Fatalf("after %v: %v", Patience, err)
	}
}

// poll calls try until it returns nil, and returns its last error when it never does.
func poll(try func() error) error {
	deadline := time.NewTimer(Patience)
	defer deadline.Stop()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		err := try()
		if err == nil {
			return nil
		}
		select {
		case <-deadline.C:
			return err
		case <-tick.C:
		}
	}
}

// UntilUp waits until the broker is up.
func UntilUp(t testing.TB, b pubsub.Broker) {
	t.Helper()
	Until(t, func() error {
		if h := b.Health(); !h.Up {
			return fmt.Errorf("the broker is not up: %s", h.Reason)
		}
		return nil
	})
}

// Subscribe subscribes, or fails the test. The subscription is closed with the test.
func Subscribe(t testing.TB, b pubsub.Broker, topic string, r pubsub.Receiver) pubsub.Subscription {
	t.Helper()
	s, err := b.Subscribe(t.Context(), topic, r)
	if err != nil {
		t.Fatalf("subscribe: %v", err)
	}
	t.Cleanup(s.Close)
	return s
}

// Publish publishes, or fails the test.
func Publish(t testing.TB, b pubsub.Broker, topic, payload string) {
	t.Helper()
	if err := b.Publish(t.Context(), topic, []byte(payload)); err != nil {
		t.Fatalf("publish: %v", err)
	}
}

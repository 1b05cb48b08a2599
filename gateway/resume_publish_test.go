package gateway_test

import (
	"strings"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/auth"
	"github.com/sluice-gateway/sluice/gateway"
	"github.com/sluice-gateway/sluice/operation"
	"github.com/sluice-gateway/sluice/pubsub"
	"github.com/sluice-gateway/sluice/pubsub/memory"
	"github.com/sluice-gateway/sluice/transport/transporttest"
)

// serveKept starts a gateway that keeps three events of each topic kept.*, and whose publisher may publish
// there and to room.*.
func serveKept(t *testing.T) (broker *memory.Broker, public string) {
	t.Helper()
	retain := func(topic string) pubsub.Retention {
		if pubsub.Match("kept.*", topic) {
			return pubsub.Retention{Events: 3, For: time.Minute}
		}
		return pubsub.Retention{}
	}
	broker = memory.NewWith(memory.Options{Retain: retain})
	t.Cleanup(func() { _ = broker.Close() })
	viewers := transporttest.NewViewers()
	viewers.Set(publisherKey, &auth.Viewer{Consumer: "billing", Scopes: []string{"publish"}, Publish: []string{"kept.*", "room.*"}})
	_, public, _ = serve(t, gateway.Options{Broker: broker, Authenticator: viewers, Operation: operation.Options{Retain: retain}})
	return broker, public
}

// nobody wants no events.
type nobody struct{}

func (nobody) Receive(*pubsub.Event) {}

// top is the offset of the newest event of a topic that is kept.
func top(t *testing.T, broker *memory.Broker, topic string) uint64 {
	t.Helper()
	s, err := broker.Subscribe(t.Context(), topic, nobody{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	return s.Position().Offset
}

func TestAnEventWithAKeyIsPublishedOnce(t *testing.T) {
	broker, public := serveKept(t)
	for _, tt := range []struct {
		name, topic, key string
		newest           uint64
	}{
		{"the first", "kept.1", "a", 1},
		{"the same again", "kept.1", "a", 1},
		{"another", "kept.1", "b", 2},
		{"the first once more", "kept.1", "a", 2},
		{"of another topic", "kept.2", "a", 1},
		{"without a key", "kept.1", "", 3},
		{"without a key again", "kept.1", "", 4},
	} {
		t.Run(tt.name, func(t *testing.T) {
			header := []string{"Authorization", publisherKey}
			if tt.key != "" {
				header = append(header, "Idempotency-Key", tt.key)
			}
			answer, text := do(t, "POST", public+"/publish/"+tt.topic, "application/json", `{"room":"1","text":"x"}`, header...)
			if answer.StatusCode != 204 {
				t.Fatalf("%d %s", answer.StatusCode, text)
			}
			if got := top(t, broker, tt.topic); got != tt.newest {
				t.Errorf("the newest event is number %d, want %d", got, tt.newest)
			}
		})
	}
}

func TestAKeyThatCannotHoldIsRefused(t *testing.T) {
	broker, public := serveKept(t)
	for _, tt := range []struct{ name, topic, key, says string }{
		{"one too long", "kept.1", strings.Repeat("k", 129), "128"},
		{"one with a space", "kept.1", "a b", "visible ASCII"},
		{"of a topic that is not kept", "room.1", "a", "are not kept"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			answer, text := do(t, "POST", public+"/publish/"+tt.topic, "application/json", `{"room":"1","text":"x"}`,
				"Authorization", publisherKey, "Idempotency-Key", tt.key)
			if answer.StatusCode != 400 || !strings.Contains(text, tt.says) {
				t.Errorf("%d %s, want 400 and %q", answer.StatusCode, text, tt.says)
			}
		})
	}
	if got := top(t, broker, "kept.1"); got != 0 {
		t.Errorf("%d events were published", got)
	}
}

func TestAPlaceThatNobodyCanReadIsRefused(t *testing.T) {
	_, public := serveKept(t)
	for _, tt := range []struct{ name, id string }{
		{"one too long", strings.Repeat("A", 4097)},
		{"one that is no ASCII", "Käse"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			answer, text := do(t, "POST", public+"/graphql", "application/json", `{"query":"subscription { kept(rooms: [\"1\"]) { text } }"}`,
				"Authorization", publisherKey, "Accept", "text/event-stream", "Last-Event-ID", tt.id)
			if answer.StatusCode != 400 || !strings.Contains(text, "Last-Event-ID") {
				t.Errorf("%d %s", answer.StatusCode, text)
			}
		})
	}
}

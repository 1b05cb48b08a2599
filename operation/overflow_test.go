package operation_test

import (
	"fmt"
	"testing"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/sluice-gateway/sluice/internal/outbox"
	"github.com/sluice-gateway/sluice/operation"
	"github.com/sluice-gateway/sluice/share"
)

func TestConfigure(t *testing.T) {
	b := newBench(t, operation.Options{})
	for _, tt := range []struct {
		name, query string
		overflow    outbox.Overflow
		most        int
	}{
		{"a subscription without backpressure", `subscription { message { text } }`, outbox.Disconnect, 0},
		{"one that drops the oldest", `subscription { x: recent { text } }`, outbox.DropOldest, 10},
		{"one of the latest", `subscription { ...f } fragment f on Subscription { latest { text } }`, outbox.Latest, 0},
		{"a query", `{ whoami }`, outbox.Disconnect, 0},
	} {
		var s outbox.Stream
		op := b.prepare(alice, tt.query, "")
		op.Configure(nil, &s)
		if s.Overflow != tt.overflow || s.Most != tt.most {
			t.Errorf("%s: overflow %v and %d events, want %v and %d", tt.name, s.Overflow, s.Most, tt.overflow, tt.most)
		}
		s.Lost(3, outbox.TooSlow)
		s.Lost(4, outbox.Gone)
		if op.Dropped() != 7 {
			t.Errorf("%s: %d dropped, want 7", tt.name, op.Dropped())
		}
	}
}

// A gate is a sink that lets an event in when the test says so.
type gate struct {
	events chan outbox.Event
	open   chan struct{}
}

func (g *gate) Next(e outbox.Event) bool { g.events <- e; <-g.open; return true }

func (*gate) End(gqlerror.List)           {}
func (*gate) Disconnect(operation.Ending) {}

// What a full mailbox refused is told with an event, not in the bytes that all members share; and an
// event says which topic it came from.
func TestMembersAreToldWhatTheMailboxLost(t *testing.T) {
	b := newBench(t, operation.Options{Share: share.Options{MailboxEvents: 2}})
	g := &gate{events: make(chan outbox.Event), open: make(chan struct{})}
	op := b.prepare(alice, `subscription { latest { text } }`, "")
	op.Run(t.Context(), g)
	t.Cleanup(op.Stop)
	b.started()
	b.publish("room.0", message("0", "0"))
	first := <-g.events // its step lasts until the gate opens
	for n := 1; n <= 5; n++ {
		b.publish(fmt.Sprint("room.", n), message(fmt.Sprint(n), fmt.Sprint(n)))
	}
	close(g.open)
	second, third := <-g.events, <-g.events
	for i, e := range []outbox.Event{first, second, third} {
		equal(t, string(e.Body), fmt.Sprintf(`{"data":{"latest":{"text":"%d"}}}`, i))
		equal(t, e.Key, fmt.Sprint("room.", i))
	}
	if first.Dropped != 0 || second.Dropped != 3 || third.Dropped != 0 {
		t.Errorf("%d, %d and %d are told as lost, want 0, 3 and 0", first.Dropped, second.Dropped, third.Dropped)
	}
}

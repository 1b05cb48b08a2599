//go:build linux

package gateway_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sluice-gateway/sluice/gateway"
	"github.com/sluice-gateway/sluice/internal/outbox"
	"github.com/sluice-gateway/sluice/internal/redistest"
	"github.com/sluice-gateway/sluice/internal/testschema"
	"github.com/sluice-gateway/sluice/operation"
	"github.com/sluice-gateway/sluice/pubsub"
	"github.com/sluice-gateway/sluice/pubsub/redis"
	"github.com/sluice-gateway/sluice/transport/graphqlws"
)

const (
	keptEvents  = 20_000 // of 1 KiB
	keptPadding = 1 << 10
	// stallBound is how much of them a process may have in its heap for a reader that has stalled: the outbox, which holds
	// 1 MiB, and two of pages of the log, as they came and as they were made of it.
	stallBound = 3 << 20
	// replayBound is the same for one that reads on: what was read for it stays for others who come later, 4 MiB
	// at most.
	replayBound = stallBound + 4<<20
)

// A patient is a reader of a kept topic, whose events have numbers.
type patient struct {
	*reader
	next int // the number of the event that comes next
	err  error
}

// read reads until it has an event; it blocks.
func (p *patient) read(last int) error {
	buffer := make([]byte, 64<<10)
	for p.next <= last && p.err == nil {
		n, err := receive(p.fd, buffer)
		if err != nil || n == 0 {
			return fmt.Errorf("before event %d: read %d bytes: %w", p.next, n, err)
		}
		p.frames(buffer[:n], p.take)
	}
	return p.err
}

func (p *patient) take(op byte, payload []byte) {
	_, text, isEvent := bytes.Cut(payload, []byte(`"text":"`))
	switch {
	case op == opPing, p.err != nil:
	case !isEvent && !bytes.Contains(payload, []byte(`"type":"ping"`)):
		p.err = fmt.Errorf("before event %d: %x %.200q", p.next, op, payload)
	case isEvent && !bytes.HasPrefix(text, fmt.Append(nil, p.next, " ")):
		p.err = fmt.Errorf("in the place of event %d: %.20q", p.next, text)
	case isEvent:
		p.next++
	}
}

// TestAStalledReaderOfAKeptTopicHasEverythingAndTakesNoMemory has one reader stall while 20 MiB of events are
// published, which another one reads and Redis keeps. Then it reads on. What the test has itself counts too.
func TestAStalledReaderOfAKeptTopicHasEverythingAndTakesNoMemory(t *testing.T) {
	retain := func(topic string) pubsub.Retention {
		if strings.HasPrefix(topic, "kept.") {
			return pubsub.Retention{Events: 2 * keptEvents, For: time.Hour}
		}
		return pubsub.Retention{}
	}
	server := redistest.Start(t)
	broker, err := redis.New(server.URL(), redis.Options{Retain: retain, PublishTimeout: 20 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	g, address := serveSockets(t, gateway.Options{
		Broker: broker, Log: slog.New(slog.DiscardHandler), Operation: operation.Options{Retain: retain},
		WebSocket: graphqlws.Options{ // it is memory that is looked at, and no clock
			PingInterval: time.Hour,
			Socket:       outbox.SocketOptions{Deadline: time.Hour, Stall: time.Hour},
		},
	}, broker)
	stalled, quick := seat(t, address, 16<<10), seat(t, address, 0)
	eventually(t, func() error {
		if s := g.Stats(); s.Members != 2 || s.Starting != 0 {
			return fmt.Errorf("%d have subscribed", s.Members)
		}
		return nil
	})
	publish := publisher(t, broker)

	before := inUse()
	look := func(most int64, format string, values ...any) {
		grown := inUse() - before
		t.Logf("%.2f MiB: "+format, append([]any{float64(grown) / (1 << 20)}, values...)...)
		if grown > most {
			t.Errorf("the heap has grown by %d bytes, and may by %d", grown, most)
		}
	}
	for n := 0; n < keptEvents; n += 1000 {
		publish(1000)
		if err := quick.read(n + 999); err != nil {
			t.Fatal(err)
		}
		if n%4000 == 3000 {
			look(stallBound, "it has stalled, and %d were published", n+1000)
		}
	}
	if behind := g.Stats().Behind; behind != 1 {
		t.Fatalf("%d are behind", behind)
	}
	for n := 2500; n < keptEvents; n += 2500 {
		if err := stalled.read(n); err != nil {
			t.Fatal(err)
		}
		look(replayBound, "it reads on, and has %d", n)
	}
	if err := stalled.read(keptEvents - 1); err != nil {
		t.Fatal(err)
	}
	publish(1)
	for _, p := range []*patient{stalled, quick} {
		if err := p.read(keptEvents); err != nil {
			t.Fatal(err)
		}
	}
	look(replayBound, "it has everything")
}

// serveSockets starts a gateway on loopback, which the end of the test closes, and its broker.
func serveSockets(t *testing.T, options gateway.Options, broker pubsub.Broker) (*gateway.Gateway, netip.AddrPort) {
	t.Helper()
	g, err := gateway.New(testschema.New(), options)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(g)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		if err := g.Close(ctx, 0); err != nil {
			t.Error(err)
		}
		_ = broker.Close()
		server.Close()
	})
	return g, netip.MustParseAddrPort(server.Listener.Addr().String())
}

// seat has a reader subscribe, without waiting until it has. The kernel takes in so many bytes for it; 0: as it likes.
func seat(t *testing.T, address netip.AddrPort, receive int) *patient {
	t.Helper()
	r, err := join(address, `subscription { kept(rooms: ["1"]) { text } }`, receive)
	if err == nil {
		err = unix.SetNonblock(r.fd, false)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(r.fd) })
	return &patient{reader: r}
}

// publisher returns what publishes so many events, whose numbers go on from call to call.
func publisher(t *testing.T, broker pubsub.Broker) func(events int) {
	padding, next := strings.Repeat("x", keptPadding), 0
	return func(events int) {
		t.Helper()
		for range events {
			if err := broker.Publish(t.Context(), "kept.1", fmt.Appendf(nil, `{"room":"1","text":"%d %s"}`, next, padding)); err != nil {
				t.Fatal(err)
			}
			next++
		}
	}
}

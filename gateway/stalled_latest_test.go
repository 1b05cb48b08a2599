package gateway_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"github.com/sluice-gateway/sluice/gateway"
	"github.com/sluice-gateway/sluice/internal/testschema"
	"github.com/sluice-gateway/sluice/transport/transporttest"
)

// A slowReader reads the latest of ten rooms, on a network in memory that holds nothing for it.
type slowReader struct {
	*websocket.Conn
	newest
	read, lost int
}

// follow starts a gateway and a reader of it.
func follow(t *testing.T) (*transporttest.Node, *gateway.Gateway, *slowReader) {
	t.Helper()
	node := transporttest.NewRooms(t)
	g, err := gateway.New(testschema.New(), gateway.Options{Broker: node.Broker, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := g.Close(context.Background(), 0); err != nil {
			t.Error(err)
		}
	})
	node.Serve(g)
	dialer := websocket.Dialer{
		Subprotocols:   []string{"graphql-transport-ws"},
		NetDialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return node.Dial(ctx) },
	}
	conn, answer, err := dialer.DialContext(t.Context(), "ws://sluice.test/graphql", nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	t.Cleanup(func() { _ = conn.Close() })
	for _, text := range []string{
		`{"type":"connection_init"}`,
		`{"id":"1","type":"subscribe","payload":{"query":"subscription { latest { text } }"}}`,
	} {
		if err := conn.WriteMessage(websocket.TextMessage, []byte(text)); err != nil {
			t.Fatal(err)
		}
		synctest.Wait() // nothing may be subscribed before the acknowledgement, nor published before that
	}
	return node, g, &slowReader{Conn: conn}
}

// readNext reads one event, and answers what comes before.
func (r *slowReader) readNext() error {
	for {
		_, text, err := r.ReadMessage()
		if err != nil {
			return fmt.Errorf("after %d events: %w", r.read, err)
		}
		a, ok := parseArrival(text)
		if !ok {
			continue
		}
		r.read++
		r.lost += a.dropped
		return r.take(a.number)
	}
}

// What waits is counted anywhere between the publisher and the reader: ten events in the outbox, those
// that were framed for one write, and what the reader has taken in with the one that it reads.
func TestAReaderOfTheLatestThatIsSlowForEver(t *testing.T) {
	const (
		events = 20_000 // a thousand a second
		pause  = 200    // of which the reader reads five a second
		most   = rooms + 4 + 4
	)
	synctest.Test(t, func(t *testing.T) {
		node, g, r := follow(t)
		for n := range events {
			sayNumber(t, node.Broker, n)
			time.Sleep(time.Millisecond)
			if n%pause != pause-1 {
				continue
			}
			if err := r.readNext(); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			s := g.Stats()
			if waiting := n + 1 - r.read - int(s.Conflated); waiting > most || s.Dropped != 0 {
				t.Fatalf("%d events wait, want %d at most; %d were dropped", waiting, most, s.Dropped)
			}
		}
		for r.read+r.lost < events {
			time.Sleep(pause * time.Millisecond)
			if err := r.readNext(); err != nil {
				t.Fatal(err)
			}
		}
		if err := r.of(events); err != nil {
			t.Error(err)
		}
		if r.read > events/pause+most {
			t.Errorf("%d events were read", r.read)
		}
	})
}

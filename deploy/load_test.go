package deploy_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/sluice-gateway/sluice/analytics"
	"github.com/sluice-gateway/sluice/analytics/ledger/webhook"
	"github.com/sluice-gateway/sluice/documents"
	"github.com/sluice-gateway/sluice/gateway"
	"github.com/sluice-gateway/sluice/internal/testschema"
	"github.com/sluice-gateway/sluice/operation"
	"github.com/sluice-gateway/sluice/pubsub"
	"github.com/sluice-gateway/sluice/pubsub/memory"
)

// A node is a gateway with clients on every transport, which have been served and refused.
type node struct {
	t                *testing.T
	public, operator string
}

// startNodes starts gateways that share a broker, and has events published until the test ends.
func startNodes(t *testing.T, n int) []*node {
	t.Helper()
	broker := memory.New()
	ctx, stop := context.WithCancel(context.Background())
	var clients sync.WaitGroup
	var nodes []*node
	t.Cleanup(func() {
		stop()
		clients.Wait()
		_ = broker.Close()
	})
	for range n {
		backends := analytics.NewBackends()
		g, err := gateway.New(testschema.New(), gateway.Options{
			Broker:     &watched{broker, backends.Of("broker")},
			Backends:   backends,
			UsageStats: func() *gateway.UsageStats { return &gateway.UsageStats{Webhook: new(webhook.Status)} },
			Operation:  operation.Options{Persisted: operation.Persisted{Trusted: trusted(t)}},
			Log:        slog.New(slog.DiscardHandler),
		})
		if err != nil {
			t.Fatal(err)
		}
		public, operator := httptest.NewServer(g), httptest.NewServer(g.Operator())
		t.Cleanup(func() {
			if err := g.Close(context.Background(), 0); err != nil {
				t.Error(err)
			}
			public.Close()
			operator.Close()
		})
		made := &node{t, public.URL, operator.URL}
		made.serve(ctx, &clients)
		clients.Go(func() { invalidate(ctx, g) })
		nodes = append(nodes, made)
	}
	clients.Go(func() { publish(ctx, broker) })
	return nodes
}

// A watched is a broker whose calls are counted, as those of Redis are.
type watched struct {
	pubsub.Broker
	calls func(call string, took time.Duration, err error)
}

// Publish implements pubsub.Broker.
func (b *watched) Publish(ctx context.Context, topic string, payload []byte) error {
	began := time.Now()
	err := b.Broker.Publish(ctx, topic, payload)
	b.calls("publish", time.Since(began), err)
	return err
}

// trusted has the document of chat, so that its operation keeps its name.
func trusted(t *testing.T) *documents.Trusted {
	t.Helper()
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "chat.graphql"), []byte(chatDocument), 0o600); err != nil {
		t.Fatal(err)
	}
	all, err := documents.Load(folder)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

const (
	chatDocument = `subscription Chat { message(rooms: [1]) { text } }`

	chat  = `{"query":"` + chatDocument + `"}`
	notes = `{"query":"query @live(throttle: 100) { notes { text } }"}`
	deep  = `{"query":"{ plants { ` + "%s" + ` } }"}`
)

// serve has clients subscribe, ask, ask for too much, and break the protocol.
func (n *node) serve(ctx context.Context, clients *sync.WaitGroup) {
	for _, stream := range []struct{ accept, body string }{
		{"text/event-stream", chat},
		{`multipart/mixed;subscriptionSpec="1.0"`, chat},
		{"text/event-stream", notes},
	} {
		answer := n.post(ctx, stream.accept, stream.body)
		clients.Go(func() { discard(answer) })
	}
	for range 2 {
		socket := n.connect(ctx)
		n.send(socket, `{"type":"connection_init"}`)
		n.send(socket, `{"id":"1","type":"subscribe","payload":`+chat+`}`)
		clients.Go(func() { drain(ctx, socket) })
	}
	broken := n.connect(ctx)
	n.send(broken, `{"type":"nonsense"}`)
	clients.Go(func() { drain(ctx, broken) })
	discard(n.post(ctx, "application/json", `{"query":"{ hello }"}`))
	discard(n.post(ctx, "application/json", fmt.Sprintf(deep, strings.Repeat("parent { ", 20)+"name"+strings.Repeat(" }", 20))))
}

func (n *node) post(ctx context.Context, accept, body string) *http.Response {
	n.t.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, n.public+"/graphql", strings.NewReader(body))
	if err != nil {
		n.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", accept)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		n.t.Fatal(err)
	}
	return answer
}

func discard(answer *http.Response) {
	_, _ = io.Copy(io.Discard, answer.Body)
	_ = answer.Body.Close()
}

func (n *node) connect(ctx context.Context) *websocket.Conn {
	n.t.Helper()
	dialer := websocket.Dialer{Subprotocols: []string{"graphql-transport-ws"}}
	socket, answer, err := dialer.DialContext(ctx, strings.Replace(n.public, "http", "ws", 1)+"/graphql", nil)
	if err != nil {
		n.t.Fatal(err)
	}
	_ = answer.Body.Close()
	return socket
}

func (n *node) send(socket *websocket.Conn, text string) {
	n.t.Helper()
	if err := socket.WriteMessage(websocket.TextMessage, []byte(text)); err != nil {
		n.t.Fatal(err)
	}
}

// drain reads until the session ends.
func drain(ctx context.Context, socket *websocket.Conn) {
	defer context.AfterFunc(ctx, func() { _ = socket.Close() })()
	for {
		if _, _, err := socket.ReadMessage(); err != nil {
			_ = socket.Close()
			return
		}
	}
}

// publish publishes fifty events a second, some of which nothing understands.
func publish(ctx context.Context, broker *memory.Broker) {
	each(ctx, func(i int) {
		payload := `{"room":"1","text":"hello"}`
		if i%50 == 0 {
			payload = `[]`
		}
		_ = broker.Publish(ctx, "room.1", []byte(payload))
	})
}

// invalidate changes what the live query shows.
func invalidate(ctx context.Context, g *gateway.Gateway) {
	each(ctx, func(i int) {
		_, _ = g.Do(ctx, operation.Request{Query: fmt.Sprintf(`mutation { write(id: "1", text: "%d") { id } }`, i)})
	})
}

func each(ctx context.Context, do func(i int)) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for i := 0; ; i++ {
		select {
		case <-tick.C:
			do(i)
		case <-ctx.Done():
			return
		}
	}
}

package graphqlws_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/sluice-gateway/sluice/auth"
	"github.com/sluice-gateway/sluice/internal/testschema"
	"github.com/sluice-gateway/sluice/internal/work"
	"github.com/sluice-gateway/sluice/operation"
	"github.com/sluice-gateway/sluice/pubsub/memory"
	"github.com/sluice-gateway/sluice/share"
	"github.com/sluice-gateway/sluice/transport"
	"github.com/sluice-gateway/sluice/transport/graphqlws"
	"github.com/sluice-gateway/sluice/transport/transporttest"
)

// A node is a server on the test schema, on a real socket.
type node struct {
	t        testing.TB
	broker   *memory.Broker
	engine   *operation.Engine
	viewers  *transporttest.Viewers
	sessions *transport.Sessions
	http     *httptest.Server
}

const (
	aliceKey = "alice's own secret key"
	bobKey   = "bob's own secret key"
)

var alice = &auth.Viewer{Consumer: "shop", Subject: "alice", Key: "alice-1", KeySecret: 1}

func newNode(t testing.TB, options graphqlws.Options, secure bool) *node {
	t.Helper()
	n := &node{t: t, broker: memory.New(), viewers: transporttest.NewViewers()}
	n.viewers.Set(aliceKey, alice)
	n.viewers.Set(bobKey, &auth.Viewer{Consumer: "shop", Subject: "bob"})
	pool := work.NewPool()
	quiet := slog.New(slog.DiscardHandler)
	var err error
	n.engine, err = operation.New(testschema.New(), n.broker, pool, operation.Options{
		Log:   quiet,
		Share: share.Options{Linger: time.Millisecond},
	})
	if err != nil {
		t.Fatal(err)
	}
	n.sessions = transport.NewSessions(n.engine, auth.NewGrants(n.viewers), transport.SessionLimits{})
	options.Log = quiet
	origins := transport.NewOrigins([]string{"https://shop.example"})
	reader := transport.NewReader(n.viewers, origins, transport.ReaderOptions{
		Credentials: transport.CredentialOptions{Cookie: "session"},
	})
	server := graphqlws.New(n.engine, reader, n.sessions, pool, options)
	n.http = httptest.NewUnstartedServer(server)
	n.http.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	if secure {
		n.http.StartTLS()
	} else {
		n.http.Start()
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := n.sessions.Close(ctx, operation.Restarting, 0, 20*time.Second); err != nil {
			t.Errorf("sessions did not end: %v", err)
		}
		n.http.Close()
		n.engine.Close()
		pool.Close()
	})
	return n
}

func (n *node) url() string { return "ws" + strings.TrimPrefix(n.http.URL, "http") }

// dial opens a WebSocket.
func (n *node) dial(header http.Header, protocols ...string) *websocket.Conn {
	n.t.Helper()
	dialer := websocket.Dialer{Subprotocols: protocols, HandshakeTimeout: 10 * time.Second}
	if client, ok := n.http.Client().Transport.(*http.Transport); ok {
		dialer.TLSClientConfig = client.TLSClientConfig.Clone()
		if dialer.TLSClientConfig != nil {
			dialer.TLSClientConfig.NextProtos = nil
		}
	}
	ws, _, err := dialer.Dial(n.url(), header)
	if err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() { _ = ws.Close() })
	_ = ws.SetReadDeadline(time.Now().Add(20 * time.Second))
	return ws
}

// open opens a WebSocket and has it acknowledged.
func (n *node) open() *websocket.Conn {
	n.t.Helper()
	ws := n.dial(nil, graphqlws.Subprotocol)
	n.send(ws, `{"type":"connection_init"}`)
	n.want(ws, `{"type":"connection_ack"}`)
	return ws
}

func (n *node) send(ws *websocket.Conn, text string) {
	n.t.Helper()
	if err := ws.WriteMessage(websocket.TextMessage, []byte(text)); err != nil {
		n.t.Fatal(err)
	}
}

// read returns the next message that is no ping, or "close CODE REASON".
func (n *node) read(ws *websocket.Conn) string {
	n.t.Helper()
	for {
		_, text, err := ws.ReadMessage()
		var closed *websocket.CloseError
		if errors.As(err, &closed) {
			return strings.TrimSpace("close " + closeText(closed))
		}
		if err != nil {
			n.t.Fatalf("read: %v", err)
		}
		if string(text) != `{"type":"ping"}` {
			return string(text)
		}
	}
}

func (n *node) want(ws *websocket.Conn, want string) {
	n.t.Helper()
	if got := n.read(ws); got != want {
		n.t.Fatalf("got  %s\nwant %s", got, want)
	}
}

func (n *node) publish(topic, payload string) {
	n.t.Helper()
	if err := n.broker.Publish(n.t.Context(), topic, []byte(payload)); err != nil {
		n.t.Fatal(err)
	}
}

// settled waits until a number of operations receive events, and no group is starting.
func (n *node) settled(members int) {
	n.t.Helper()
	eventually(n.t, "the subscriptions run", func() bool {
		s := n.engine.Stats()
		return s.Members == members && s.Starting == 0
	})
}

func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-deadline:
			t.Fatal("never: " + what)
		case <-tick.C:
		}
	}
}

package gateway

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/sluice-gateway/sluice/auth"
	"github.com/sluice-gateway/sluice/documents"
	"github.com/sluice-gateway/sluice/internal/testschema"
	"github.com/sluice-gateway/sluice/operation"
	"github.com/sluice-gateway/sluice/transport/transporttest"
)

// A narrowing store takes a right away while a document is looked up: the operation was asked for
// with rights that are gone before it is known to its session.
type narrowing struct {
	g       *Gateway
	viewers *transporttest.Viewers
	text    string
}

const clerk = "the key of a clerk"

func (n *narrowing) Get(ctx context.Context, _ string) (string, bool, error) {
	n.viewers.Set(clerk, &auth.Viewer{Consumer: "web", Key: clerk})
	return n.text, true, n.g.sessions.Grants().Recheck(ctx, clerk)
}

func (*narrowing) Put(context.Context, string, string) error { return nil }

// onceNarrowed starts a gateway on which asking for a document by its hash costs the clerk a scope.
func onceNarrowed(t *testing.T, text string) (url, body string) {
	t.Helper()
	viewers := transporttest.NewViewers()
	viewers.Set(clerk, &auth.Viewer{Consumer: "web", Key: clerk, Scopes: []string{"audit", "staff", "read"}})
	store := &narrowing{viewers: viewers, text: text}
	g, err := New(testschema.New(), Options{
		Authenticator: viewers,
		Operation:     operation.Options{Persisted: operation.Persisted{Store: store}},
		Log:           slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	store.g = g
	server := httptest.NewServer(g)
	t.Cleanup(func() {
		if err := g.Close(context.Background(), 0); err != nil {
			t.Error(err)
		}
		server.Close()
	})
	return server.URL, fmt.Sprintf(`{"extensions":{"operationId":"1","persistedQuery":{"version":1,"sha256Hash":%q}}}`, documents.Hash(text))
}

func TestRightsThatAreLostWhileASocketPreparesAnOperation(t *testing.T) {
	for _, text := range []string{`subscription { audit(room: "1") { text } }`, `{ staff(note: "") }`} {
		url, body := onceNarrowed(t, text)
		dialer := websocket.Dialer{Subprotocols: []string{"graphql-transport-ws"}}
		conn, answer, err := dialer.DialContext(t.Context(), strings.Replace(url, "http", "ws", 1)+"/graphql",
			http.Header{"Authorization": {"Bearer " + clerk}})
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		defer func() { _ = conn.Close() }()
		_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
		for _, message := range []string{`{"type":"connection_init"}`, `{"id":"1","type":"subscribe","payload":` + body + `}`} {
			if err := conn.WriteMessage(websocket.TextMessage, []byte(message)); err != nil {
				t.Fatal(err)
			}
			_, got, err := conn.ReadMessage()
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(message, "subscribe") && !bytes.Contains(got, []byte("FORBIDDEN")) {
				t.Errorf("%s goes on: %s", text, got)
			}
		}
	}
}

func TestRightsThatAreLostWhileASingleConnectionPreparesAnOperation(t *testing.T) {
	url, body := onceNarrowed(t, `subscription { audit(room: "1") { text } }`)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	ask := func(method, token, body, accept string) *http.Response {
		t.Helper()
		r, err := http.NewRequestWithContext(ctx, method, url+"/graphql/stream", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+clerk)
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Accept", accept)
		if token != "" {
			r.Header.Set("X-GraphQL-Event-Stream-Token", token)
		}
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		return answer
	}
	reserved := ask(http.MethodPut, "", "", "text/plain")
	token, _ := io.ReadAll(reserved.Body)
	_ = reserved.Body.Close()
	stream := ask(http.MethodGet, string(token), "", "text/event-stream")
	defer func() { _ = stream.Body.Close() }()
	_ = ask(http.MethodPost, string(token), body, "application/json").Body.Close()
	for lines := bufio.NewScanner(stream.Body); lines.Scan(); {
		if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
			if !strings.Contains(data, "FORBIDDEN") {
				t.Errorf("it goes on: %s", data)
			}
			return
		}
	}
	t.Error("the stream has ended")
}

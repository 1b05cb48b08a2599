package gateway_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/auth"
	"github.com/sluice-gateway/sluice/documents"
	"github.com/sluice-gateway/sluice/gateway"
	"github.com/sluice-gateway/sluice/internal/redistest"
	"github.com/sluice-gateway/sluice/operation"
	"github.com/sluice-gateway/sluice/share"
	"github.com/sluice-gateway/sluice/transport/transporttest"
)

// samples are those of /metrics, by name and labels.
func samples(t *testing.T, operator string) map[string]string {
	t.Helper()
	answer, text := do(t, http.MethodGet, operator+"/metrics", "", "")
	if answer.StatusCode != http.StatusOK {
		t.Fatalf("%d: %s", answer.StatusCode, text)
	}
	all := make(map[string]string)
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), "} "); ok {
			all[name+"}"] = value
		} else if name, value, ok := strings.Cut(strings.TrimSpace(line), " "); ok && name != "#" {
			all[name] = value
		}
	}
	return all
}

// shows waits until /metrics has these samples.
func shows(t *testing.T, operator string, want ...string) {
	t.Helper()
	if err := redistest.Poll(10*time.Second, func() error {
		got := samples(t, operator)
		for _, sample := range want {
			at := strings.LastIndex(sample, " ")
			if got[sample[:at]] != sample[at+1:] {
				return fmt.Errorf("%s is %q, want %s", sample[:at], got[sample[:at]], sample[at+1:])
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

// watchRoom subscribes to room 1 by a stream of HTTP, until the function that it returns is called.
func watchRoom(t *testing.T, public, accept string) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, public+"/graphql",
		strings.NewReader(`{"query":"subscription Chat { message(rooms: [\"1\"]) { text } }"}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", accept)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	read := make(chan struct{})
	go func() {
		defer close(read)
		_, _ = io.Copy(io.Discard, bufio.NewReader(answer.Body))
		_ = answer.Body.Close()
	}()
	return func() { cancel(); <-read }
}

func trusted(t *testing.T, text string) *documents.Trusted {
	t.Helper()
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "a.graphql"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	all, err := documents.Load(folder)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestMetricsTellTransportsApart(t *testing.T) {
	steps := make(chan share.Step, 10)
	viewers := transporttest.NewViewers()
	viewers.Set("token", &auth.Viewer{Consumer: "shop", Subject: "1", Scopes: []string{"publish"}, Publish: []string{"room.*"}})
	_, public, operator := serve(t, gateway.Options{Authenticator: viewers, Operation: operation.Options{
		Persisted: operation.Persisted{Trusted: trusted(t, "subscription Chat { message(rooms: [\"1\"]) { text } }\n")},
		Share:     share.Options{Observe: func(s share.Step) { steps <- s }},
	}})
	byEvents := watchRoom(t, public, "text/event-stream")
	byParts := watchRoom(t, public, `multipart/mixed;subscriptionSpec="1.0"`)
	socket, ok := connect(t, public, "1", "token")
	if !ok {
		t.Fatal("the token is not good")
	}
	shows(t, operator,
		`sluice_sessions{transport="sse"} 1`, `sluice_sessions{transport="multipart"} 1`, `sluice_sessions{transport="websocket"} 1`,
		`sluice_operations{transport="sse",type="subscription"} 1`,
		`sluice_operations_total{field="Subscription.message",operation="Chat",transport="multipart",type="subscription"} 1`,
		`sluice_operations_total{field="Subscription.own",operation="other",transport="websocket",type="subscription"} 1`,
		`sluice_groups 2`, `sluice_group_members 3`, `sluice_starting_groups 0`, `sluice_broker_up 1`,
	)
	if answer, text := do(t, http.MethodPost, public+"/publish/room.1", "application/json", `{"room":"1","text":"x"}`, "Authorization", "Bearer token"); answer.StatusCode != http.StatusNoContent {
		t.Fatalf("%d: %s", answer.StatusCode, text)
	}
	shows(t, operator,
		`sluice_deliveries_total{field="Subscription.message",operation="Chat",transport="sse",type="subscription"} 1`,
		`sluice_deliveries_total{field="Subscription.message",operation="Chat",transport="multipart",type="subscription"} 1`,
		`sluice_deliveries_total{field="Subscription.own",operation="other",transport="websocket",type="subscription"} 1`,
		`sluice_delivered_bytes_total{field="Subscription.own",operation="other",transport="websocket",type="subscription"} 29`,
		`sluice_executions_total 2`, `sluice_group_deliveries_total 3`,
		`sluice_execution_seconds_count{field="Subscription.message"} 1`,
		`sluice_delivery_seconds_count{field="Subscription.own"} 1`,
	)
	if s := <-steps; s.Topic != "room.1" {
		t.Errorf("the options' own observer was told %+v", s)
	}
	byEvents()
	byParts()
	_ = socket.Close()
	shows(t, operator,
		`sluice_sessions{transport="sse"} 0`, `sluice_sessions{transport="multipart"} 0`, `sluice_sessions{transport="websocket"} 0`,
		`sluice_operations{transport="sse",type="subscription"} 0`,
	)
}

func TestMetricsAreForOperatorsOnly(t *testing.T) {
	_, public, operator := serve(t, gateway.Options{})
	if answer, _ := do(t, http.MethodGet, public+"/metrics", "", ""); answer.StatusCode != http.StatusNotFound {
		t.Errorf("front ends get %d", answer.StatusCode)
	}
	if answer, _ := do(t, http.MethodPost, operator+"/metrics", "", ""); answer.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST gets %d", answer.StatusCode)
	}
}

// A client makes up 10,000 operations, clients and codes of documents that are refused: the node's metrics
// and its memory stay what they are.
func TestHostileClientsAddNoMetrics(t *testing.T) {
	g, public, operator := serve(t, gateway.Options{})
	flood := func(from, to int) {
		for i := from; i < to; i++ {
			req := operation.Request{
				Query:  fmt.Sprintf("query Hostile%d { hello }", i),
				Client: operation.Client{Name: fmt.Sprint("client", i), Version: fmt.Sprint(i)},
			}
			if _, err := g.Do(t.Context(), req); err != nil {
				t.Fatal(err)
			}
			if i%100 == 0 {
				do(t, http.MethodPost, public+"/graphql", "application/json", fmt.Sprintf(`{"query":"{ unknown%d }","operationName":"N%d"}`, i, i))
			}
		}
	}
	flood(0, 5000)
	before, series := inUse(), len(samples(t, operator))
	flood(5000, 10_000)
	if grown := inUse() - before; grown > 2<<20 {
		t.Errorf("5,000 more operations have cost %d KiB", grown>>10)
	}
	if now := len(samples(t, operator)); now != series || now > 500 {
		t.Errorf("%d series became %d", series, now)
	}
	shows(t, operator, `sluice_operations_total{field="Query.hello",operation="other",transport="program",type="query"} 10000`)
}

func inUse() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

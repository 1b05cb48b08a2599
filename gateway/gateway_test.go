package gateway_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sluice-gateway/sluice/auth"
	"github.com/sluice-gateway/sluice/gateway"
	"github.com/sluice-gateway/sluice/internal/testschema"
	"github.com/sluice-gateway/sluice/operation"
	"github.com/sluice-gateway/sluice/pubsub"
	"github.com/sluice-gateway/sluice/transport/transporttest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const publisherKey = "the key of a publisher"

// serve starts a gateway on the test schema with both of its listeners. By default, it knows a
// publisher.
func serve(t *testing.T, options gateway.Options) (g *gateway.Gateway, public, operator string) {
	t.Helper()
	options.Log = slog.New(slog.DiscardHandler)
	if options.Authenticator == nil {
		viewers := transporttest.NewViewers()
		viewers.Set(publisherKey, &auth.Viewer{
			Consumer: "billing", Scopes: []string{"publish"}, Publish: []string{"room.*", "nothing.1", "room.1.2", "room.a b", "_sluice.*"},
		})
		options.Authenticator = viewers
	}
	g, err := gateway.New(testschema.New(), options)
	if err != nil {
		t.Fatal(err)
	}
	p, o := httptest.NewServer(g), httptest.NewServer(g.Operator())
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := g.Close(ctx, 0); err != nil {
			t.Errorf("close: %v", err)
		}
		p.Close()
		o.Close()
	})
	return g, p.URL, o.URL
}

// A head is what stands before the body of an answer.
type head struct {
	StatusCode int
	Header     http.Header
}

func do(t *testing.T, method, url, kind, body string, header ...string) (head, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return head{answer.StatusCode, answer.Header}, string(text)
}

// publish publishes as the publisher.
func publish(t *testing.T, url, topic, kind, body string) (head, string) {
	t.Helper()
	return do(t, http.MethodPost, url+"/publish/"+topic, kind, body, "Authorization", publisherKey)
}

func TestPublish(t *testing.T) {
	_, public, operator := serve(t, gateway.Options{PublishBytes: 100})
	for _, tt := range []struct {
		name, topic, kind, body string
		status                  int
		says                    string
	}{
		{"an event", "room.1", "application/json", `{"room":"1","text":"x"}`, 204, ""},
		{"an event with a charset", "room.1", "application/json; charset=utf-8", `{"text":"x"}`, 204, ""},
		{"a topic that feeds nothing", "nothing.1", "application/json", `{}`, 404, "room.{rooms}"},
		{"a topic of another depth", "room.1.2", "application/json", `{}`, 404, "room.{rooms}"},
		{"a topic of the gateway's own", "_sluice.auth", "application/json", `{}`, 404, "room.{rooms}"},
		{"a name with a space", "room.a%20b", "application/json", `{}`, 400, "room.a b"},
		{"a pattern", "room.*", "application/json", `{}`, 400, ""},
		{"text that is no JSON", "room.1", "application/json", `{"text":`, 400, "JSON object"},
		{"JSON that is no object", "room.1", "application/json", `[]`, 400, "JSON object"},
		{"null", "room.1", "application/json", `null`, 400, "JSON object"},
		{"bytes that are no UTF-8", "room.1", "application/json", "{\"text\":\"\xff\"}", 400, "UTF-8"},
		{"an event that is too large", "room.1", "application/json", `{"text":"` + strings.Repeat("x", 100) + `"}`, 413, "100 bytes"},
		{"a form", "room.1", "text/plain", `{}`, 415, "application/json"},
		{"no content type", "room.1", "", `{}`, 415, "application/json"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, listener := range []string{public, operator} {
				answer, text := publish(t, listener, tt.topic, tt.kind, tt.body)
				if answer.StatusCode != tt.status || !strings.Contains(text, tt.says) {
					t.Errorf("%d %s, want %d and %q", answer.StatusCode, text, tt.status, tt.says)
				}
				if tt.status != 204 && !strings.Contains(text, `"code":`) {
					t.Errorf("no code in %s", text)
				}
			}
		})
	}
}

func TestPublishingNeedsTheRightTo(t *testing.T) {
	viewers := transporttest.NewViewers()
	viewers.Set("no scope", &auth.Viewer{Consumer: "a", Publish: []string{"room.*"}})
	viewers.Set("no topic", &auth.Viewer{Consumer: "a", Scopes: []string{"publish"}})
	viewers.Set("another topic", &auth.Viewer{Consumer: "a", Scopes: []string{"publish"}, Publish: []string{"room.2", "secret.*", "*", "room"}})
	viewers.Set("this topic", &auth.Viewer{Consumer: "a", Scopes: []string{"publish"}, Publish: []string{"room.2", "room.1"}})
	viewers.Set("these topics", &auth.Viewer{Consumer: "a", Scopes: []string{"publish"}, Publish: []string{"room.*"}})
	_, public, operator := serve(t, gateway.Options{Authenticator: viewers, Origins: []string{"https://shop.example"}})
	for _, tt := range []struct {
		name, method string
		header       []string
		status       int
		says         string
	}{
		{"nobody", "POST", nil, 401, "UNAUTHENTICATED"},
		{"somebody unknown", "POST", []string{"Authorization", "a guess"}, 401, "UNAUTHENTICATED"},
		{"a viewer without the scope", "POST", []string{"Authorization", "no scope"}, 403, `"missingScopes":["publish"]`},
		{"a viewer without topics", "POST", []string{"Authorization", "no topic"}, 403, `"topic":"room.1"`},
		{"a viewer with other topics", "POST", []string{"Authorization", "another topic"}, 403, `"topic":"room.1"`},
		{"a viewer with the topic", "POST", []string{"Authorization", "this topic"}, 204, ""},
		{"a viewer with a pattern", "POST", []string{"X-API-Key", "these topics"}, 204, ""},
		{"a foreign page", "POST", []string{"X-API-Key", "these topics", "Origin", "https://evil.example"}, 403, "FORBIDDEN"},
		{"a listed page", "POST", []string{"X-API-Key", "these topics", "Origin", "https://shop.example"}, 204, ""},
		{"a page that asks before", "OPTIONS", []string{"Origin", "https://shop.example"}, 204, ""},
		{"another method", "PUT", []string{"X-API-Key", "these topics"}, 405, "POST"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, listener := range []string{public, operator} {
				answer, text := do(t, tt.method, listener+"/publish/room.1", "application/json", `{"text":"x"}`, tt.header...)
				if answer.StatusCode != tt.status || !strings.Contains(text, tt.says) {
					t.Errorf("%d %s, want %d and %s", answer.StatusCode, text, tt.status, tt.says)
				}
			}
		})
	}
}

func TestWhatIsNotForFrontEnds(t *testing.T) {
	_, public, _ := serve(t, gateway.Options{})
	for _, path := range []string{"/stats", "/debug/pprof/"} {
		if answer, _ := do(t, http.MethodPost, public+path, "application/json", `{}`); answer.StatusCode != http.StatusNotFound {
			t.Errorf("%s answers %d to the public", path, answer.StatusCode)
		}
	}
}

// away is a broker that cannot be reached.
type away struct{}

func (away) Publish(context.Context, string, []byte) error { return pubsub.ErrUnavailable }
func (away) Subscribe(context.Context, string, pubsub.Receiver) (pubsub.Subscription, error) {
	return nil, pubsub.ErrUnavailable
}

func (away) Read(context.Context, string, pubsub.Position, int) (pubsub.Past, error) {
	return pubsub.Past{}, pubsub.ErrUnavailable
}
func (away) Health() pubsub.Health { return pubsub.Health{Reason: "connection refused"} }
func (away) Close() error          { return nil }

func TestABrokerThatIsAway(t *testing.T) {
	_, public, operator := serve(t, gateway.Options{Broker: away{}})
	if answer, text := do(t, http.MethodGet, public+"/readyz", "", ""); answer.StatusCode != 503 || !strings.Contains(text, "connection refused") {
		t.Errorf("readyz: %d %s", answer.StatusCode, text)
	}
	if answer, _ := do(t, http.MethodGet, public+"/healthz", "", ""); answer.StatusCode != 200 {
		t.Errorf("healthz: %d", answer.StatusCode)
	}
	answer, text := publish(t, operator, "room.1", "application/json", `{}`)
	if answer.StatusCode != 503 || answer.Header.Get("Retry-After") == "" || !strings.Contains(text, "BROKER_UNAVAILABLE") {
		t.Errorf("publish: %d %s", answer.StatusCode, text)
	}
	_, text = do(t, http.MethodPost, public+"/graphql", "application/json", `{"query":"mutation { say(room: \"1\", text: \"x\") { text } }"}`)
	if !strings.Contains(text, "BROKER_UNAVAILABLE") {
		t.Errorf("a mutation whose event is lost answers %s", text)
	}
	text = stream(t, public, `subscription { message { text } }`)
	if !strings.Contains(text, "BROKER_UNAVAILABLE") || !strings.Contains(text, "event: complete") {
		t.Errorf("a subscription answers %s", text)
	}
}

// stream asks for a subscription by SSE and reads it to its end.
func stream(t *testing.T, public, query string, header ...string) string {
	t.Helper()
	body, _ := json.Marshal(map[string]string{"query": query})
	r, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, public+"/graphql", strings.NewReader(string(body)))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "text/event-stream")
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return err.Error()
	}
	defer func() { _ = answer.Body.Close() }()
	text, _ := io.ReadAll(answer.Body)
	return string(text)
}

func TestReadinessNamesWhatFails(t *testing.T) {
	var broken atomic.Pointer[error]
	full := errors.New("disk full")
	broken.Store(&full)
	_, public, _ := serve(t, gateway.Options{Checks: map[string]func(context.Context) error{
		"database": func(context.Context) error {
			if why := broken.Load(); why != nil {
				return *why
			}
			return nil
		},
		"search": func(context.Context) error { return nil },
	}})
	answer, text := do(t, http.MethodGet, public+"/readyz", "", "")
	if answer.StatusCode != 503 || !strings.Contains(text, `"database":{"ok":false,"reason":"disk full"}`) {
		t.Errorf("%d %s", answer.StatusCode, text)
	}
	broken.Store(nil)
	if answer, text := do(t, http.MethodGet, public+"/readyz", "", ""); answer.StatusCode != 200 {
		t.Errorf("%d %s", answer.StatusCode, text)
	}
}

func TestDrain(t *testing.T) {
	g, public, operator := serve(t, gateway.Options{})
	lines := make(chan string)
	go func() { // an SSE subscriber
		defer close(lines)
		r, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, public+"/graphql", strings.NewReader(`{"query":"subscription { message { text } }"}`))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Accept", "text/event-stream")
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			return
		}
		defer func() { _ = answer.Body.Close() }()
		for in := bufio.NewScanner(answer.Body); in.Scan(); {
			lines <- in.Text()
		}
	}()
	for until := time.Now().Add(10 * time.Second); ; {
		if s := g.Stats(); s.Members == 1 && s.Starting == 0 {
			break
		}
		if time.Now().After(until) {
			t.Fatal("no subscriber")
		}
		<-time.After(time.Millisecond)
	}
	publish(t, operator, "room.1", "application/json", `{"room":"1","text":"before"}`)
	done := make(chan error)
	go func() { done <- g.Close(t.Context(), 10*time.Millisecond) }()
	var got []string
	for line := range lines {
		got = append(got, line)
	}
	all := strings.Join(got, "\n")
	if !strings.Contains(all, `{"data":{"message":{"text":"before"}}}`) || strings.Contains(all, "event: complete") {
		t.Errorf("the subscriber saw %s", all)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
	answer, text := do(t, http.MethodPost, public+"/graphql", "application/json", `{"query":"{ hello }"}`)
	if answer.StatusCode != 503 || answer.Header.Get("Retry-After") == "" || !strings.Contains(text, "DRAINING") {
		t.Errorf("a query while draining: %d %s", answer.StatusCode, text)
	}
	if answer, _ := do(t, http.MethodGet, public+"/readyz", "", ""); answer.StatusCode != 503 {
		t.Errorf("readyz while draining: %d", answer.StatusCode)
	}
}

func TestStatsCount(t *testing.T) {
	_, _, operator := serve(t, gateway.Options{})
	_, text := do(t, http.MethodGet, operator+"/stats", "", "")
	var stats gateway.Stats
	if err := json.Unmarshal([]byte(text), &stats); err != nil || stats.UptimeSeconds <= 0 {
		t.Errorf("%v %s", err, text)
	}
}

func TestDoRunsWhatAnyClientMay(t *testing.T) {
	g, _, _ := serve(t, gateway.Options{})
	viewer := &auth.Viewer{Consumer: "demo", Subject: "d"}
	got, err := g.Do(t.Context(), operation.Request{Viewer: viewer, Query: `{ whoami }`})
	if err != nil || string(got) != `{"data":{"whoami":"demo/d"}}` {
		t.Errorf("%s %v", got, err)
	}
	if _, err := g.Do(t.Context(), operation.Request{Viewer: viewer, Query: `{ nothing }`}); err == nil {
		t.Error("an invalid query was run")
	}
	if _, err := g.Do(t.Context(), operation.Request{Viewer: viewer, Query: `subscription { message { text } }`}); err == nil {
		t.Error("a subscription was run")
	}
}

func TestPprofAnswers(t *testing.T) {
	_, _, operator := serve(t, gateway.Options{})
	if answer, text := do(t, http.MethodGet, operator+"/debug/pprof/goroutine?debug=1", "", ""); answer.StatusCode != 200 || !strings.Contains(text, "goroutine profile") {
		t.Errorf("%d %.100s", answer.StatusCode, text)
	}
}

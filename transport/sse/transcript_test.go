package sse_test

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-gateway/sluice/auth"
	"github.com/sluice-gateway/sluice/operation"
	"github.com/sluice-gateway/sluice/transport/transporttest"
)

var update = flag.Bool("update", false, "rewrite the transcripts in testdata")

// A script is a conversation in the making: > is the client, < the server.
type script struct {
	*testing.T
	*transporttest.Node
	http  *http.Client
	key   string
	token string
	leave context.CancelFunc // ends the latest request
	last  string             // the Last-Event-ID that is sent
	ids   []string           // of events, in the order in which they were first seen
	text  strings.Builder

	mu     sync.Mutex // guards stream
	stream strings.Builder
}

// send sends a request and writes the answer down. A stream goes on in the background.
func (s *script) send(method, query, accept, body string) {
	s.Helper()
	s.settle()
	fmt.Fprintf(&s.text, "> %s %s %s\n", method, "/graphql"+query, body)
	ctx, leave := context.WithCancel(s.Context())
	s.leave = leave
	r, err := http.NewRequestWithContext(ctx, method, transporttest.URL+query, strings.NewReader(body))
	if err != nil {
		s.Fatal(err)
	}
	r.Header.Set("Accept", accept)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if s.key != "" {
		r.Header.Set("Authorization", "Bearer "+s.key)
	}
	if s.token != "" {
		r.Header.Set("X-GraphQL-Event-Stream-Token", s.token)
	}
	if s.last != "" {
		fmt.Fprintf(&s.text, "> Last-Event-ID: %s\n", s.last)
		r.Header.Set("Last-Event-ID", s.last)
	}
	resp, err := s.http.Do(r)
	if err != nil {
		s.Fatal(err)
	}
	fmt.Fprintf(&s.text, "< %d", resp.StatusCode)
	for _, name := range []string{"Content-Type", "Cache-Control", "X-Accel-Buffering", "Allow"} {
		if value := resp.Header.Get(name); value != "" {
			fmt.Fprintf(&s.text, " %s: %s;;", name, value)
		}
	}
	s.text.WriteByte('\n')
	if strings.HasPrefix(resp.Header.Get("Content-Type"), "text/event-stream") {
		go s.listen(resp.Body)
		s.settle()
		return
	}
	answer, _ := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if method == http.MethodPut && resp.StatusCode == http.StatusCreated {
		s.token = string(answer)
	}
	if len(answer) > 0 {
		fmt.Fprintf(&s.text, "< %s\n", answer)
	}
	s.settle() // what was started by now takes part in all that follows
}

func (s *script) listen(body io.ReadCloser) {
	defer body.Close()
	buf := make([]byte, 4096)
	for {
		n, err := body.Read(buf)
		s.mu.Lock()
		s.stream.Write(buf[:n])
		if err != nil {
			fmt.Fprintf(&s.stream, "%v\n\n", err)
		}
		s.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// settle writes down what the stream has brought.
func (s *script) settle() {
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, event := range strings.SplitAfter(s.stream.String(), "\n\n") {
		if event != "" {
			fmt.Fprintf(&s.text, "< %q\n", event)
		}
		if id := idField.FindStringSubmatch(event); id != nil && !slices.Contains(s.ids, id[1]) {
			s.ids = append(s.ids, id[1])
		}
	}
	s.stream.Reset()
}

var idField = regexp.MustCompile(`(?m)^id: (.+)$`)

// again is the same request after the connection broke off, with the id that the client has.
func (s *script) again(query, body, last string) {
	s.Helper()
	s.settle()
	s.text.WriteString("# the connection breaks off\n")
	s.leave()
	s.settle()
	s.last = last
	s.send(http.MethodPost, query, "text/event-stream", body)
}

// stock publishes that a product's stock has changed.
func (s *script) stock(revision int) {
	s.Helper()
	event := fmt.Sprintf(`{"productId":"1","stock":10,"revision":%d}`, revision)
	if err := s.Broker.Publish(s.Context(), "stock.1", []byte(event)); err != nil {
		s.Fatal(err)
	}
	s.settle()
}

// wait lets time pass.
func (s *script) wait(d time.Duration) {
	s.settle()
	fmt.Fprintf(&s.text, "# %v later\n", d)
	time.Sleep(d)
	s.settle()
}

func (s *script) restart() {
	s.settle()
	s.text.WriteString("# the server is restarted\n")
	go func() { _ = s.Sessions.Close(s.Context(), operation.Restarting, 0, time.Second) }()
	s.settle()
}

// sign makes the client one whose key can be revoked.
func (s *script) sign() {
	s.key = "revocable"
	s.Viewers.Set(s.key, &auth.Viewer{Consumer: "web", Subject: "bob", Key: "k1"})
}

func (s *script) revoke() {
	s.settle()
	s.text.WriteString("# the key is revoked\n")
	s.Viewers.Set(s.key, nil)
	if err := s.Sessions.Grants().Recheck(s.Context(), "k1"); err != nil {
		s.Fatal(err)
	}
	s.settle()
}

func TestTranscripts(t *testing.T) {
	const (
		stream = "text/event-stream"
		price  = `{"query":"subscription { priceChanged { revision note } }"}`
		kept   = `{"query":"subscription { stockChanged(productId: 1) { revision } }"}`
	)
	// Each operation has a topic of its own: the events of two have no order.
	of := func(product, id string) string {
		return `{"query":"subscription { priceChanged(productIds: \"` + product + `\") { revision } }","extensions":{"operationId":"` + id + `"}}`
	}
	for _, c := range []struct {
		name    string
		handler func(*transporttest.Node) http.Handler
		talk    func(*script)
	}{
		{"distinct-subscription", distinct, func(s *script) {
			s.send("POST", "", stream, price)
			s.Publish(1, "a\nb")
			s.Publish(2, "")
			s.wait(25 * time.Second)
			s.restart()
		}},
		{"distinct-resumed", distinct, func(s *script) {
			s.send("POST", "", stream, kept)
			s.stock(1)
			s.stock(2)
			s.again("", kept, s.ids[1])
			s.stock(3)
			s.again("?lastEventId="+s.ids[2], kept, "")
			s.again("", kept, "nonsense")
			s.again("", price, s.ids[1])
		}},
		{"distinct-query", distinct, func(s *script) {
			s.send("POST", "", stream, `{"query":"{ __typename }"}`)
		}},
		{"distinct-refusals", distinct, func(s *script) {
			s.send("POST", "", stream, `{"query":"{ nonsense }"}`)
			s.send("POST", "", stream, `{"query":"{"}`)
			s.send("POST", "", stream, `{"query":`)
			s.send("GET", "?query={__typename}", stream, "")
		}},
		{"distinct-revoked", distinct, func(s *script) {
			s.sign()
			s.send("POST", "", stream, price)
			s.Publish(1, "")
			s.revoke()
			s.Publish(2, "")
			s.send("POST", "", stream, price)
		}},
		{"connection-revoked", connection, func(s *script) {
			s.sign()
			s.send("PUT", "", "text/plain", "")
			s.send("GET", "", stream, "")
			s.send("POST", "", "*/*", of("1", "only"))
			s.Publish(1, "")
			s.revoke()
			s.Publish(2, "")
			s.send("POST", "", "*/*", of("2", "late"))
		}},
		{"connection", connection, func(s *script) {
			s.send("PUT", "", "text/plain", "")
			s.send("PUT", "", "*/*", "")
			s.send("POST", "", "*/*", of("1", "early"))
			s.Publish(1, "")
			s.send("GET", "", stream, "")
			s.send("GET", "", stream, "")
			s.send("POST", "", "application/json", of("2", `qu\"ote\n`))
			s.PublishTo("2", 2, "")
			s.send("POST", "", "*/*", of("1", "early"))
			s.send("DELETE", "?operationId=early", "*/*", "")
			s.Publish(3, "")
			s.PublishTo("2", 4, "")
			s.send("POST", "", "*/*", `{"query":"{ __typename }","extensions":{"operationId":"early"}}`)
			s.send("DELETE", "?operationId=never", "*/*", "")
			s.restart()
			s.send("GET", "", stream, "")
		}},
		{"connection-refusals", connection, func(s *script) {
			s.key = transporttest.Key
			s.send("GET", "", stream, "")
			s.send("POST", "", "*/*", of("1", "1"))
			s.send("DELETE", "?operationId=1", "*/*", "")
			s.send("PATCH", "", "*/*", "")
			s.send("PUT", "", "application/json", "")
			s.send("PUT", "", "text/*", "")
			s.send("DELETE", "", "*/*", "")
			s.send("POST", "", "*/*", price)
			s.send("POST", "", "text/html", of("1", "1"))
			s.send("POST", "", "*/*", `{"query":"{ nonsense }","extensions":{"operationId":"1"}}`)
			s.send("POST", "", "application/graphql-response+json", `{"query":"{ nonsense }","extensions":{"operationId":"1"}}`)
			s.send("GET", `?query=mutation{restock(productId:1,quantity:1){stock}}&extensions={"operationId":"1"}`, "*/*", "")
			s.send("POST", "", "*/*", of("1", "1"))
			s.wait(10 * time.Second)
			s.send("GET", "", stream, "")
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				node := transporttest.NewNode(t)
				node.Serve(c.handler(node))
				s := &script{T: t, Node: node, http: node.HTTP(false)}
				c.talk(s)
				s.restart()
				compare(t, c.name, s)
				if members := node.Engine.Stats().Members; members != 0 {
					t.Errorf("%d operations are left", members)
				}
			})
		})
	}
}

var jittered = regexp.MustCompile(`retry: \d+`)

func compare(t *testing.T, name string, s *script) {
	t.Helper()
	got := jittered.ReplaceAllString(s.text.String(), "retry: N")
	if s.token != "" {
		got = strings.ReplaceAll(got, s.token, "TOKEN")
	}
	for i, id := range s.ids {
		got = strings.ReplaceAll(got, id, fmt.Sprint("CURSOR", i))
	}
	file := filepath.Join("testdata", name+".txt")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the conversation is another one than in %s:\n%s", file, got)
	}
}

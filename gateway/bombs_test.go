package gateway_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/sluice-gateway/sluice/internal/bombs"
	"github.com/sluice-gateway/sluice/internal/testschema"
)

// No limit holds on one transport and is missing on another.
func TestEveryBombIsRefusedOnEveryTransport(t *testing.T) {
	m := newMatrix(t, testschema.New())
	for _, bomb := range bombs.All() {
		t.Run(bomb.Name, func(t *testing.T) {
			m.on(t)
			for _, over := range wires {
				a := throw(m.nobody, over, bomb)
				for _, complaint := range a.ends(bomb.Code) {
					t.Errorf("%s: %.1000s", over, complaint)
				}
				a.stop()
			}
		})
	}
}

// throw sends a bomb.
func throw(c *client, over wire, b bombs.Bomb) *answer {
	c.t.Helper()
	body := map[string]any{"query": b.Query, "variables": b.Variables, "operationName": b.Operation}
	switch {
	case b.Operation == "":
		return c.ask(over, b.Query, b.Variables)
	case over == bySocket:
		return c.socket.askNamed(body)
	}
	// The single connection reads its requests as POST does.
	r := c.new(c.t.Context(), http.MethodPost, "/graphql", body)
	if over == byGet || over == byStreamGet {
		values := url.Values{"query": {b.Query}, "operationName": {b.Operation}}
		r = c.new(c.t.Context(), http.MethodGet, "/graphql?"+values.Encode(), nil)
		r.Header.Set("Graphql-Require-Preflight", "1")
	}
	r.Header.Set("Accept", accepts[over])
	resp := c.do(r)
	a := &answer{stop: func() { _ = resp.Body.Close() }}
	text := io.TeeReader(resp.Body, &a.bytes)
	if a.pump = readJSON(a, text); strings.HasPrefix(resp.Header.Get("Content-Type"), "text/event-stream") {
		a.pump = readEvents(a, text)
	}
	return a
}

// askNamed sends an operation with a name. The socket is open.
func (s *socket) askNamed(payload any) *answer {
	const id = "named"
	text, err := json.Marshal(payload)
	if err != nil {
		s.client.t.Fatal(err)
	}
	s.answers[id] = &answer{pump: s.pump, stop: func() {}}
	s.send(message{ID: id, Type: "subscribe", Payload: text})
	return s.answers[id]
}

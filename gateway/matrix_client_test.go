package gateway_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// A wire is a way to send an operation and to receive its results.
type wire string

const (
	byPost      wire = "POST"
	byGet       wire = "GET"
	bySocket    wire = "WebSocket"
	byStream    wire = "SSE"
	byStreamGet wire = "SSE by GET"
	byOneStream wire = "the single connection of SSE"
	byMultipart wire = "multipart"
)

// wires are all of them.
var wires = []wire{byPost, byGet, bySocket, byStream, byStreamGet, byOneStream, byMultipart}

// accepts is what the client of a wire can read.
var accepts = map[wire]string{
	byPost:      "application/json",
	byGet:       "application/json",
	byStream:    "text/event-stream",
	byStreamGet: "text/event-stream",
	byMultipart: "multipart/mixed;boundary=graphql;subscriptionSpec=1.0,application/json",
}

// patience is how long a client waits for anything.
const patience = 5 * time.Second

// A client is a viewer of a gateway, with one connection for each transport that shares one.
type client struct {
	t       *testing.T
	url     string
	token   string // of the viewer; empty: nobody
	subject string
	http    *http.Client
	socket  *socket    // nil before it is used
	events  *oneStream // nil before it is used
}

// ask sends an operation.
func (c *client) ask(over wire, document string, variables map[string]any) *answer {
	c.t.Helper()
	switch over {
	case bySocket:
		if c.socket == nil {
			c.socket = dial(c)
		}
		return c.socket.ask(document, variables)
	case byOneStream:
		if c.events == nil {
			c.events = reserve(c)
		}
		return c.events.ask(document, variables)
	}
	return c.request(over, document, variables)
}

// renew lets go of connections that are closed.
func (c *client) renew() {
	if c.socket != nil && c.socket.closed != nil {
		_ = c.socket.ws.Close()
		c.socket = nil
	}
	if c.events != nil && c.events.closed != nil {
		c.events.hangUp()
		c.events = nil
	}
}

// close ends every connection.
func (c *client) close() {
	if c.socket != nil {
		_ = c.socket.ws.Close()
	}
	if c.events != nil {
		c.events.hangUp()
	}
	c.http.CloseIdleConnections()
}

// fence returns when everything that was sent over shared connections until now has come.
func (c *client) fence() {
	if c.socket != nil {
		c.socket.fence()
	}
	if c.events != nil {
		c.events.fence()
	}
}

// request sends an operation in a request of its own.
func (c *client) request(over wire, document string, variables map[string]any) *answer {
	c.t.Helper()
	ctx, stop := context.WithTimeout(context.Background(), patience)
	resp := c.do(c.build(ctx, over, document, variables))
	a := &answer{stop: func() { stop(); _ = resp.Body.Close() }}
	body := io.TeeReader(resp.Body, &a.bytes)
	switch media := resp.Header.Get("Content-Type"); {
	case strings.HasPrefix(media, "text/event-stream"):
		a.pump = readEvents(a, body)
	case strings.HasPrefix(media, "multipart/mixed"):
		a.pump = readParts(a, body)
	default:
		a.pump = readJSON(a, body)
	}
	return a
}

func (c *client) build(ctx context.Context, over wire, document string, variables map[string]any) *http.Request {
	r := c.new(ctx, http.MethodPost, "/graphql", map[string]any{"query": document, "variables": variables})
	if over == byGet || over == byStreamGet {
		text, _ := json.Marshal(variables)
		values := url.Values{"query": {document}, "variables": {string(text)}}
		r = c.new(ctx, http.MethodGet, "/graphql?"+values.Encode(), nil)
		r.Header.Set("Graphql-Require-Preflight", "1")
	}
	r.Header.Set("Accept", accepts[over])
	return r
}

// new makes a request with the viewer's credentials; body is sent as JSON, nil is none.
func (c *client) new(ctx context.Context, method, path string, body any) *http.Request {
	c.t.Helper()
	var text io.Reader
	if body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			c.t.Fatal(err)
		}
		text = bytes.NewReader(encoded)
	}
	r, err := http.NewRequestWithContext(ctx, method, c.url+path, text)
	if err != nil {
		c.t.Fatal(err)
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	return r
}

func (c *client) do(r *http.Request) *http.Response {
	c.t.Helper()
	resp, err := c.http.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	return resp
}

// readJSON reads the only result of a response.
func readJSON(a *answer, body io.Reader) func() {
	return func() {
		text, err := io.ReadAll(body)
		if len(text) > 0 {
			a.take(text)
		}
		a.end(err)
	}
}

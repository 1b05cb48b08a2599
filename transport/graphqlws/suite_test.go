package graphqlws_test

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/gorilla/websocket"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/sluice-gateway/sluice/operation"
	"github.com/sluice-gateway/sluice/transport/graphqlws"
	"github.com/sluice-gateway/sluice/transport/transporttest"
)

func TestSuite(t *testing.T) {
	transporttest.Run(t, transporttest.Transport{
		AnyKind: true,
		Handler: func(n *transporttest.Node) http.Handler {
			return graphqlws.New(n.Engine, n.Reader, n.Sessions, n.Pool, graphqlws.Options{})
		},
		Client: newSuiteClient,
	})
}

// A suiteClient is a WebSocket whose messages are read when somebody asks for them.
type suiteClient struct {
	ws      *websocket.Conn
	started int
	waiting map[string][]transporttest.Event // read while looking for another operation's
	over    *transporttest.Event             // how the socket ended
}

func newSuiteClient(n *transporttest.Node, token string) transporttest.Client {
	dialer := websocket.Dialer{
		NetDialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return n.Dial(ctx) },
		Subprotocols:   []string{graphqlws.Subprotocol},
		ReadBufferSize: 1 << 10,
	}
	c := &suiteClient{waiting: make(map[string][]transporttest.Event)}
	ws, answer, err := dialer.Dial("ws"+strings.TrimPrefix(transporttest.URL, "http"), nil)
	switch {
	case err == nil:
		c.ws = ws
	case answer != nil:
		refused := transporttest.RefusedBy(answer)
		c.over = &refused.Event
		return c
	default:
		panic(err)
	}
	c.send(map[string]any{"type": "connection_init", "payload": map[string]any{"token": token}})
	_, ack, err := ws.ReadMessage()
	switch {
	case websocket.IsCloseError(err, operation.TooManySessions.Close):
		c.over = &transporttest.Event{Again: true}
	case err != nil || string(ack) != `{"type":"connection_ack"}`:
		panic(string(ack))
	}
	return c
}

func (c *suiteClient) Close() {
	if c.ws != nil {
		_ = c.ws.Close()
	}
}

// Renew implements transporttest.Renewer.
func (c *suiteClient) Renew(token string) {
	c.send(map[string]any{"type": "ping", "payload": map[string]any{"authorization": "Bearer " + token}})
}

func (c *suiteClient) send(message map[string]any) {
	if c.ws == nil {
		return
	}
	_ = c.ws.WriteJSON(message) // to a server that is gone: the next read says so
}

func (c *suiteClient) Start(query string, variables map[string]any) transporttest.Operation {
	return c.StartWith(query, variables, nil)
}

func (c *suiteClient) StartWith(query string, variables, extensions map[string]any) transporttest.Operation {
	c.started++
	id := strconv.Itoa(c.started)
	payload := map[string]any{"query": query, "variables": variables, "extensions": extensions}
	c.send(map[string]any{"id": id, "type": "subscribe", "payload": payload})
	return &suiteOperation{client: c, id: id}
}

type suiteOperation struct {
	client *suiteClient
	id     string
}

func (o *suiteOperation) Stop() {
	o.client.send(map[string]any{"id": o.id, "type": "complete"})
}

func (o *suiteOperation) Next() transporttest.Event {
	c := o.client
	for len(c.waiting[o.id]) == 0 && c.over == nil {
		c.read()
	}
	if events := c.waiting[o.id]; len(events) > 0 {
		c.waiting[o.id] = events[1:]
		return events[0]
	}
	return *c.over
}

// read takes one message in.
func (c *suiteClient) read() {
	var m struct {
		ID, Type string
		Payload  json.RawMessage
	}
	if err := c.ws.ReadJSON(&m); err != nil {
		c.over = &transporttest.Event{Again: websocket.IsCloseError(err, 1012, 1013, 4490) || !websocket.IsCloseError(err, 1000, 4400)}
		return
	}
	event := transporttest.Event{}
	switch m.Type {
	case "next":
		event.Result = m.Payload
	case "error":
		var errs gqlerror.List
		if err := json.Unmarshal(m.Payload, &errs); err != nil {
			panic(err)
		}
		event.Errors = errs
	case "complete":
	default:
		return
	}
	c.waiting[m.ID] = append(c.waiting[m.ID], event)
}

package gateway_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gorilla/websocket"
)

// A socket is the WebSocket of a viewer, with many operations.
type socket struct {
	client  *client
	ws      *websocket.Conn
	answers map[string]*answer
	pongs   int
	closed  error
}

// A message is one of graphql-transport-ws.
type message struct {
	ID      string          `json:"id,omitempty"`
	Type    string          `json:"type"`
	Payload json.RawMessage `json:"payload,omitempty"`
}

// dial opens a socket and waits until the viewer is known.
func dial(c *client) *socket {
	c.t.Helper()
	header := http.Header{}
	if c.token != "" {
		header.Set("Authorization", "Bearer "+c.token)
	}
	dialer := websocket.Dialer{Subprotocols: []string{"graphql-transport-ws"}}
	ws, resp, err := dialer.Dial("ws"+strings.TrimPrefix(c.url, "http")+"/graphql", header)
	if err != nil {
		c.t.Fatalf("dial: %v %v", err, resp)
	}
	_ = resp.Body.Close()
	s := &socket{client: c, ws: ws, answers: make(map[string]*answer)}
	s.send(message{Type: "connection_init"})
	var ack message
	if err := ws.ReadJSON(&ack); err != nil || ack.Type != "connection_ack" {
		c.t.Fatalf("no ack but %v %v", ack, err)
	}
	return s
}

func (s *socket) send(m message) {
	if err := s.ws.WriteJSON(m); err != nil && s.closed == nil {
		s.fail(err)
	}
}

func (s *socket) fail(err error) {
	s.closed = err
	for _, a := range s.answers {
		if !a.over {
			a.end(err)
		}
	}
}

func (s *socket) ask(document string, variables map[string]any) *answer {
	id := strconv.Itoa(len(s.answers))
	a := &answer{pump: s.pump, stop: func() { s.send(message{ID: id, Type: "complete"}) }}
	s.answers[id] = a
	payload, err := json.Marshal(map[string]any{"query": document, "variables": variables})
	if err != nil {
		s.client.t.Fatal(err)
	}
	s.send(message{ID: id, Type: "subscribe", Payload: payload})
	return a
}

// pump reads one message of any operation.
func (s *socket) pump() {
	_ = s.ws.SetReadDeadline(time.Now().Add(patience))
	_, text, err := s.ws.ReadMessage()
	var m message
	if err == nil {
		err = json.Unmarshal(text, &m)
	}
	if err != nil {
		s.fail(err)
		return
	}
	switch m.Type {
	case "ping":
		s.send(message{Type: "pong"})
		return
	case "pong":
		s.pongs++
		return
	}
	a := s.answers[m.ID]
	if a == nil {
		s.fail(fmt.Errorf("the message %q of no operation", text))
		return
	}
	a.bytes.Write(text)
	if a.over {
		s.fail(fmt.Errorf("the message %q after the last one", text))
		return
	}
	switch m.Type {
	case "next":
		a.take(m.Payload)
	case "error":
		a.take([]byte(`{"errors":` + string(m.Payload) + `}`))
		a.end(nil)
	default:
		a.end(nil)
	}
}

// fence returns when everything that was sent until now has come, or the socket is closed.
func (s *socket) fence() {
	pongs := s.pongs
	s.send(message{Type: "ping"})
	for s.closed == nil && s.pongs == pongs {
		s.pump()
	}
}

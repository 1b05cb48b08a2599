package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"

	"github.com/gorilla/websocket"
)

// An act is what a customer does when it has taken a result.
type act int

const (
	readOn    act = iota
	leave         // it wants no more of this operation, and says so: what is on its way it still reads
	breakOff      // it resets the connection
	fallStill     // it reads no more, until everything is over
)

// A visit is one connection of a customer, over one of the transports. It returns when the connection is over.
type visit func(*customer) error

var visits = map[string]visit{
	"websocket": (*customer).visitWebSocket,
	"sse":       (*customer).visitStream,
	"multipart": (*customer).visitStream,
	"single":    (*customer).visitSingle,
}

// littleAhead is about how many bytes the kernel takes in for who falls still.
const littleAhead = 64 << 10

// dial connects to the customer's node. For who falls still the kernel takes in little, or the machine would
// decide how much must be published until the gateway gives it up.
func (c *customer) dial() (*net.TCPConn, error) {
	var dialer net.Dialer
	if c.fallsStill() {
		dialer.Control = func(_, _ string, raw syscall.RawConn) (err error) {
			controlled := raw.Control(func(fd uintptr) { // before connecting, which offers the window
				err = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, littleAhead)
			})
			return errors.Join(err, controlled)
		}
	}
	conn, err := dialer.DialContext(c.crowd.t.Context(), "tcp", strings.TrimPrefix(c.node.public, "http://"))
	if err != nil {
		return nil, err
	}
	return conn.(*net.TCPConn), nil
}

// payload is the request for the customer's operation, with an id for those transports that want one.
func (c *customer) payload(id string) []byte {
	body, _ := json.Marshal(map[string]any{
		"query": crowdDocuments[c.operation], "variables": c.variables(), "extensions": map[string]string{"operationId": id},
	})
	return body
}

func (c *customer) request(method, path, accept string, body []byte) *http.Request {
	r, _ := http.NewRequest(method, c.node.public+path, bytes.NewReader(body)) // of constants
	r.Header.Set("Authorization", "Bearer "+keyOf(c.consumer))
	r.Header.Set("Accept", accept)
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	return r
}

func (c *customer) visitWebSocket() error {
	dialer := websocket.Dialer{
		Subprotocols: []string{"graphql-transport-ws"}, ReadBufferSize: 8 << 10,
		NetDial: func(string, string) (net.Conn, error) { return c.conn, nil },
	}
	ws, answer, err := dialer.Dial(strings.Replace(c.node.public, "http", "ws", 1)+"/graphql", c.request("GET", "/", "", nil).Header)
	if err != nil {
		return err
	}
	_ = answer.Body.Close()
	id := 0
	subscribe := func() error {
		id++
		return ws.WriteMessage(websocket.TextMessage, fmt.Appendf(nil, `{"id":"%d","type":"subscribe","payload":%s}`, id, c.payload("")))
	}
	if err := ws.WriteMessage(websocket.TextMessage, []byte(`{"type":"connection_init"}`)); err != nil {
		return err
	}
	for {
		_, text, err := ws.ReadMessage()
		if err != nil {
			return err
		}
		if _, result, ok := bytes.Cut(text, []byte(`"type":"next","payload":`)); ok {
			switch c.take(result[:len(result)-1]) {
			case leave:
				if err = ws.WriteMessage(websocket.TextMessage, fmt.Appendf(nil, `{"id":"%d","type":"complete"}`, id)); err == nil {
					err = subscribe()
				}
			case breakOff:
				return c.reset()
			case fallStill:
				c.crowd.awaitEnd()
			}
		} else if bytes.Contains(text, []byte(`"type":"connection_ack"`)) {
			err = subscribe()
		} else if _, errs, ok := bytes.Cut(text, []byte(`"type":"error","payload":`)); ok {
			c.refused(errs[:len(errs)-1])
		}
		if err != nil {
			return err
		}
	}
}

// visitStream reads the response of one operation, by SSE or in parts.
func (c *customer) visitStream() error {
	accept := "text/event-stream"
	if c.way == "multipart" {
		accept = "multipart/mixed;subscriptionSpec=1.0"
	}
	lines, err := c.open(c.request("POST", "/graphql", accept, c.payload("")))
	if err != nil {
		return err
	}
	return c.readLines(lines, func() error { _ = c.conn.CloseWrite(); return nil }) // the answer goes on to its end
}

// visitSingle reads the one stream of a single connection, and asks for its operation beside it.
func (c *customer) visitSingle() error {
	token, err := c.ask(c.request("PUT", "/graphql/stream", "text/plain", nil), http.StatusCreated)
	if err != nil {
		return err
	}
	on := func(r *http.Request) *http.Request {
		r.Header.Set("X-GraphQL-Event-Stream-Token", token)
		return r
	}
	lines, err := c.open(on(c.request("GET", "/graphql/stream", "text/event-stream", nil)))
	if err != nil {
		return err
	}
	id := 0
	operate := func() error {
		id++
		_, err := c.ask(on(c.request("POST", "/graphql/stream", "application/json", c.payload(fmt.Sprint(id)))), http.StatusAccepted)
		return err
	}
	if err := operate(); err != nil {
		return err
	}
	return c.readLines(lines, func() error {
		if _, err := c.ask(on(c.request("DELETE", fmt.Sprintf("/graphql/stream?operationId=%d", id), "*/*", nil)), http.StatusOK); err != nil {
			return err
		}
		return operate()
	})
}

// open sends a request on a connection of its own and returns the body of the answer.
func (c *customer) open(r *http.Request) (*bufio.Reader, error) {
	if err := r.Write(c.conn); err != nil {
		return nil, err
	}
	answer, err := http.ReadResponse(bufio.NewReaderSize(c.conn, 4<<10), r)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(answer.Body)
		return nil, fmt.Errorf("%s: %s", answer.Status, text)
	}
	return bufio.NewReaderSize(answer.Body, 4<<10), nil
}

// ask sends a request whose answer is short.
func (c *customer) ask(r *http.Request, status int) (string, error) {
	answer, err := c.crowd.client.Do(r)
	if err != nil {
		return "", err
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != status {
		err = fmt.Errorf("%s %s: %s: %s", r.Method, r.URL.Path, answer.Status, text)
	}
	return string(text), err
}

// readLines takes results, each on a line of its own, until the body ends.
func (c *customer) readLines(lines *bufio.Reader, goAway func() error) error {
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return err
		}
		result, ok := c.resultOf(bytes.TrimRight(line, "\r\n"))
		if !ok {
			continue
		}
		switch c.take(result) {
		case leave:
			if err := goAway(); err != nil {
				return err
			}
		case breakOff:
			return c.reset()
		case fallStill:
			c.crowd.awaitEnd()
		}
	}
}

// resultOf takes off what the transport puts around a result.
func (c *customer) resultOf(line []byte) (result []byte, ok bool) {
	switch c.way {
	case "sse":
		result, ok = bytes.CutPrefix(line, []byte(`data: `))
		return result, ok && len(result) > 0
	case "single":
		if result, ok = bytes.CutPrefix(line, []byte(`data: `)); ok {
			_, result, ok = bytes.Cut(result, []byte(`,"payload":`))
		}
	case "multipart":
		if code, is := bytes.CutPrefix(line, []byte(`{"payload":null,"errors":`)); is {
			return append([]byte(`{"errors":`), code...), true
		}
		result, ok = bytes.CutPrefix(line, []byte(`{"payload":`))
	}
	if !ok {
		return nil, false
	}
	return result[:len(result)-1], true
}

// reset ends a connection without a word.
func (c *customer) reset() error {
	_ = c.conn.SetLinger(0)
	return c.conn.Close()
}

package gateway_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"

	"github.com/gorilla/websocket"

	"github.com/sluice-gateway/sluice/operation"
	"github.com/sluice-gateway/sluice/transport/graphqlws"
	"github.com/sluice-gateway/sluice/transport/transporttest"
)

// A guest is a client with one subscription, which reads when it is asked to.
type guest struct {
	transport string
	next      func() (string, error) // what comes next, without heartbeats
	leave     func()                 // may be called twice
	last      string
}

const roomOne = `subscription { message(rooms: [\"1\"]) { text } }`

// text is that of the next event; empty: something else came.
func (g *guest) text() string {
	said, _ := g.next()
	_, rest, _ := strings.Cut(said, `"text":"`)
	text, _, _ := strings.Cut(rest, `"`)
	return text
}

// sentAway reads to the end, and reports whether that was a node's which restarts, as the transport says it.
func (g *guest) sentAway() bool {
	for {
		said, err := g.next()
		var closed *websocket.CloseError
		switch {
		case errors.As(err, &closed):
			return closed.Code == operation.Restarting.Close && closed.Text == operation.Restarting.Reason
		case err != nil:
			return errors.Is(err, io.EOF) && g.sayGoodbye()
		}
		g.last = said
	}
}

// sayGoodbye looks at the last that was said on a stream that has ended.
func (g *guest) sayGoodbye() bool {
	if g.transport == "sse" {
		return strings.HasPrefix(g.last, "retry: ")
	}
	return strings.Contains(g.last, `"code":"DRAINING"`)
}

// connect opens a WebSocket and has it acknowledged.
func (h house) connect() (*websocket.Conn, *http.Response, error) {
	dialer := websocket.Dialer{
		NetDialContext:  func(ctx context.Context, _, _ string) (net.Conn, error) { return h.node.Dial(ctx) },
		Subprotocols:    []string{graphqlws.Subprotocol},
		ReadBufferSize:  512,
		WriteBufferSize: 512,
	}
	ws, answer, err := dialer.Dial("ws"+strings.TrimPrefix(transporttest.URL, "http"), nil)
	if err != nil {
		return nil, answer, err
	}
	err = ws.WriteMessage(websocket.TextMessage, []byte(`{"type":"connection_init"}`))
	if err == nil {
		_, _, err = ws.ReadMessage()
	}
	return ws, answer, err
}

func joinBySocket(h house) *guest {
	h.Helper()
	ws, _, err := h.connect()
	if err == nil {
		err = ws.WriteMessage(websocket.TextMessage, []byte(`{"id":"1","type":"subscribe","payload":{"query":"`+roomOne+`"}}`))
	}
	if err != nil {
		h.Fatal(err)
	}
	return &guest{
		transport: "websocket",
		next: func() (string, error) {
			for {
				_, text, err := ws.ReadMessage()
				if err != nil || !strings.Contains(string(text), `"type":"ping"`) {
					return string(text), err
				}
			}
		},
		leave: func() { _ = ws.Close() },
	}
}

func joinByEvents(h house) *guest {
	h.Helper()
	times := 0 // to come back after; a stream begins with one
	return h.stream("sse", "text/event-stream", func(line string) bool {
		if strings.HasPrefix(line, "retry: ") {
			times++
			return times > 1
		}
		return strings.HasPrefix(line, "data: {")
	})
}

func joinByParts(h house) *guest {
	h.Helper()
	return h.stream("multipart", `multipart/mixed;subscriptionSpec="1.0"`, func(line string) bool {
		return strings.HasPrefix(line, `{"payload"`)
	})
}

// stream opens a response that goes on; says tells which of its lines say something.
func (h house) stream(transport, accept string, says func(line string) bool) *guest {
	h.Helper()
	r, err := http.NewRequestWithContext(h.Context(), http.MethodPost, transporttest.URL, strings.NewReader(`{"query":"`+roomOne+`"}`))
	if err != nil {
		h.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", accept)
	conn, err := h.node.Dial(h.Context())
	if err == nil {
		err = r.Write(conn)
	}
	if err != nil {
		h.Fatal(err)
	}
	answer, err := http.ReadResponse(bufio.NewReaderSize(conn, 512), r)
	if err != nil || answer.StatusCode != http.StatusOK {
		h.Fatal(answer, err)
	}
	lines := bufio.NewReader(answer.Body)
	return &guest{
		transport: transport,
		next: func() (string, error) {
			for {
				line, err := lines.ReadString('\n')
				if err != nil || says(line) {
					return line, err
				}
			}
		},
		leave: func() { _ = conn.Close() },
	}
}

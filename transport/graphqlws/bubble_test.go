package graphqlws_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/sluice-gateway/sluice/transport"
	"github.com/sluice-gateway/sluice/transport/graphqlws"
	"github.com/sluice-gateway/sluice/transport/transporttest"
)

// A bubble is a node in a synctest bubble, where time passes only when everybody waits for it.
type bubble struct {
	*testing.T
	*transporttest.Node
}

// inBubble runs a test with the defaults of all limits.
func inBubble(t *testing.T, test func(b bubble)) {
	t.Helper()
	inBubbleOf(t, transport.SessionLimits{}, test)
}

func inBubbleOf(t *testing.T, most transport.SessionLimits, test func(b bubble)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		node := transporttest.NewNode(t)
		node.Sessions = transport.NewSessions(node.Engine, node.Sessions.Grants(), most)
		node.Serve(graphqlws.New(node.Engine, node.Reader, node.Sessions, node.Pool, graphqlws.Options{}))
		test(bubble{t, node})
	})
}

// A caller is a client that notes what it is told, all the time.
type caller struct {
	*testing.T
	ws   *websocket.Conn
	said chan string // the messages that are no pings and pongs, and then how the socket was closed
}

func (b bubble) dial() (*websocket.Conn, *http.Response, error) {
	dialer := websocket.Dialer{
		NetDialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return b.Dial(ctx) },
		Subprotocols:   []string{graphqlws.Subprotocol},
	}
	return dialer.Dial("ws"+strings.TrimPrefix(transporttest.URL, "http"), nil)
}

func (b bubble) call() *caller {
	b.Helper()
	ws, _, err := b.dial()
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = ws.Close() })
	c := &caller{b.T, ws, make(chan string, 10_000)}
	go c.listen()
	return c
}

// open is call, with the acknowledgement.
func (b bubble) open() *caller {
	b.Helper()
	c := b.call()
	c.say(`{"type":"connection_init"}`)
	if got := c.hear(); got != `{"type":"connection_ack"}` {
		b.Fatal(got)
	}
	return c
}

func (c *caller) listen() {
	for {
		_, text, err := c.ws.ReadMessage()
		var closed *websocket.CloseError
		switch {
		case errors.As(err, &closed):
			c.said <- "close " + closeText(closed)
			_ = c.ws.Close()
			return
		case err != nil:
			c.said <- err.Error()
			return
		case !strings.Contains(string(text), `"type":"p`):
			c.said <- string(text)
		}
	}
}

// say sends a message, unless the socket is closed.
func (c *caller) say(text string) { _ = c.ws.WriteMessage(websocket.TextMessage, []byte(text)) }

// control sends a control frame, unless the socket is closed.
func (c *caller) control(kind int) {
	_ = c.ws.WriteControl(kind, []byte("x"), time.Now().Add(time.Minute))
}

// hear waits for what is said next.
func (c *caller) hear() string { return <-c.said }

// heard is what was said by now.
func (c *caller) heard() (all []string) {
	synctest.Wait()
	for {
		select {
		case text := <-c.said:
			all = append(all, text)
		default:
			return all
		}
	}
}

// refusal reads the message that refuses an operation.
func (c *caller) refusal(text string) (id string, errs gqlerror.List) {
	c.Helper()
	var m struct {
		ID, Type string
		Payload  gqlerror.List
	}
	if err := json.Unmarshal([]byte(text), &m); err != nil || m.Type != "error" {
		c.Fatalf("not refused: %s", text)
	}
	return m.ID, m.Payload
}

func subscribeTo(id int) string {
	return fmt.Sprintf(`{"id":"%d","type":"subscribe","payload":{"query":"subscription { priceChanged { revision } }"}}`, id)
}

func completeOf(id int) string { return fmt.Sprintf(`{"id":"%d","type":"complete"}`, id) }

func (b bubble) noted(limit string, want uint64) {
	b.Helper()
	synctest.Wait()
	if got := b.Engine.Refusals().Counts()[limit]; got != want {
		b.Errorf("%s is noted %d times, want %d", limit, got, want)
	}
}

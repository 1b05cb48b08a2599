package crowd

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/gorilla/websocket"
)

// A counter is where a shop serves one subscription, in the words of one transport.
type counter interface {
	order() (o order, ok bool)
	begin(cursor string)
	next(members, cursor string) bool // members of the result; false: nobody listens
	gap()
	close()
}

type order struct {
	Variables  struct{ ID string }
	Extensions struct{ Resume any }
}

const gapErrors = `[{"message":"","extensions":{"code":"RESUME_GAP"}}]`

// counterOf returns the counter that a client asks for; nil: it has been refused.
func counterOf(w http.ResponseWriter, r *http.Request) counter {
	accept := r.Header.Get("Accept")
	switch {
	case strings.HasPrefix(accept, "text/event-stream"):
		return newSpoken(w, r, true)
	case strings.HasPrefix(accept, "multipart/mixed;subscriptionSpec=1.0"):
		return newSpoken(w, r, false)
	}
	socket, err := (&websocket.Upgrader{Subprotocols: []string{protocol}}).Upgrade(w, r, nil)
	if err != nil {
		return nil
	}
	return &spelled{socket: socket}
}

// A spelled counter speaks graphql-transport-ws.
type spelled struct {
	socket *websocket.Conn
	id     string
}

func (c *spelled) order() (order, bool) {
	var sub struct {
		ID      string
		Payload order
	}
	for sub.ID == "" {
		_, text, err := c.socket.ReadMessage()
		if err != nil {
			return order{}, false
		}
		if strings.Contains(string(text), "connection_init") {
			c.write(`{"type":"connection_ack"}`)
			continue
		}
		_ = json.Unmarshal(text, &sub)
	}
	c.id = sub.ID
	return sub.Payload, true
}

func (c *spelled) begin(string) {}

func (c *spelled) next(members, cursor string) bool {
	return c.write(fmt.Sprintf(`{"id":%q,"type":"next","payload":{%s,"extensions":{"cursor":%q}}}`, c.id, members, cursor))
}

func (c *spelled) gap() {
	c.write(fmt.Sprintf(`{"id":%q,"type":"error","payload":%s}`, c.id, gapErrors))
}

func (c *spelled) close() { _ = c.socket.Close() }

func (c *spelled) write(text string) bool {
	return c.socket.WriteMessage(websocket.TextMessage, []byte(text)) == nil
}

// A spoken counter answers by one response: an event stream, or multipart.
type spoken struct {
	w      http.ResponseWriter
	events bool
	place  order
	ok     bool
}

func newSpoken(w http.ResponseWriter, r *http.Request, events bool) *spoken {
	c := &spoken{w: w, events: events}
	c.ok = json.NewDecoder(r.Body).Decode(&c.place) == nil
	if id := r.Header.Get("Last-Event-ID"); id != "" {
		c.place.Extensions.Resume = id
	}
	return c
}

func (c *spoken) order() (order, bool) { return c.place, c.ok }

func (c *spoken) begin(cursor string) {
	if c.events {
		c.write(":\n\nretry: 2000\n\nid: " + cursor + "\n\n")
		return
	}
	c.write("\r\n--graphql")
	c.part("{}") // a heartbeat
}

func (c *spoken) next(members, cursor string) bool {
	if c.events {
		return c.write(fmt.Sprintf("event: next\ndata: {%s}\nid: %s\n\n", members, cursor))
	}
	return c.part(fmt.Sprintf(`{"payload":{%s,"extensions":{"cursor":%q}}}`, members, cursor))
}

func (c *spoken) gap() {
	if c.events {
		c.write(`event: next` + "\n" + `data: {"errors":` + gapErrors + `}` + "\nid:\n\nevent: complete\ndata:\n\n")
		return
	}
	c.part(`{"payload":{"errors":` + gapErrors + `}}`)
	c.write("--\r\n")
}

func (c *spoken) close() {}

func (c *spoken) part(text string) bool {
	return c.write("\r\ncontent-type: application/json\r\n\r\n" + text + "\r\n--graphql")
}

func (c *spoken) write(text string) bool {
	if _, err := io.WriteString(c.w, text); err != nil {
		return false
	}
	return http.NewResponseController(c.w).Flush() == nil
}

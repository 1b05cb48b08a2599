package crowd

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"github.com/sluice-gateway/sluice/chaos/check"
)

const (
	document   = `subscription Watch($id: ID!) { stockChanged(productId: $id) { stock revision } }`
	helloTime  = 3 * time.Second
	pingEvery  = 2 * time.Second
	silentFor  = 6 * time.Second // then the gateway is taken for dead
	codeGap    = "RESUME_GAP"
	protocol   = "graphql-transport-ws"
	mostEvents = 1 << 20 // bytes of one message
)

// A visit is one connection to a gateway.
type visit struct {
	*subscriber
	writing sync.Mutex // held while something is written to socket
	socket  *websocket.Conn
	id      int // of the subscription that runs
}

// visit stays with a gateway until one of them has enough.
func (s *subscriber) visit(ctx context.Context, gateway string) {
	dialer := websocket.Dialer{Subprotocols: []string{protocol}, HandshakeTimeout: helloTime, ReadBufferSize: 2 << 10, WriteBufferSize: 512}
	socket, answer, err := dialer.DialContext(ctx, "ws://"+gateway+"/graphql", nil)
	if answer != nil {
		_ = answer.Body.Close()
	}
	if err != nil {
		if answer != nil {
			s.note(fmt.Sprintf("connect %d", answer.StatusCode))
		}
		return
	}
	v := &visit{subscriber: s, socket: socket}
	socket.SetReadLimit(mostEvents)
	hangUp := context.AfterFunc(ctx, func() { _ = socket.Close() })
	over := make(chan struct{})
	var pinging sync.WaitGroup
	pinging.Go(func() { v.ping(over) })
	defer func() {
		hangUp()
		close(over)
		_ = socket.Close()
		pinging.Wait()
	}()
	if v.say(`{"type":"connection_init"}`) == nil {
		v.listen(ctx)
	}
}

func (v *visit) ping(over <-chan struct{}) {
	tick := time.NewTicker(pingEvery)
	defer tick.Stop()
	for {
		select {
		case <-over:
			return
		case <-tick.C:
			_ = v.say(`{"type":"ping"}`) // the reader hears of what is wrong
		}
	}
}

func (v *visit) say(text string) error {
	v.writing.Lock()
	defer v.writing.Unlock()
	_ = v.socket.SetWriteDeadline(time.Now().Add(helloTime))
	return v.socket.WriteMessage(websocket.TextMessage, []byte(text))
}

// listen takes what the gateway says until the connection is over.
func (v *visit) listen(ctx context.Context) {
	for ctx.Err() == nil {
		_ = v.socket.SetReadDeadline(time.Now().Add(silentFor))
		_, text, err := v.socket.ReadMessage()
		if err != nil {
			v.farewell(err)
			return
		}
		var m message
		if json.Unmarshal(text, &m) != nil {
			v.note("not JSON")
			return
		}
		if !v.hear(ctx, m) {
			return
		}
	}
}

func (v *visit) farewell(err error) {
	if closed, ok := err.(*websocket.CloseError); ok { //nolint:errorlint // gorilla does not wrap it
		v.note(fmt.Sprintf("close %d", closed.Code))
	}
}

// hear reports whether the connection goes on.
func (v *visit) hear(ctx context.Context, m message) bool {
	switch m.Type {
	case "connection_ack":
		return v.subscribe() == nil
	case "ping":
		return v.say(`{"type":"pong"}`) == nil
	case "pong":
		return true
	case "next":
		v.dawdle(ctx)
		return v.result(m.Payload)
	case "error":
		return v.failed(m.Payload)
	}
	v.note(m.Type)
	return false
}

func (v *visit) subscribe() error {
	v.id++
	payload, _ := json.Marshal(map[string]any{
		"query": document, "variables": map[string]string{"id": v.product}, "extensions": map[string]any{"resume": v.begin()},
	})
	return v.say(fmt.Sprintf(`{"id":"%d","type":"subscribe","payload":%s}`, v.id, payload))
}

func (v *visit) result(payload []byte) bool {
	var n next
	if err := json.Unmarshal(payload, &n); err != nil || len(n.Errors) > 0 {
		v.note("result with errors")
		return false
	}
	event := n.Data.StockChanged
	v.take(check.ID{Lane: event.Stock, Number: event.Revision}, n.Extensions.Cursor)
	return true
}

// failed is told why a subscription has ended. After a gap the same connection serves for the next.
func (v *visit) failed(payload []byte) bool {
	var all []failure
	_ = json.Unmarshal(payload, &all)
	for _, f := range all {
		v.note(f.Extensions.Code)
		if f.Extensions.Code == codeGap {
			v.gap()
			return v.subscribe() == nil
		}
	}
	return false
}

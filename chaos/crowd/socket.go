package crowd

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

const (
	protocol  = "graphql-transport-ws"
	pingEvery = 2 * time.Second
	silentFor = 6 * time.Second // then the gateway is taken for dead
)

// A socket is one connection to a gateway that speaks graphql-transport-ws.
type socket struct {
	*subscriber
	writing sync.Mutex // held while something is written to conn
	conn    *websocket.Conn
	id      int // of the subscription that runs
}

func (s *subscriber) visitBySocket(ctx context.Context, gateway string) {
	dialer := websocket.Dialer{Subprotocols: []string{protocol}, HandshakeTimeout: helloTime, ReadBufferSize: 2 << 10, WriteBufferSize: 512}
	conn, answer, err := dialer.DialContext(ctx, "ws://"+gateway+"/graphql", nil)
	if answer != nil {
		_ = answer.Body.Close()
	}
	if err != nil {
		if answer != nil {
			s.note(fmt.Sprintf("connect %d", answer.StatusCode))
		}
		return
	}
	v := &socket{subscriber: s, conn: conn}
	conn.SetReadLimit(mostEvents)
	hangUp := context.AfterFunc(ctx, func() { _ = conn.Close() })
	over := make(chan struct{})
	var pinging sync.WaitGroup
	pinging.Go(func() { v.ping(over) })
	defer func() {
		hangUp()
		close(over)
		_ = conn.Close()
		pinging.Wait()
	}()
	if v.say(`{"type":"connection_init"}`) == nil {
		v.listen(ctx)
	}
}

func (v *socket) ping(over <-chan struct{}) {
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

func (v *socket) say(text string) error {
	v.writing.Lock()
	defer v.writing.Unlock()
	_ = v.conn.SetWriteDeadline(time.Now().Add(helloTime))
	return v.conn.WriteMessage(websocket.TextMessage, []byte(text))
}

// listen takes what the gateway says until the connection is over.
func (v *socket) listen(ctx context.Context) {
	for ctx.Err() == nil {
		_ = v.conn.SetReadDeadline(time.Now().Add(silentFor))
		_, text, err := v.conn.ReadMessage()
		if err != nil {
			v.farewell(err)
			return
		}
		var m message
		if json.Unmarshal(text, &m) != nil {
			v.note("not JSON")
			return
		}
		if !v.obey(ctx, m) {
			return
		}
	}
}

func (v *socket) farewell(err error) {
	if closed, ok := err.(*websocket.CloseError); ok { //nolint:errorlint // gorilla does not wrap it
		v.note(fmt.Sprintf("close %d", closed.Code))
	}
}

// obey reports whether the connection goes on.
func (v *socket) obey(ctx context.Context, m message) bool {
	switch m.Type {
	case "connection_ack":
		return v.subscribe() == nil
	case "ping":
		return v.say(`{"type":"pong"}`) == nil
	case "pong":
		return true
	case "next":
		return v.hear(ctx, m.Payload, "")
	case "error":
		return v.failed(m.Payload)
	}
	v.note(m.Type)
	return false
}

func (v *socket) subscribe() error {
	v.id++
	return v.say(fmt.Sprintf(`{"id":"%d","type":"subscribe","payload":%s}`, v.id, v.request(v.begin())))
}

// failed is told why a subscription has ended. After a gap the same connection serves for the next.
func (v *socket) failed(payload []byte) bool {
	var all []failure
	_ = json.Unmarshal(payload, &all)
	return v.regret(all) && v.subscribe() == nil
}

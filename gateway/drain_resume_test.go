package gateway_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"github.com/sluice-gateway/sluice/gateway"
	"github.com/sluice-gateway/sluice/internal/cursor"
	"github.com/sluice-gateway/sluice/operation"
	"github.com/sluice-gateway/sluice/transport/transporttest"
)

// A traveller is a client that keeps its cursor, and comes back whenever it is sent away.
type traveller struct {
	texts []string
	moved int
}

// travel reads until it has the last event.
func (v *traveller) travel(h house, last string) error {
	resume := any(true)
	for {
		ws, _, err := h.connect()
		if err != nil {
			return err
		}
		subscribe, _ := json.Marshal(map[string]any{"id": "1", "type": "subscribe", "payload": map[string]any{
			"query": `subscription { kept(rooms: ["1"]) { text } }`, "extensions": map[string]any{"resume": resume},
		}})
		err = ws.WriteMessage(websocket.TextMessage, subscribe)
		for err == nil {
			resume, err = v.read(ws, resume)
			if err == nil && v.texts[len(v.texts)-1] == last {
				return ws.Close()
			}
		}
		_ = ws.Close()
		if !websocket.IsCloseError(err, operation.Restarting.Close) {
			return err
		}
		v.moved++
		time.Sleep(time.Second)
	}
}

// read reads one event, and returns where it is now.
func (v *traveller) read(ws *websocket.Conn, resume any) (any, error) {
	var message struct {
		Type    string
		Payload json.RawMessage
	}
	for message.Type != "next" {
		if err := ws.ReadJSON(&message); err != nil {
			return resume, err
		}
		if message.Type == "error" {
			return resume, fmt.Errorf("refused: %s", message.Payload)
		}
	}
	var event struct {
		Data       struct{ Kept struct{ Text string } }
		Extensions struct{ Cursor string }
	}
	if err := json.Unmarshal(message.Payload, &event); err != nil {
		return resume, err
	}
	if event.Extensions.Cursor == "" {
		return resume, fmt.Errorf("no cursor stands in %s", message.Payload)
	}
	v.texts = append(v.texts, event.Data.Kept.Text)
	return event.Extensions.Cursor, nil
}

func TestWhoKeepsACursorMissesNothingOfARestart(t *testing.T) {
	const travellers, events, window = 30, 500, 2 * time.Second
	options := gateway.Options{Operation: operation.Options{Cursors: cursor.NewKeys()}}
	synctest.Test(t, func(t *testing.T) {
		node := transporttest.NewRooms(t)
		first, second := open(t, node, options), open(t, node, options)
		var door atomic.Pointer[gateway.Gateway] // of whoever comes
		door.Store(first.Gateway)
		node.Serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { door.Load().ServeHTTP(w, r) }))

		all := make([]traveller, travellers)
		var on sync.WaitGroup
		for i := range all {
			on.Go(func() {
				if err := all[i].travel(first, fmt.Sprint(events-1)); err != nil {
					t.Errorf("traveller %d: %v", i, err)
				}
			})
		}
		synctest.Wait()
		want := make([]string, events)
		closed := make(chan error, 1)
		for n := range events {
			want[n] = fmt.Sprint(n)
			if err := node.Broker.Publish(t.Context(), "kept.1", fmt.Appendf(nil, `{"room":"1","text":"%d"}`, n)); err != nil {
				t.Error(err)
			}
			time.Sleep(10 * time.Millisecond)
			if n == events/4 {
				door.Store(second.Gateway)
				go func() { closed <- first.Close(t.Context(), window) }()
			}
		}
		on.Wait()
		if err := <-closed; err != nil {
			t.Error(err)
		}
		for i, v := range all {
			if v.moved != 1 || !slices.Equal(v.texts, want) {
				t.Errorf("traveller %d has moved %d times and has %d events of %d: %v", i, v.moved, len(v.texts), events, v.texts)
			}
		}
		second.shut()
	})
}

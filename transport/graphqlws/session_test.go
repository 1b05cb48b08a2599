package graphqlws_test

import (
	"bufio"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/sluice-gateway/sluice/internal/outbox"
	"github.com/sluice-gateway/sluice/operation"
	"github.com/sluice-gateway/sluice/transport/graphqlws"
)

const subscribeRoom1 = `{"id":"1","type":"subscribe","payload":{"query":"subscription { message(rooms: [\"1\"]) { text } }"}}`

func TestOriginsDecideBeforeTheUpgrade(t *testing.T) {
	n := newNode(t, graphqlws.Options{}, false)
	for origin, allowed := range map[string]bool{
		"":                          true, // no browser
		n.http.URL:                  true,
		"https://shop.example":      true,
		"https://evil.example":      false,
		"https://shop.example.evil": false,
		"null":                      false,
	} {
		header := http.Header{}
		if origin != "" {
			header.Set("Origin", origin)
		}
		ws, answer, err := websocket.DefaultDialer.Dial(n.url(), header)
		if allowed != (err == nil) {
			t.Errorf("origin %q: allowed %v, want %v", origin, err == nil, allowed)
		}
		if err != nil && answer.StatusCode != http.StatusForbidden {
			t.Errorf("origin %q: status %d, want 403", origin, answer.StatusCode)
		}
		if ws != nil {
			_ = ws.Close()
		}
	}
}

func TestASessionThatStopsReadingEndsAloneWith4490(t *testing.T) {
	for _, secure := range []bool{false, true} {
		t.Run(fmt.Sprintf("tls=%v", secure), func(t *testing.T) {
			n := newNode(t, graphqlws.Options{Socket: outbox.SocketOptions{Deadline: 5 * time.Second}}, secure)
			slow := n.open()
			n.send(slow, subscribeRoom1)
			fast := make([]*websocket.Conn, 5)
			for i := range fast {
				fast[i] = n.open()
				n.send(fast[i], subscribeRoom1)
			}
			n.settled(len(fast) + 1)
			const events = 3000
			padding := strings.Repeat("x", 4<<10)
			received := make(chan error, len(fast))
			for _, ws := range fast {
				go func() {
					for i := range events {
						_, text, err := ws.ReadMessage()
						for err == nil && string(text) == `{"type":"ping"}` {
							_, text, err = ws.ReadMessage()
						}
						if err != nil || !strings.Contains(string(text), fmt.Sprintf(`"text":"%d %s"`, i, padding)) {
							received <- fmt.Errorf("event %d: %.80s %w", i, text, err)
							return
						}
					}
					received <- nil
				}()
			}
			// The publisher keeps a few events ahead of the readers, as a real one does on average.
			for i := range events {
				n.publish("room.1", fmt.Sprintf(`{"room":"1","text":"%d %s"}`, i, padding))
				eventually(t, "the readers keep up", func() bool {
					s := n.engine.Stats()
					return s.Executions >= uint64(i) || s.Members == 0
				})
				if i%50 == 0 {
					runtime.Gosched()
				}
			}
			for range fast {
				if err := <-received; err != nil {
					t.Error(err)
				}
			}
			eventually(t, "the slow one has left", func() bool { return n.engine.Stats().Members == len(fast) })
			if !secure { // it is told, when it reads at last
				for {
					got := n.read(slow)
					if strings.HasPrefix(got, "close") {
						if got != "close 4490 Slow consumer" {
							t.Errorf("the slow session ended with %s", got)
						}
						break
					}
				}
			}
		})
	}
}

func TestASessionThatNeverReadsIsGoneAfterTheWriteDeadline(t *testing.T) {
	n := newNode(t, graphqlws.Options{
		Goodbye: 100 * time.Millisecond,
		Socket:  outbox.SocketOptions{Deadline: 100 * time.Millisecond, Buffer: 8 << 10},
	}, false)
	ws := n.open()
	n.send(ws, subscribeRoom1)
	n.settled(1)
	padding := strings.Repeat("x", 64<<10)
	eventually(t, "the session is gone", func() bool {
		n.publish("room.1", fmt.Sprintf(`{"room":"1","text":"%s"}`, padding))
		return n.sessions.Len() == 0
	})
	eventually(t, "its operation is gone", func() bool { return n.engine.Stats().Members == 0 })
}

func TestAPeerThatVanishedIsNoticedByThePing(t *testing.T) {
	n := newNode(t, graphqlws.Options{PingInterval: 60 * time.Millisecond, PongWait: 30 * time.Millisecond}, false)
	ws := n.dial(nil, graphqlws.Subprotocol)
	ws.SetPingHandler(func(string) error { return nil }) // it answers nothing any more
	n.send(ws, `{"type":"connection_init"}`)
	n.want(ws, `{"type":"connection_ack"}`)
	for {
		if _, _, err := ws.ReadMessage(); err != nil {
			break
		}
	}
	eventually(t, "the session is gone", func() bool { return n.sessions.Len() == 0 })
}

func TestAPeerThatAnswersPingsStays(t *testing.T) {
	n := newNode(t, graphqlws.Options{PingInterval: 20 * time.Millisecond, PongWait: 10 * time.Millisecond}, false)
	ws := n.dial(nil, graphqlws.Subprotocol)
	n.send(ws, `{"type":"connection_init"}`)
	pings := 0
	for pings < 5 {
		_, text, err := ws.ReadMessage() // answers the pings of the WebSocket by itself
		if err != nil {
			t.Fatalf("after %d pings: %v", pings, err)
		}
		if string(text) == `{"type":"ping"}` {
			pings++
		}
	}
}

func TestDrainClosesWith1012AndWithoutComplete(t *testing.T) {
	n := newNode(t, graphqlws.Options{}, false)
	var all []*websocket.Conn
	for range 20 {
		ws := n.open()
		n.send(ws, subscribeRoom1)
		all = append(all, ws)
	}
	n.settled(len(all))
	done := make(chan error)
	go func() {
		done <- n.sessions.Close(t.Context(), operation.Restarting, 50*time.Millisecond, 20*time.Second)
	}()
	for _, ws := range all {
		n.want(ws, "close 1012 Restarting")
		_ = ws.Close()
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
	late := n.dial(nil, graphqlws.Subprotocol)
	n.want(late, "close 1012 Restarting")
}

func TestAClientThatNeverAnswersTheCloseFrameIsNotWaitedForLong(t *testing.T) {
	n := newNode(t, graphqlws.Options{Goodbye: 100 * time.Millisecond}, false)
	ws := n.open()
	n.send(ws, subscribeRoom1)
	n.settled(1)
	talking := make(chan struct{})
	go func() { // it goes on talking instead
		defer close(talking)
		for ws.WriteMessage(websocket.TextMessage, []byte(`{"type":"ping"}`)) == nil {
			<-time.After(time.Millisecond)
		}
	}()
	if err := n.sessions.Close(t.Context(), operation.Restarting, 0, 20*time.Second); err != nil {
		t.Error(err)
	}
	<-talking
}

func TestASessionOfAgeIsAskedToReconnect(t *testing.T) {
	n := newNode(t, graphqlws.Options{
		MaxAge: 50 * time.Millisecond, PingInterval: 20 * time.Millisecond, PongWait: 10 * time.Millisecond,
	}, false)
	n.want(n.open(), "close 1012 Restarting")
}

func TestAClientThatDropsTheConnectionLeavesNothing(t *testing.T) {
	n := newNode(t, graphqlws.Options{}, false)
	for range 10 {
		ws := n.open()
		n.send(ws, subscribeRoom1)
		n.send(ws, `{"id":"2","type":"subscribe","payload":{"query":"{ slow }"}}`)
		n.settled(1)
		_ = ws.NetConn().Close()
		eventually(t, "the session is gone", func() bool { return n.sessions.Len() == 0 && n.engine.Stats().Members == 0 })
	}
}

func TestFramesOfAllSizes(t *testing.T) {
	n := newNode(t, graphqlws.Options{}, false)
	ws := n.open()
	n.send(ws, subscribeRoom1)
	n.settled(1)
	for _, size := range []int{0, 30, 60, 61, 62, 125, 126, 1 << 10, 65_000, 65_535, 65_536, 900_000} {
		text := strings.Repeat("é", size/2)
		n.publish("room.1", fmt.Sprintf(`{"room":"1","text":"%s"}`, text))
		n.want(ws, fmt.Sprintf(`{"id":"1","type":"next","payload":{"data":{"message":{"text":"%s"}}}}`, text))
	}
}

// raw opens a WebSocket by hand and returns the connection below it.
func (n *node) raw() (net.Conn, *bufio.Reader) {
	n.t.Helper()
	ws := n.open()
	return ws.NetConn(), bufio.NewReader(ws.NetConn())
}

func TestBrokenFraming(t *testing.T) {
	masked := func(first byte, payload string) []byte {
		return append([]byte{first, 0x80 | byte(len(payload)), 0, 0, 0, 0}, payload...)
	}
	for _, tt := range []struct {
		name   string
		frames []byte
		code   uint16
	}{
		{"a frame that is not masked", []byte{0x81, 2, '{', '}'}, 1002},
		{"a reserved bit", masked(0xC1, "{}"), 1002},
		{"a reserved opcode", masked(0x83, "{}"), 1002},
		{"a control frame in fragments", masked(0x09, ""), 1002},
		{"a continuation of nothing", masked(0x80, "x"), 1002},
		{"a length of 2^63", []byte{0x81, 0xFF, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, 1009},
		{"a length of 2^62", []byte{0x81, 0xFF, 0x40, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, 1009},
		{"a close frame of one byte", masked(0x88, "x"), 1005},
		{"a close frame without a code", masked(0x88, ""), 1005},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n := newNode(t, graphqlws.Options{}, false)
			conn, r := n.raw()
			if _, err := conn.Write(tt.frames); err != nil {
				t.Fatal(err)
			}
			if code := readClose(t, r); code != tt.code {
				t.Errorf("closed with %d, want %d", code, tt.code)
			}
		})
	}
}

// readClose reads frames of a server until the close frame and returns its code, or 1005.
func readClose(t *testing.T, r io.Reader) uint16 {
	t.Helper()
	for {
		var header [2]byte
		if _, err := io.ReadFull(r, header[:]); err != nil {
			t.Fatalf("no close frame: %v", err)
		}
		payload := make([]byte, header[1])
		if _, err := io.ReadFull(r, payload); err != nil {
			t.Fatal(err)
		}
		switch {
		case header[0] == 0x88 && len(payload) >= 2:
			return binary.BigEndian.Uint16(payload)
		case header[0] == 0x88:
			return 1005
		}
	}
}

func TestFragmentedMessagesAndControlFramesBetween(t *testing.T) {
	n := newNode(t, graphqlws.Options{}, false)
	ws := n.open()
	w, err := ws.NextWriter(websocket.TextMessage)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{`{"type":`, `"ping",`, `"payload":{}}`} {
		_, _ = io.WriteString(w, part)
		_ = ws.WriteControl(websocket.PingMessage, []byte("between"), time.Now().Add(time.Second))
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	n.want(ws, `{"type":"pong","payload":{}}`)
}

func TestASecureSession(t *testing.T) {
	n := newNode(t, graphqlws.Options{}, true)
	ws := n.open()
	if _, ok := ws.NetConn().(*tls.Conn); !ok {
		t.Fatal("the test does not speak TLS")
	}
	n.send(ws, subscribeRoom1)
	n.settled(1)
	for i := range 300 {
		n.publish("room.1", fmt.Sprintf(`{"room":"1","text":"%d"}`, i))
		n.want(ws, fmt.Sprintf(`{"id":"1","type":"next","payload":{"data":{"message":{"text":"%d"}}}}`, i))
	}
}

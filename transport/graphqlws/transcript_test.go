package graphqlws_test

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"errors"
	"flag"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/sluice-gateway/sluice/transport/graphqlws"
)

var update = flag.Bool("update", false, "rewrite what the server says in testdata/*.txt")

// TestTranscripts plays every conversation of testdata against a server. A line is:
//
//	> text          the client sends a text message
//	>> hex          the client sends a binary message
//	> close CODE    the client closes
//	< text          the server's next message; "< close CODE REASON" ends it
//	members N       until N operations are subscribed
//	publish T P     an event
//	protocol P      the sub-protocol that is offered, instead of graphql-transport-ws
//	header N: V     a header of the upgrade
//	revoke          alice's key is revoked
//	away            credentials cannot be checked any more
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no transcripts", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			script, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			played := play(t, script)
			if *update {
				if err := os.WriteFile(file, played, 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if !bytes.Equal(played, script) {
				t.Errorf("the server said:\n%s\nwant:\n%s", played, script)
			}
		})
	}
}

// play returns the script with the lines that the server really said.
func play(t *testing.T, script []byte) []byte {
	n := newNode(t, graphqlws.Options{
		InitTimeout:  500 * time.Millisecond,
		MessageBytes: 4 << 10,
		Operations:   3,
	}, false)
	p := &player{node: n, t: t, header: http.Header{}, protocols: []string{graphqlws.Subprotocol}}
	lines := bufio.NewScanner(bytes.NewReader(script))
	for lines.Scan() {
		p.line(lines.Text())
	}
	return p.out.Bytes()
}

type player struct {
	*node
	t         *testing.T
	header    http.Header
	protocols []string
	ws        *websocket.Conn
	out       bytes.Buffer
}

func (p *player) socket() *websocket.Conn {
	if p.ws == nil {
		p.ws = p.dial(p.header, p.protocols...)
	}
	return p.ws
}

func (p *player) line(line string) {
	verb, rest, _ := strings.Cut(line, " ")
	switch verb {
	case "<":
		line = "< " + p.read(p.socket())
	case ">":
		p.say(rest)
	case ">>":
		b, err := hex.DecodeString(rest)
		if err != nil {
			p.t.Fatal(err)
		}
		_ = p.socket().WriteMessage(websocket.BinaryMessage, b)
	case "members":
		members, _ := strconv.Atoi(rest)
		p.settled(members)
	case "publish":
		topic, payload, _ := strings.Cut(rest, " ")
		p.publish(topic, payload)
	case "protocol":
		p.protocols = strings.Fields(rest)
	case "revoke":
		p.viewers.Set(aliceKey, nil)
		if err := p.sessions.Grants().Recheck(p.t.Context(), alice.Key); err != nil {
			p.t.Fatal(err)
		}
	case "away":
		p.viewers.Away(errors.New("the store of keys is away"))
	case "header":
		name, value, _ := strings.Cut(rest, ": ")
		p.header.Set(name, value)
	}
	p.out.WriteString(line + "\n")
}

func (p *player) say(text string) {
	if code, ok := strings.CutPrefix(text, "close "); ok {
		c, _ := strconv.Atoi(code)
		_ = p.socket().WriteMessage(websocket.CloseMessage, websocket.FormatCloseMessage(c, ""))
		return
	}
	text = strings.ReplaceAll(text, "<4KiB>", strings.Repeat("x", 4<<10))
	if s, err := strconv.Unquote(text); err == nil { // bytes that a text file cannot hold
		text = s
	}
	_ = p.socket().WriteMessage(websocket.TextMessage, []byte(text))
}

func closeText(e *websocket.CloseError) string {
	return strconv.Itoa(e.Code) + " " + e.Text
}

package graphqlws

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"github.com/sluice-gateway/sluice/transport"
)

// FuzzDecode: whatever bytes a client sends, decoding ends without a panic, and what it accepts can
// be answered with JSON.
func FuzzDecode(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.txt")
	for _, file := range files {
		script, _ := os.ReadFile(file)
		for line := range strings.Lines(string(script)) {
			if text, ok := strings.CutPrefix(line, "> "); ok {
				f.Add([]byte(strings.TrimSpace(text)))
			}
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := decode(text)
		if err != nil {
			return
		}
		if m.Type == typeSubscribe {
			_, _ = transport.ParseRequest(m.Payload)
			framed := append(append(nextHead(m.ID), `{"data":null}`...), nextTail...)
			if !json.Valid(framed) {
				t.Errorf("id %q gives the message %s", m.ID, framed)
			}
		}
		if token, brought := renewal(m.Payload); brought && strings.ContainsFunc(token, unicode.IsControl) {
			t.Errorf("payload %q brings the token %q", m.Payload, token)
		}
		if m.Type == typePing && !json.Valid(pongFrame(m.Payload)[headerLength(pongFrame(m.Payload)):]) {
			t.Errorf("payload %q gives a pong that is no JSON", m.Payload)
		}
	})
}

func headerLength(frame []byte) int {
	switch frame[1] {
	case 126:
		return 4
	case 127:
		return 10
	}
	return 2
}

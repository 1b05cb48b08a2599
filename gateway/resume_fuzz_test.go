package gateway_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/operation"
)

// FuzzLastEventID comes back to the handler of event streams with anything in the place of an id. Bytes from 0x80 on
// stand for cursors that the gateway has handed out to somebody; flip changes one character. Who comes with one of
// its own has what followed it, to the end; nobody else has anything but an error with a code.
func FuzzLastEventID(f *testing.F) {
	for who := range comers {
		for _, id := range []string{
			"", "\x83", "\x86", "\x80", "\x8a", "\x90", "\x99", "\xa0", "\xa7", "\xaa", "\x83\x83", "\x83=", "AQ-_", "latest", "é",
			"a b", "a\nid: b", "\x83\n", strings.Repeat("x", 4<<10), strings.Repeat("x", 4<<10+1),
		} {
			f.Add([]byte(id), []byte(nil), uint8(who), uint16(0))
		}
		for _, id := range []string{"\x84", "\x9a", "latest", strings.Repeat("x", 4<<10+1)} {
			f.Add([]byte(nil), []byte(id), uint8(who), uint16(0))
			f.Add([]byte("\x85"), []byte(id), uint8(who), uint16(0))
			f.Add([]byte(id), []byte(nil), uint8(who), uint16(1<<8|40))
		}
	}
	l := openLobby(f)
	f.Fuzz(func(t *testing.T, header, inURL []byte, who uint8, flip uint16) {
		id, c := []byte(l.fillIn(header)), &comers[int(who)%len(comers)]
		if at := int(flip & 0xff); at < len(id) {
			id[at] ^= byte(flip>>8) & 0x7f
		}
		l.comeBack(t, c, string(id), l.fillIn(inURL))
	})
}

// comeBack sends a request, and looks at the answer.
func (l *lobby) comeBack(t *testing.T, c *comer, id, inURL string) {
	a, goesOn := l.ask(t, c, id, inURL)
	if err := l.judge(c, cmp.Or(id, inURL), a, goesOn); err != nil {
		t.Errorf("%s by %q with %q, or %q: %v: %d %.300s", c.query, c.token, id, inURL, err, a.status, a.body.String())
	}
}

// ask sends a request, and leaves when nothing is to come any more: goesOn says that there is no end then.
func (l *lobby) ask(t testing.TB, c *comer, id, inURL string) (a *response, goesOn bool) {
	ctx, leave := context.WithCancel(context.Background())
	defer leave()
	body, _ := json.Marshal(map[string]any{"query": c.query})
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://sluice.test/graphql?"+url.Values{"lastEventId": {inURL}}.Encode(), bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header = http.Header{"Content-Type": {"application/json"}, "Accept": {"text/event-stream"}, "Last-Event-Id": {id}}
	if c.token != "" {
		r.Header.Set("Authorization", c.token)
	}
	a = newResponse()
	over := make(chan struct{})
	go func() {
		defer close(over)
		l.gateway.ServeHTTP(a, r)
	}()
	look := time.NewTicker(time.Millisecond)
	defer look.Stop()
	for end := time.Now().Add(10 * time.Second); ; {
		select {
		case <-over:
			return a, false
		case <-a.wrote:
		case <-look.C:
		}
		if l.rests(c, cmp.Or(id, inURL), a) || time.Now().After(end) {
			leave()
			<-over
			return a, true
		}
	}
}

// rests reports whether nothing more comes on a stream that goes on: its operation is not behind, and what it was to
// have is written.
func (l *lobby) rests(c *comer, id string, a *response) bool {
	missed, mine := l.missed(c, id)
	least := 0
	for _, texts := range missed {
		least += len(texts)
	}
	if c.topics != nil && !mine {
		least = 1 // where it begins
	}
	if a.count("\nid: ") < least {
		return false
	}
	for range 10 { // for what nobody has asked for
		runtime.Gosched()
	}
	stats := l.gateway.Stats()
	return stats.Members == 1 && stats.Behind == 0
}

// judge says what is wrong with an answer.
func (l *lobby) judge(c *comer, id string, a *response, goesOn bool) error {
	visible := func(c rune) bool { return '!' <= c && c <= '~' }
	if len(id) > 4<<10 || strings.ContainsFunc(id, func(c rune) bool { return !visible(c) }) {
		if a.status != http.StatusBadRequest || a.code() != operation.CodeBadRequest || goesOn {
			return errors.New("it is no id")
		}
		return nil
	}
	if a.status != http.StatusOK || !strings.HasPrefix(a.header.Get("Content-Type"), "text/event-stream") {
		return errors.New("it is no stream")
	}
	said, err := l.read(c, a.body.String())
	missed, mine := l.missed(c, id)
	switch {
	case err != nil:
		return err
	case c.single:
		return said.want("", false, goesOn)
	case id != "" && !mine:
		return said.want(operation.CodeResumeGap, false, goesOn)
	case !maps.EqualFunc(said.texts, missed, slices.Equal):
		return fmt.Errorf("it has %q and missed %q", said.texts, missed)
	default:
		return said.want("", true, goesOn)
	}
}

// A story is what an event stream has said.
type story struct {
	texts    map[string][]string // of events, by topic
	code     string              // of an error
	complete bool
}

// want compares the end of a stream.
func (s *story) want(code string, open, goesOn bool) error {
	if s.code != code || open != goesOn || s.complete == open || code != "" && len(s.texts) > 0 {
		return fmt.Errorf("it has %q, the code %q, is complete: %v, and goes on: %v", s.texts, s.code, s.complete, goesOn)
	}
	return nil
}

// read reads a stream, whose ids must be cursors of whoever reads.
func (l *lobby) read(c *comer, stream string) (*story, error) {
	s := &story{texts: make(map[string][]string)}
	for line := range strings.Lines(stream) {
		field, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ":")
		switch value = strings.TrimPrefix(value, " "); {
		case field == "event" && value == "complete":
			s.complete = true
		case field == "id" && value != "":
			if _, err := l.keys.Read(value, l.scope(c), cursorTopics(c.topics)); err != nil {
				return nil, fmt.Errorf("the id %q: %w", value, err)
			}
		case field == "data" && value != "" && !c.single:
			var result struct {
				Data   map[string]struct{ Text string }
				Errors []struct{ Extensions struct{ Code string } }
			}
			if err := json.Unmarshal([]byte(value), &result); err != nil {
				return nil, err
			}
			for _, m := range result.Data {
				topic, _, _ := strings.Cut(m.Text, "/")
				s.texts[topic] = append(s.texts[topic], m.Text)
			}
			for _, e := range result.Errors {
				s.code = e.Extensions.Code
			}
		}
	}
	return s, nil
}

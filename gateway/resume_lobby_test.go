package gateway_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/auth"
	"github.com/sluice-gateway/sluice/gateway"
	"github.com/sluice-gateway/sluice/internal/cursor"
	"github.com/sluice-gateway/sluice/internal/testschema"
	"github.com/sluice-gateway/sluice/limits"
	"github.com/sluice-gateway/sluice/operation"
	"github.com/sluice-gateway/sluice/pubsub"
	"github.com/sluice-gateway/sluice/pubsub/memory"
	"github.com/sluice-gateway/sluice/transport"
	"github.com/sluice-gateway/sluice/transport/transporttest"
)

// A response is what a handler writes. It may be read while the handler runs.
type response struct {
	header http.Header
	wrote  chan struct{} // holds a token when more was written
	mu     sync.Mutex    // guards what follows
	status int
	body   bytes.Buffer
}

func newResponse() *response {
	return &response{header: make(http.Header), wrote: make(chan struct{}, 1)}
}

func (a *response) Header() http.Header              { return a.header }
func (a *response) Flush()                           {}
func (a *response) SetReadDeadline(time.Time) error  { return nil }
func (a *response) SetWriteDeadline(time.Time) error { return nil }

func (a *response) WriteHeader(status int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.status == 0 {
		a.status = status
	}
}

func (a *response) Write(b []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	a.mu.Lock()
	defer a.mu.Unlock()
	select {
	case a.wrote <- struct{}{}:
	default:
	}
	return a.body.Write(b)
}

// count is how often an answer says something.
func (a *response) count(text string) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return strings.Count(a.body.String(), text)
}

// code is that of the first error of an answer in JSON; empty: it is none, or has none.
func (a *response) code() string {
	var said struct {
		Errors []struct{ Extensions struct{ Code string } }
	}
	if !strings.Contains(a.header.Get("Content-Type"), "json") || json.Unmarshal(a.body.Bytes(), &said) != nil || len(said.Errors) == 0 {
		return ""
	}
	return said.Errors[0].Extensions.Code
}

// A comer is an operation of somebody who may come back with anything.
type comer struct {
	query, token string
	topics       []string // that are kept; nil: it cannot be resumed
	single       bool     // it is a query
}

var (
	guestsByToken = map[string]*auth.Viewer{
		"ann":       {Consumer: "shop", Subject: "ann"},
		"ben":       {Consumer: "shop", Subject: "ben"},
		"other ann": {Consumer: "market", Subject: "ann"},
	}
	comers = []comer{
		{`subscription { kept(rooms: ["1"]) { text } }`, "ann", []string{"kept.1"}, false},
		{`subscription Again { m: kept(rooms: ["1"]) { room text } }`, "ben", []string{"kept.1"}, false},
		{`subscription { kept(rooms: ["1", "2"]) { text } }`, "", []string{"kept.1", "kept.2"}, false},
		{`subscription { kept(rooms: ["2", "1"]) { text } }`, "", []string{"kept.2", "kept.1"}, false},
		{`subscription { keptSecret { text } }`, "ann", []string{"kept-secret.ann"}, false},
		{`subscription { keptSecret { text } }`, "ben", []string{"kept-secret.ben"}, false},
		{`subscription { keptSecret { text } }`, "other ann", []string{"kept-secret.ann"}, false},
		{`subscription { kept { text } }`, "ann", nil, false},
		{`subscription { message(rooms: ["1"]) { text } }`, "ann", nil, false},
		{`{ hello }`, "ann", nil, true},
	}
)

// A lobby is a gateway that keeps four events of each of its topics, whose cursors are known.
type lobby struct {
	gateway *gateway.Gateway
	keys    *cursor.Keys
	places  map[string][]pubsub.Position // of each topic: before its first event, and after each
	given   map[string]given             // by cursor
	cursors []string
	scopes  map[string]cursor.Scope // of private cursors, by token
}

// A given is what a cursor of a lobby says.
type given struct {
	whose string         // the token of who alone may use it; empty: everybody may
	at    map[string]int // how many events of each topic come before
}

const (
	lobbyEvents = 6 // of each topic
	lobbyFirst  = 3 // that is still kept
)

func openLobby(t testing.TB) *lobby {
	retain := func(topic string) pubsub.Retention {
		if strings.HasPrefix(topic, "kept") {
			return pubsub.Retention{Events: lobbyEvents + 1 - lobbyFirst, For: time.Hour}
		}
		return pubsub.Retention{}
	}
	broker := memory.NewWith(memory.Options{Retain: retain})
	viewers := transporttest.NewViewers()
	for token, viewer := range guestsByToken {
		viewers.Set(token, viewer)
	}
	l := &lobby{keys: cursor.NewKeys(), places: make(map[string][]pubsub.Position), given: make(map[string]given), scopes: make(map[string]cursor.Scope)}
	var err error
	l.gateway, err = gateway.New(testschema.New(), gateway.Options{
		Broker: broker, Authenticator: viewers, Log: slog.New(slog.DiscardHandler),
		Operation: operation.Options{Retain: retain, Cursors: l.keys, Callers: operation.CallerLimits{Requests: limits.UnlimitedRate}},
		Sessions:  transport.SessionLimits{Rate: limits.UnlimitedRate},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.gateway.Close(context.Background(), 0); err != nil {
			t.Error(err)
		}
		_ = broker.Close()
	})
	for _, topic := range []string{"kept.1", "kept.2", "kept-secret.ann", "kept-secret.ben"} {
		l.places[topic] = fill(t, broker, topic)
	}
	l.handOut(t)
	return l
}

// fill publishes to a topic, and returns the places before the first event and after each.
func fill(t testing.TB, broker *memory.Broker, topic string) (places []pubsub.Position) {
	s, err := broker.Subscribe(context.Background(), topic, nobody{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	places = append(places, s.Position())
	for n := range lobbyEvents {
		if err := broker.Publish(context.Background(), topic, fmt.Appendf(nil, `{"room":"x","text":"%s/%d"}`, topic, n+1)); err != nil {
			t.Fatal(err)
		}
		past, err := broker.Read(context.Background(), topic, places[n], 1)
		if err != nil {
			t.Fatal(err)
		}
		places = append(places, past.Top)
	}
	return places
}

// handOut makes cursors of everybody's places, and one of another server.
func (l *lobby) handOut(t testing.TB) {
	for _, c := range comers {
		whose := ""
		if c.private() {
			whose = c.token
			l.learn(t, &c)
		}
		for n := range lobbyEvents + 1 {
			says := given{whose, make(map[string]int)}
			var positions []pubsub.Position
			for i, topic := range c.topics {
				says.at[topic] = (n + 2*i) % (lobbyEvents + 1)
				positions = append(positions, l.places[topic][says.at[topic]])
			}
			text := string(l.keys.Append(nil, l.scope(&c), cursorTopics(c.topics), positions))
			if _, known := l.given[text]; text != "" && !known {
				l.given[text] = says
				l.cursors = append(l.cursors, text)
			}
		}
	}
	foreign := cursor.NewKeys().Append(nil, cursor.ScopeOf(""), cursorTopics(comers[0].topics), l.places["kept.1"][5:6])
	l.cursors = append(l.cursors, string(foreign))
}

// private reports whether results depend on who asks.
func (c *comer) private() bool { return strings.Contains(c.query, "keptSecret") }

// learn has the gateway say whose results the cursors of a comer are places in: that is its own affair.
func (l *lobby) learn(t testing.TB, c *comer) {
	a, _ := l.ask(t, c, "", "")
	_, id, _ := strings.Cut(a.body.String(), "id: ")
	id, _, _ = strings.Cut(id, "\n")
	l.scopes[c.token] = scopeIn(id)
}

// scope is whose results the cursors of a comer are places in.
func (l *lobby) scope(c *comer) cursor.Scope {
	if c.private() {
		return l.scopes[c.token]
	}
	return cursor.ScopeOf("")
}

// scopeIn is the scope that a cursor says.
func scopeIn(id string) (scope cursor.Scope) {
	if raw, err := base64.RawURLEncoding.DecodeString(id); err == nil && len(raw) > 25 {
		copy(scope[:], raw[len(raw)-25:])
	}
	return scope
}

func cursorTopics(names []string) (topics []cursor.Topic) {
	for _, name := range names {
		topics = append(topics, cursor.TopicOf(name))
	}
	return topics
}

// missed is what comes after a cursor, of each topic; false: it is not for who comes, or not all is kept.
func (l *lobby) missed(c *comer, id string) (texts map[string][]string, ok bool) {
	says, known := l.given[id]
	if !known || says.whose != "" && says.whose != c.token || len(says.at) != len(c.topics) {
		return nil, false
	}
	texts = make(map[string][]string)
	for _, topic := range c.topics {
		at, known := says.at[topic]
		if !known || at < lobbyFirst {
			return nil, false
		}
		for n := at + 1; n <= lobbyEvents; n++ {
			texts[topic] = append(texts[topic], fmt.Sprint(topic, "/", n))
		}
	}
	return texts, true
}

// fillIn puts cursors in the places of the bytes from 0x80 on.
func (l *lobby) fillIn(text []byte) string {
	var b strings.Builder
	for _, c := range text {
		if c < 0x80 {
			b.WriteByte(c)
		} else {
			b.WriteString(l.cursors[int(c-0x80)%len(l.cursors)])
		}
	}
	return b.String()
}

package gateway_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/sluice-gateway/sluice/auth"
	"github.com/sluice-gateway/sluice/gateway"
	"github.com/sluice-gateway/sluice/internal/testschema"
	"github.com/sluice-gateway/sluice/operation"
	"github.com/sluice-gateway/sluice/pubsub"
	"github.com/sluice-gateway/sluice/pubsub/memory"
	"github.com/sluice-gateway/sluice/transport/transporttest"
)

// A press is a gateway that somebody publishes to, and what it publishes.
type press struct {
	*memory.Broker
	gateway *gateway.Gateway
	came    []*pubsub.Event // to topics that are not the gateway's own
	asked   []string        // topics that the broker was asked to publish to, which are not either
}

// mostPublished is the size of the largest event of a press, in bytes.
const mostPublished = 200

// publishers are who may publish where.
var publishers = map[string]*auth.Viewer{
	"all":   {Consumer: "billing", Scopes: []string{"publish"}, Publish: []string{"kept.*", "room.*", "_sluice.*", "nothing.*"}},
	"one":   {Consumer: "billing", Scopes: []string{"publish"}, Publish: []string{"room.1"}},
	"none":  {Consumer: "billing", Scopes: []string{"publish"}},
	"reads": {Consumer: "billing", Publish: []string{"kept.*", "room.*"}},
}

func newPress(f *testing.F) *press {
	retain := func(topic string) pubsub.Retention {
		if strings.HasPrefix(topic, "kept.") {
			return pubsub.Retention{Events: 3, For: time.Minute}
		}
		return pubsub.Retention{}
	}
	p := &press{Broker: memory.NewWith(memory.Options{Retain: retain})}
	viewers := transporttest.NewViewers()
	for token, viewer := range publishers {
		viewers.Set(token, viewer)
	}
	var err error
	p.gateway, err = gateway.New(testschema.New(), gateway.Options{
		Broker: p, Authenticator: viewers, PublishBytes: mostPublished, Log: slog.New(slog.DiscardHandler),
		Operation: operation.Options{Retain: retain},
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() {
		if err := p.gateway.Close(context.Background(), 0); err != nil {
			f.Error(err)
		}
		_ = p.Close()
	})
	for _, pattern := range []string{"kept.*", "room.*", "nothing.*"} {
		if _, err := p.Subscribe(context.Background(), pattern, p); err != nil {
			f.Fatal(err)
		}
	}
	return p
}

// Publish implements pubsub.Broker.
func (p *press) Publish(ctx context.Context, topic string, payload []byte) error {
	if !strings.HasPrefix(topic, "_sluice.") {
		p.asked = append(p.asked, topic)
	}
	return p.Broker.Publish(ctx, topic, payload)
}

// Receive implements pubsub.Receiver.
func (p *press) Receive(e *pubsub.Event) { p.came = append(p.came, e) }

// send sends a request, and returns the answer and the events that came of it.
func (p *press) send(method string, u *url.URL, header http.Header, body []byte) (*response, []*pubsub.Event) {
	p.came, p.asked = nil, nil
	a := newResponse()
	r := &http.Request{
		Method: method, URL: u, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Host: "sluice.test", RequestURI: u.RequestURI(),
		Header: header, Body: http.NoBody, ContentLength: int64(len(body)), RemoteAddr: "192.0.2.1:1234",
	}
	if len(body) > 0 {
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	p.gateway.ServeHTTP(a, r)
	return a, p.came
}

// FuzzPublish publishes anything, anywhere, by anybody. What is taken is one event, as it was sent, of a topic that is
// the publisher's, and with an idempotency key it is taken once; of all else nothing is published, and the answer has a
// code.
func FuzzPublish(f *testing.F) {
	const kind = "application/json"
	for _, topic := range []string{
		"room.1", "kept.1", "nothing.1", "room.1.2", "room.a%20b", "room.*", "*", "_sluice.auth", "", "..", "room.1/../kept.1", "room.1/", "/room.1",
		"room%2E1", "room.%00", "room.\xff", "room.%C3%A9", "kept.1?x=1", "kept.1#x", strings.Repeat("a", 300),
	} {
		f.Add("POST", topic, kind, "", []byte(`{"room":"1","text":"x"}`), "all", "")
		f.Add("POST", topic, kind, "a", []byte(`{"room":"1","text":"x"}`), "all", "")
	}
	for _, body := range []string{
		``, `{}`, `[]`, `null`, `{"text":`, "{\"text\":\"\xff\"}", `{"text":"x"} `, `{"text":"x"}{}`, `{"\u0000":1e999}`, `{"a":{"a":{"a":{}}}}`,
		`{"text":"` + strings.Repeat("x", mostPublished) + `"}`, "\ufeff{}", `{"a":1,"a":2}`,
	} {
		f.Add("POST", "kept.1", kind, "", []byte(body), "all", "")
	}
	for _, key := range []string{"a b", "é", strings.Repeat("k", 128), strings.Repeat("k", 129), "\x00", "\n"} {
		f.Add("POST", "kept.1", kind, key, []byte(`{}`), "all", "")
	}
	for _, other := range []string{"", "text/plain", "application/json; charset=utf-8", "application/json; charset=latin1", "application/json, text/plain", ";"} {
		f.Add("POST", "kept.1", other, "k", []byte(`{}`), "all", "")
	}
	for _, who := range []string{"all", "one", "none", "reads", "", "a guess", "Bearer all", "Bearer  "} {
		f.Add("POST", "room.1", kind, "", []byte(`{}`), who, "https://evil.example")
		f.Add("POST", "room.2", kind, "", []byte(`{}`), who, "")
		f.Add("PUT", "room.1", kind, "", []byte(`{}`), who, "null")
	}
	p := newPress(f)
	f.Fuzz(func(t *testing.T, method, path, kind, key string, body []byte, who, origin string) {
		u, err := url.ParseRequestURI("/publish/" + path)
		if err != nil || method == "" { // the server itself refuses it
			return
		}
		header := make(http.Header)
		for name, value := range map[string]string{"Content-Type": kind, "Idempotency-Key": key, "Authorization": who, "Origin": origin} {
			if value != "" {
				header.Set(name, value)
			}
		}
		sent := slices.Clone(body)
		a, came := p.send(method, u, header, body)
		topic, err := p.judge(u, a, came, sent, key)
		if err == nil && a.status == http.StatusNoContent && method == http.MethodPost {
			err = mayHave(topic, strings.TrimPrefix(strings.TrimSpace(who), "Bearer "), key)
			if a, came = p.send(method, u, header, slices.Clone(sent)); key != "" && (a.status != http.StatusNoContent || len(came) > 0) {
				err = fmt.Errorf("again with the same key: %d and %d events", a.status, len(came))
			}
		}
		if err != nil {
			t.Errorf("%s %s: %v: %d %.300s", method, u, err, a.status, a.body.String())
		}
	})
}

// judge compares an answer with the events that came, and returns their topic.
func (p *press) judge(u *url.URL, a *response, came []*pubsub.Event, sent []byte, key string) (topic string, err error) {
	segment, ours := strings.CutPrefix(u.EscapedPath(), "/publish/")
	ours = ours && segment != "" && segment != "." && segment != ".." && !strings.Contains(segment, "/")
	switch {
	case len(p.asked) > 1, len(came) > 1:
		return "", fmt.Errorf("it was published to %q", p.asked)
	case len(p.asked) == 0 && len(came) == 0:
	case len(came) == 0 && key == "":
		return "", fmt.Errorf("nothing came to %q", p.asked)
	case a.status != http.StatusNoContent:
		return "", fmt.Errorf("%q were asked to take it", p.asked)
	case p.asked[0] != strings.TrimPrefix(u.Path, "/publish/"):
		return "", fmt.Errorf("it came to %q", p.asked)
	case len(came) == 1 && (came[0].Topic != p.asked[0] || !bytes.Equal(came[0].Payload, sent)):
		return "", fmt.Errorf("%q came to %q", came[0].Payload, came[0].Topic)
	default:
		var object map[string]json.RawMessage
		if json.Unmarshal(sent, &object) != nil || object == nil || !utf8.Valid(sent) || len(sent) > mostPublished {
			return "", fmt.Errorf("%q is no event", sent)
		}
		return p.asked[0], nil
	}
	switch code := a.code(); {
	case !ours: // another handler's
	case a.status == http.StatusNoContent && a.header.Get("Access-Control-Allow-Methods") == "" && a.header.Get("Allow") == "":
		return "", fmt.Errorf("nothing was published, headers %v", a.header)
	case a.status == http.StatusNoContent: // a page that asks before
	case a.status < 400, a.status >= 500, code == "":
		return "", fmt.Errorf("the code is %q", code)
	}
	return "", nil
}

// mayHave says why somebody should not have published to a topic.
func mayHave(topic, who, key string) error {
	v := publishers[who]
	allowed := func(pattern string) bool { return pubsub.Match(pattern, topic) }
	visible := func(c rune) bool { return '!' <= c && c <= '~' }
	switch {
	case pubsub.ValidName(topic) != nil, !strings.HasPrefix(topic, "kept.") && !strings.HasPrefix(topic, "room."), strings.Count(topic, ".") != 1:
		return fmt.Errorf("%q is no topic", topic)
	case v == nil, !v.Has("publish"), !slices.ContainsFunc(v.Publish, allowed):
		return fmt.Errorf("%q is not for %q", topic, who)
	case key != "" && (len(key) > 128 || strings.ContainsFunc(key, func(c rune) bool { return !visible(c) }) || !strings.HasPrefix(topic, "kept.")):
		return fmt.Errorf("the key %q cannot hold", key)
	}
	return nil
}

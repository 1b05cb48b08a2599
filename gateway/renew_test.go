package gateway_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-gateway/sluice/auth"
	"github.com/sluice-gateway/sluice/gateway"
	"github.com/sluice-gateway/sluice/internal/testschema"
	"github.com/sluice-gateway/sluice/pubsub/memory"
	"github.com/sluice-gateway/sluice/transport"
	"github.com/sluice-gateway/sluice/transport/transporttest"
)

// A member is a gateway on a network in memory, whose time a synctest bubble keeps.
type member struct {
	*gateway.Gateway
	http *http.Client
}

func newMember(t *testing.T, options gateway.Options) member {
	t.Helper()
	options.Log = slog.New(slog.DiscardHandler)
	g, err := gateway.New(testschema.New(), options)
	if err != nil {
		t.Fatal(err)
	}
	network := transporttest.NewNode(t)
	t.Cleanup(func() { _ = g.Close(context.Background(), 0) })
	network.Serve(g)
	return member{g, network.HTTP(false)}
}

func (m member) do(t *testing.T, method, path, body string, header ...string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, "http://sluice.test"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	answer, err := m.http.Do(r)
	if err != nil {
		return 0, err.Error()
	}
	defer func() { _ = answer.Body.Close() }()
	text, _ := io.ReadAll(answer.Body)
	return answer.StatusCode, string(text)
}

// listen opens a stream, whose text arrives when it has ended.
func (m member) listen(t *testing.T, token string) <-chan string {
	end := make(chan string, 1)
	go func() {
		_, text := m.do(t, http.MethodPost, "/graphql", `{"query":"subscription { message { text } }"}`,
			"Content-Type", "application/json", "Accept", "text/event-stream", "Authorization", token)
		end <- text
	}()
	synctest.Wait()
	return end
}

func TestARenewalKeepsStreamsOfEveryNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		viewers := transporttest.NewViewers()
		give := func(token, subject string, life time.Duration) {
			viewers.Set(token, &auth.Viewer{Consumer: "web", Subject: subject, Issuer: "test", Expires: time.Now().Add(life)})
		}
		broker := memory.New()
		options := gateway.Options{Authenticator: viewers, Broker: broker}
		a, b := newMember(t, options), newMember(t, options)
		give("old", "bob", time.Minute)
		give("ann's", "ann", time.Minute)
		here, there, other := a.listen(t, "old"), b.listen(t, "old"), b.listen(t, "ann's")
		give("fresh", "bob", time.Hour)
		if status, text := a.do(t, http.MethodPost, "/auth/renew", "", "Authorization", "Bearer fresh"); status != 200 ||
			text != `{"renewed":1,"expires":"2000-01-01T01:00:00Z","everywhere":true}`+"\n" {
			t.Errorf("%d %s", status, text)
		}
		time.Sleep(time.Minute)
		if end := <-other; !strings.Contains(end, "TOKEN_EXPIRED") || !strings.Contains(end, "event: complete") {
			t.Errorf("another viewer's stream ended by %s", end)
		}
		time.Sleep(58 * time.Minute)
		if here, there := a.Stats().Members, b.Stats().Members; here != 1 || there != 1 {
			t.Errorf("%d and %d streams are left", here, there)
		}
		time.Sleep(time.Minute)
		for _, end := range []<-chan string{here, there} {
			if text := <-end; !strings.Contains(text, "TOKEN_EXPIRED") {
				t.Errorf("it ended by %s", text)
			}
		}
	})
}

func TestWhoMayRenew(t *testing.T) {
	viewers, broker := transporttest.NewViewers(), memory.New()
	viewers.Set("fresh", &auth.Viewer{Consumer: "web", Expires: time.Now().Add(time.Hour)})
	viewers.Set("for ever", &auth.Viewer{Consumer: "web"})
	_, public, _ := serve(t, gateway.Options{
		Authenticator: viewers,
		Broker:        broker,
		Origins:       []string{"https://shop.example"},
		HTTP:          transport.ReaderOptions{Credentials: transport.CredentialOptions{Cookie: "session"}},
	})
	for _, tt := range []struct {
		name, method string
		header       []string
		status       int
		says         string
	}{
		{"nobody", "POST", nil, 401, "UNAUTHENTICATED"},
		{"somebody unknown", "POST", []string{"Authorization", "a guess"}, 401, "UNAUTHENTICATED"},
		{"somebody", "POST", []string{"Authorization", "fresh"}, 200, `"everywhere":true`},
		{"somebody for ever", "POST", []string{"Authorization", "for ever"}, 200, `{"renewed":0,"everywhere":true}`},
		{"a foreign page", "POST", []string{"Authorization", "fresh", "Origin", "https://evil.example"}, 403, "FORBIDDEN"},
		{"a page that asks before", "OPTIONS", []string{"Origin", "https://shop.example"}, 204, ""},
		{"a cookie of an unknown page", "POST", []string{"Cookie", "session=fresh"}, 401, "UNAUTHENTICATED"},
		{"a cookie of our own page", "POST", []string{"Cookie", "session=fresh", "Sec-Fetch-Site", "same-origin"}, 200, `"renewed":0`},
		{"a cookie of a listed page", "POST", []string{"Cookie", "session=fresh", "Origin", "https://shop.example"}, 200, `"renewed":0`},
		{"another method", "GET", []string{"Authorization", "fresh"}, 405, "POST"},
	} {
		answer, text := do(t, tt.method, public+"/auth/renew", "", "", tt.header...)
		if answer.StatusCode != tt.status || !strings.Contains(text, tt.says) {
			t.Errorf("%s: %d %s, want %d and %s", tt.name, answer.StatusCode, text, tt.status, tt.says)
		}
	}
	_ = broker.Close()
	if answer, text := do(t, http.MethodPost, public+"/auth/renew", "", "", "Authorization", "fresh"); answer.StatusCode != 200 || !strings.Contains(text, `"everywhere":false`) {
		t.Errorf("without a broker: %d %s", answer.StatusCode, text)
	}
	viewers.Away(errors.New("hunter2"))
	if answer, text := do(t, http.MethodPost, public+"/auth/renew", "", "", "Authorization", "fresh"); answer.StatusCode != 503 || strings.Contains(text, "hunter2") {
		t.Errorf("when credentials cannot be checked: %d %s", answer.StatusCode, text)
	}
}

func TestAnAnnouncedRevocationEndsSessionsOfEveryNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		viewers, broker := transporttest.NewViewers(), memory.New()
		viewers.Set("key", &auth.Viewer{Consumer: "web", Key: "k1"})
		options := gateway.Options{Authenticator: viewers, Broker: broker}
		a, b := newMember(t, options), newMember(t, options)
		ends := []<-chan string{a.listen(t, "key"), b.listen(t, "key")}
		viewers.Set("key", nil)
		if err := gateway.AnnounceKey(t.Context(), broker, "k1"); err != nil {
			t.Fatal(err)
		}
		for _, end := range ends {
			if got := <-end; !strings.Contains(got, "KEY_REVOKED") {
				t.Errorf("it ended by %s", got)
			}
		}
		synctest.Wait()
		for _, m := range []member{a, b} {
			if s := m.Stats(); s.Grants != 0 || s.Sessions != 0 || s.Endings["KEY_REVOKED"] != 1 {
				t.Errorf("%+v", s)
			}
		}
	})
}

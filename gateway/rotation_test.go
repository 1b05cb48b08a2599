package gateway_test

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	gojwt "github.com/golang-jwt/jwt/v5"
	"github.com/gorilla/websocket"

	"github.com/sluice-gateway/sluice/auth"
	"github.com/sluice-gateway/sluice/auth/jwt"
	"github.com/sluice-gateway/sluice/gateway"
	"github.com/sluice-gateway/sluice/internal/redistest"
	"github.com/sluice-gateway/sluice/pubsub/memory"
)

// An identityProvider signs tokens, with a key that it changes, and serves the key set.
type identityProvider struct {
	*httptest.Server
	mu      sync.Mutex // guards what follows
	number  int
	private crypto.Signer
}

func newIdentityProvider(t *testing.T) *identityProvider {
	t.Helper()
	p := new(identityProvider)
	p.rotate(t)
	p.Server = httptest.NewServer(http.HandlerFunc(p.keys))
	t.Cleanup(p.Close)
	return p
}

// rotate replaces the key: the one before stands in the key set no more.
func (p *identityProvider) rotate(t *testing.T) {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.number++
	p.private = private
}

func (p *identityProvider) kid() string { return fmt.Sprint("key-", p.number) }

func (p *identityProvider) keys(w http.ResponseWriter, _ *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	public := p.private.Public().(ed25519.PublicKey)
	_ = json.NewEncoder(w).Encode(map[string]any{"keys": []any{map[string]string{
		"kty": "OKP", "crv": "Ed25519", "kid": p.kid(), "x": base64.RawURLEncoding.EncodeToString(public),
	}}})
}

func (p *identityProvider) token(t *testing.T, subject string) string {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	token := gojwt.NewWithClaims(gojwt.SigningMethodEdDSA, gojwt.MapClaims{
		"iss": "https://id.test", "aud": "sluice", "sub": subject, "exp": time.Now().Add(time.Hour).Unix(),
	})
	token.Header["kid"] = p.kid()
	text, err := token.SignedString(p.private)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// A liveSession is a WebSocket with one subscription, to the room that has its subject's name.
type liveSession struct {
	*websocket.Conn
	subject string
}

// connect opens a session. It reports false when its token is not good.
func connect(t *testing.T, url, subject, token string) (*liveSession, bool) {
	t.Helper()
	dialer := websocket.Dialer{Subprotocols: []string{"graphql-transport-ws"}}
	conn, answer, err := dialer.DialContext(t.Context(), strings.Replace(url, "http", "ws", 1)+"/graphql", nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	t.Cleanup(func() { _ = conn.Close() })
	s := &liveSession{conn, subject}
	s.send(t, fmt.Sprintf(`{"type":"connection_init","payload":{"Authorization":"Bearer %s"}}`, token))
	if s.read(t) != "connection_ack" {
		return nil, false
	}
	s.send(t, fmt.Sprintf(`{"id":"1","type":"subscribe","payload":{"query":"subscription { own(room: \"%s\") { text } }"}}`, subject))
	return s, true
}

func (s *liveSession) send(t *testing.T, text string) {
	t.Helper()
	if err := s.WriteMessage(websocket.TextMessage, []byte(text)); err != nil {
		t.Fatal(err)
	}
}

// read reads the next message's type, or the whole message of any other than an ack.
func (s *liveSession) read(t *testing.T) string {
	t.Helper()
	_ = s.SetReadDeadline(time.Now().Add(30 * time.Second))
	_, text, err := s.ReadMessage()
	if err != nil {
		return err.Error()
	}
	if strings.Contains(string(text), "connection_ack") {
		return "connection_ack"
	}
	return string(text)
}

func TestARotationOfKeysDropsNobody(t *testing.T) {
	provider := newIdentityProvider(t)
	authn, err := jwt.New([]jwt.Issuer{{
		Name: "https://id.test", Audiences: []string{"sluice"}, Algorithms: []string{"EdDSA"}, JWKS: provider.URL,
	}}, jwt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(authn.Close)
	broker := memory.New()
	t.Cleanup(func() { _ = broker.Close() })
	g, url, _ := serve(t, gateway.Options{Authenticator: auth.Chain{authn}, Broker: broker})

	const many = 200
	var sessions []*liveSession
	open := func(subject, token string) {
		t.Helper()
		s, ok := connect(t, url, subject, token)
		if !ok {
			t.Fatalf("%s is not let in", subject)
		}
		sessions = append(sessions, s)
	}
	for i := range many {
		subject := fmt.Sprint("user-", i)
		open(subject, provider.token(t, subject))
	}
	old := provider.token(t, "late")
	provider.rotate(t)
	open("fresh", provider.token(t, "fresh")) // its unknown key has the set fetched
	if _, ok := connect(t, url, "late", old); ok {
		t.Error("a token of a key that was withdrawn is let in")
	}
	if err := redistest.Poll(30*time.Second, func() error {
		if stats := g.Stats(); stats.Members != many+1 || stats.Starting > 0 {
			return fmt.Errorf("%d of %d are subscribed", stats.Members, many+1)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for _, s := range sessions {
		event := fmt.Sprintf(`{"room":%q,"text":"for %s"}`, s.subject, s.subject)
		if err := broker.Publish(context.Background(), "room."+s.subject, []byte(event)); err != nil {
			t.Fatal(err)
		}
	}
	for _, s := range sessions {
		if got := s.read(t); !strings.Contains(got, `"for `+s.subject+`"`) {
			t.Errorf("%s got %s", s.subject, got)
		}
	}
}

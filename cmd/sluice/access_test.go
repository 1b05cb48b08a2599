package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/auth/jwt"
	"github.com/sluice-gateway/sluice/internal/redistest"
)

// A signer is an issuer of tokens that every process of the tests believes.
type signer struct{ jwt.Issuer }

var issuer = signer{jwt.Issuer{
	Name: "https://id.test", Audiences: []string{"sluice"}, Algorithms: []string{"HS256"},
	Secret: []byte("0123456789abcdef0123456789abcdef"),
}}

func (s signer) secret() string { return string(s.Secret) }

func (s signer) token(t *testing.T, subject string, life time.Duration) string {
	t.Helper()
	token, err := jwt.Sign(s.Issuer, map[string]any{"sub": subject, "client_id": "web"}, life)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// member reads a member of an answer's data.
func member(t *testing.T, text, field, name string) string {
	t.Helper()
	var answer struct {
		Data map[string]map[string]json.RawMessage
	}
	var value string
	if err := json.Unmarshal([]byte(text), &answer); err != nil || json.Unmarshal(answer.Data[field][name], &value) != nil {
		t.Fatalf("%s has no %s.%s", text, field, name)
	}
	return value
}

func TestAKeyThatIsRevokedInOneProcessEndsItsSubscriptionsInAnother(t *testing.T) {
	redis := redistest.Start(t)
	database := filepath.Join(t.TempDir(), "shared.db")
	a := start(t, "--redis", redis.URL(), "--database", database)
	b := start(t, "--redis", redis.URL(), "--database", database)
	made := a.run(`mutation { createApiKey(input: {name: "Web shop", consumer: "web", subject: "ann"}) { key } }`)
	key := member(t, made, "createApiKey", "key")
	id := strings.Split(key, "_")[1]
	mine := b.subscribeAs(key, `subscription { orderStatusChanged { status } }`)
	public := b.subscribeAs(key, prices)
	other := b.subscribe(prices)

	began := time.Now()
	if got := a.run(`mutation { revokeApiKey(id: "` + id + `") { id } }`); !strings.Contains(got, id) {
		t.Fatal(got)
	}
	for _, s := range []*subscriber{mine, public} {
		if got := s.next(); !strings.Contains(got, "KEY_REVOKED") {
			t.Errorf("the stream goes on with %s", got)
		}
	}
	took := time.Since(began)
	t.Logf("the subscriptions in the other process ended %v after the mutation began", took)
	if took > 5*time.Second { // without the announcement it would be up to a minute
		t.Errorf("it took %v", took)
	}
	if status, text := b.post(b.public+"/graphql", key, `{"query":"{ __typename }"}`); status != http.StatusUnauthorized || strings.Contains(text, key) {
		t.Errorf("the key still opens: %d %s", status, text)
	}
	redis.Do("PUBLISH", "price.1", fmt.Sprintf(event, "for others"))
	if got := other.next(); !strings.Contains(got, "for others") {
		t.Errorf("somebody else got %s", got)
	}
}

// Without Redis, a command has nobody to tell.
func TestACommandRevokesAKeyOfARunningGateway(t *testing.T) {
	k := newKeyring(t)
	p := start(t, "--database", k.database)
	made := k.run("create", "--name", "x", "--consumer", "web", "--subject", "ann")
	mine := p.subscribeAs(strings.TrimSpace(made), `subscription { orderStatusChanged { status } }`)
	k.run("revoke", k.idOf(made))
	if got := mine.next(); !strings.Contains(got, "KEY_REVOKED") {
		t.Errorf("the stream goes on with %s", got)
	}
}

func TestATokenExpiresAndIsRenewed(t *testing.T) {
	p := start(t)
	const own = `subscription { orderStatusChanged { status } }`
	renewed := p.subscribeAs(issuer.token(t, "ann", 2*time.Second), own)
	expires := p.subscribeAs(issuer.token(t, "bob", 2*time.Second), own)
	status, text := p.post(p.public+"/auth/renew", issuer.token(t, "ann", time.Hour), "")
	if status != http.StatusOK || !strings.Contains(text, `"renewed":1`) {
		t.Fatal(status, text)
	}
	if got := expires.next(); !strings.Contains(got, "TOKEN_EXPIRED") {
		t.Errorf("the stream goes on with %s", got)
	}
	order := p.order(t, "ann")
	p.run(`mutation { restock(productId: "1", quantity: 1) { stock } }`)
	if got := p.advance(t, order); !strings.Contains(got, "PACKED") {
		t.Fatal(got)
	}
	if got := renewed.next(); !strings.Contains(got, "PACKED") {
		t.Errorf("the renewed stream brings %s", got)
	}
}

// order places an order for a customer.
func (p *process) order(t *testing.T, customer string) string {
	t.Helper()
	_, text := p.post(p.public+"/graphql", issuer.token(t, customer, time.Hour),
		`{"query":"mutation { placeOrder(lines: [{productId: \"2\", quantity: 1}]) { id } }"}`)
	return member(t, text, "placeOrder", "id")
}

// advance moves an order on, as the warehouse.
func (p *process) advance(t *testing.T, order string) string {
	t.Helper()
	token, err := jwt.Sign(issuer.Issuer, map[string]any{"client_id": "warehouse", "scope": "orders:write"}, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	_, text := p.post(p.public+"/graphql", token, `{"query":"mutation { advanceOrder(id: \"`+order+`\") { status } }"}`)
	return text
}

func TestPublishingNeedsAScopeAndATopic(t *testing.T) {
	p := start(t)
	body := fmt.Sprintf(event, "x")
	for _, tt := range []struct {
		url, token string
		status     int
	}{
		{p.public + "/publish/price.1", "", http.StatusUnauthorized},
		{p.operator + "/publish/price.1", "", http.StatusUnauthorized},
		{p.public + "/publish/price.1", issuer.token(t, "ann", time.Hour), http.StatusForbidden},
		{p.public + "/publish/stock.1", adminKey, http.StatusForbidden},
		{p.public + "/publish/price.1", adminKey, http.StatusNoContent},
		{p.operator + "/publish/price.1", adminKey, http.StatusNoContent},
	} {
		if status, text := p.post(tt.url, tt.token, body); status != tt.status {
			t.Errorf("%s: %d %s, want %d", tt.url, status, text, tt.status)
		}
	}
}

func TestAGatewayForDevelopmentPrintsWhatOpensIt(t *testing.T) {
	p := start(t, "--dev")
	p.until("it prints", func() bool { return strings.Contains(p.printed(), "Token ") })
	fields := strings.Fields(p.printed())
	for i, word := range fields {
		switch word {
		case "key":
			status, text := p.post(p.public+"/graphql", fields[i+1], `{"query":"mutation { restock(productId: \"1\", quantity: 1) { stock } }"}`)
			if status != http.StatusOK || !strings.Contains(text, `"stock"`) {
				t.Errorf("the key: %d %s", status, text)
			}
		case "Token":
			status, text := p.post(p.public+"/graphql", fields[i+1], `{"query":"{ orders { id } }"}`)
			if status != http.StatusOK || !strings.Contains(text, `"orders":[]`) {
				t.Errorf("the token: %d %s", status, text)
			}
		}
	}
	if quiet := start(t); strings.Contains(quiet.printed(), "Token") {
		t.Error("a gateway for production prints a token")
	}
}

func TestClientCertificates(t *testing.T) {
	folder := t.TempDir()
	authority := newAuthority(t, filepath.Join(folder, "ca.pem"))
	authority.issue(t, "127.0.0.1", filepath.Join(folder, "server.pem"))
	config := filepath.Join(folder, "certificates.yaml")
	write(t, config, "certificates:\n  - name: billing.test\n    consumer: billing\n    scopes: [catalog:write]\n")
	c, err := Load([]string{
		"--config", config, "--listen", freeAddress(t), "--operator-listen", "off", "--database", ":memory:",
		"--tls-cert", filepath.Join(folder, "server.pem"), "--tls-key", filepath.Join(folder, "server.pem"),
		"--tls-client-ca", filepath.Join(folder, "ca.pem"), "--drain-delay", "0s", "--drain-window", "0s",
	}, func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var serving sync.WaitGroup
	serving.Go(func() {
		if err := Serve(ctx, c, io.Discard); err != nil {
			t.Error(err)
		}
	})
	defer func() { stop(); serving.Wait() }()
	for _, tt := range []struct {
		name string // of the certificate; empty: none
		want string
	}{
		{"billing.test", `"stock"`},
		{"somebody.test", "UNAUTHENTICATED"},
		{"", "UNAUTHENTICATED"},
	} {
		settings := &tls.Config{RootCAs: authority.pool(), MinVersion: tls.VersionTLS12}
		if tt.name != "" {
			settings.Certificates = []tls.Certificate{authority.issue(t, tt.name, filepath.Join(folder, tt.name))}
		}
		client := &http.Client{Transport: &http.Transport{TLSClientConfig: settings}}
		var text string
		if err := redistest.Poll(10*time.Second, func() error {
			answer, err := client.Post("https://"+c.Listen+"/graphql", "application/json",
				strings.NewReader(`{"query":"mutation { restock(productId: \"1\", quantity: 1) { stock } }"}`))
			if err != nil {
				return err
			}
			defer func() { _ = answer.Body.Close() }()
			body, err := io.ReadAll(answer.Body)
			text = string(body)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		client.CloseIdleConnections()
		if !strings.Contains(text, tt.want) {
			t.Errorf("%q: %s, want %s", tt.name, text, tt.want)
		}
	}
}

// An authority signs certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T, path string) *authority {
	t.Helper()
	a := &authority{cert: &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}}
	a.key = a.sign(t, a.cert, a.cert, nil, path)
	return a
}

func (a *authority) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return pool
}

// issue makes a certificate for a name or an address, and a file with it and its key.
func (a *authority) issue(t *testing.T, name, path string) tls.Certificate {
	t.Helper()
	cert := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	}
	if ip := net.ParseIP(name); ip != nil {
		cert.IPAddresses = []net.IP{ip}
	}
	a.sign(t, cert, a.cert, a.key, path)
	pair, err := tls.LoadX509KeyPair(path, path)
	if err != nil {
		t.Fatal(err)
	}
	return pair
}

// sign signs a certificate for a new key by a parent, or by the new key where parent's is nil.
func (a *authority) sign(t *testing.T, cert, parent *x509.Certificate, by *ecdsa.PrivateKey, path string) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if by == nil {
		by = key
	}
	der, err := x509.CreateCertificate(rand.Reader, cert, parent, key.Public(), by)
	if err != nil {
		t.Fatal(err)
	}
	if cert.IsCA {
		if a.cert, err = x509.ParseCertificate(der); err != nil {
			t.Fatal(err)
		}
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	write(t, path, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))+
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})))
	return key
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

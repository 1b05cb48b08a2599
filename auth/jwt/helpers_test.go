package jwt

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/big"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/MicahParks/jwkset"
	gojwt "github.com/golang-jwt/jwt/v5"
	"go.uber.org/goleak"

	"github.com/sluice-gateway/sluice/auth"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Keys of the issuers, and of somebody who would like to be one.
var (
	rsaKey     = sync.OnceValue(newRSA)
	malloryRSA = sync.OnceValue(newRSA)
	ecKey      = sync.OnceValue(func() *ecdsa.PrivateKey { return newEC(elliptic.P256()) })
	p384Key    = sync.OnceValue(func() *ecdsa.PrivateKey { return newEC(elliptic.P384()) })
	edKey      = sync.OnceValue(newEd25519)
	otherEdKey = sync.OnceValue(newEd25519)
	secret     = []byte("thirty-two bytes that nobody knows")
)

func newRSA() *rsa.PrivateKey                  { return must(rsa.GenerateKey(rand.Reader, 2048)) }
func newEC(c elliptic.Curve) *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(c, rand.Reader)) }
func publicPEM(k crypto.Signer) []byte         { return pkix(k.Public()) }
func silent() Options                          { return Options{Log: slog.New(slog.DiscardHandler)} }

func segment(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
func marshal(value any) string   { return string(must(json.Marshal(value))) }

func with(m map[string]any, n string, v any) map[string]any {
	m = maps.Clone(m)
	m[n] = v
	return m
}

func without(m map[string]any, name string) map[string]any {
	m = maps.Clone(m)
	delete(m, name)
	return m
}

func newEd25519() ed25519.PrivateKey {
	_, k, err := ed25519.GenerateKey(rand.Reader)
	return must(k, err)
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func pkix(public any) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: must(x509.MarshalPKIXPublicKey(public))})
}

// goodClaims are those of a token that ann got from an issuer a minute ago for an hour.
func goodClaims(issuer string) map[string]any {
	now := time.Now().Unix()
	return map[string]any{
		"iss": issuer, "aud": "sluice", "sub": "ann", "client_id": "shop",
		"iat": now - 60, "nbf": now - 60, "exp": now + 3540,
	}
}

// sign makes a token of any header and claims; alg is written from the method unless it is there.
func sign(method gojwt.SigningMethod, k any, header, claims map[string]any) string {
	head := map[string]any{"alg": method.Alg(), "typ": "JWT"}
	maps.Copy(head, header)
	return signText(method, k, marshal(head), marshal(claims))
}

func signText(method gojwt.SigningMethod, k any, header, claims string) string {
	text := segment(header) + "." + segment(claims)
	return text + "." + base64.RawURLEncoding.EncodeToString(must(method.Sign(text, k)))
}

// jwk describes the public key of a signer.
func jwk(id string, k crypto.Signer) map[string]any {
	m := must(jwkset.NewJWKFromKey(k.Public(), jwkset.JWKOptions{Metadata: jwkset.JWKMetadataOptions{KID: id}})).Marshal()
	var described map[string]any
	if err := json.Unmarshal([]byte(marshal(m)), &described); err != nil {
		panic(err)
	}
	return described
}

func jwks(keys ...map[string]any) string {
	return marshal(map[string]any{"keys": append([]map[string]any{}, keys...)})
}

// open makes an authenticator that is closed with the test.
func open(t testing.TB, o Options, issuers ...Issuer) *Authenticator {
	t.Helper()
	a, err := New(issuers, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	return a
}

func authenticate(t testing.TB, a *Authenticator, token string) (*auth.Viewer, error) {
	t.Helper()
	v, err := a.Authenticate(t.Context(), auth.Credentials{Token: token})
	if (v == nil) == (err == nil) {
		t.Errorf("viewer %v with error %v", v, err)
	}
	if err != nil {
		if leaked := leak(err.Error(), token); leaked != "" {
			t.Errorf("the error holds %q of the token: %v", leaked, err)
		}
	}
	return v, err
}

// configured are what an error may hold, for it is known without the token: names of issuers and claims.
var configured = strings.NewReplacer(aName, "", bName, "", "client_id", "")

// leak returns eight characters of a token, or of what it says, that a text holds.
func leak(text, token string) string {
	text = configured.Replace(text)
	for part := range strings.SplitSeq(token, ".") {
		said, _ := base64.RawURLEncoding.DecodeString(part)
		for _, secret := range []string{part, string(said)} {
			for i := 0; i+8 <= len(secret); i++ {
				if strings.Contains(text, secret[i:i+8]) {
					return secret[i : i+8]
				}
			}
		}
	}
	return ""
}

func accepts(t testing.TB, a *Authenticator, token string) *auth.Viewer {
	t.Helper()
	v, err := authenticate(t, a, token)
	if err != nil {
		t.Fatalf("refused: %v", err)
	}
	return v
}

// refuses expects that the error says a reason.
func refuses(t testing.TB, a *Authenticator, token, reason string) {
	t.Helper()
	_, err := authenticate(t, a, token)
	switch {
	case err == nil:
		t.Fatal("accepted")
	case !errors.Is(err, auth.ErrBadCredentials) || errors.Is(err, auth.ErrOtherKind):
		t.Fatalf("error %v, want bad credentials", err)
	case !strings.Contains(err.Error(), reason):
		t.Errorf("error %q, want a reason like %q", err, reason)
	}
}

// cannotTell expects an error that is not about the credentials.
func cannotTell(t testing.TB, a *Authenticator, token, reason string) {
	t.Helper()
	_, err := authenticate(t, a, token)
	if err == nil || errors.Is(err, auth.ErrBadCredentials) || !strings.Contains(err.Error(), reason) {
		t.Fatalf("error %v, want one that does not blame the credentials, like %q", err, reason)
	}
}

func fill(format string, n int) []string {
	var list []string
	for i := range n {
		list = append(list, fmt.Sprintf(format, i))
	}
	return list
}

var algorithmCurve = map[string]elliptic.Curve{"ES256": elliptic.P256(), "ES384": elliptic.P384(), "ES512": elliptic.P521()}

// certificate is one that its own key has signed.
var certificate = sync.OnceValue(func() *x509.Certificate {
	template := &x509.Certificate{SerialNumber: big.NewInt(1)}
	raw := must(x509.CreateCertificate(rand.Reader, template, template, rsaKey().Public(), rsaKey()))
	return must(x509.ParseCertificate(raw))
})

package jwt

import (
	"bytes"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"math/big"
	"strings"
	"testing"
	"time"
)

func privatePEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: must(x509.MarshalPKCS8PrivateKey(rsaKey()))})
}

func certificatePEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate().Raw})
}

func TestIssuersThatAreFine(t *testing.T) {
	pkcs1 := pem.EncodeToMemory(&pem.Block{Type: "RSA PUBLIC KEY", Bytes: x509.MarshalPKCS1PublicKey(&rsaKey().PublicKey)})
	for name, issuer := range map[string]Issuer{
		"a secret":                       hmac(nil),
		"a public key":                   {PEM: [][]byte{publicPEM(rsaKey())}, Algorithms: []string{"RS256"}},
		"a public key in PKCS #1":        {PEM: [][]byte{pkcs1}, Algorithms: []string{"RS256"}},
		"a certificate":                  {PEM: [][]byte{certificatePEM()}, Algorithms: []string{"RS256"}},
		"a text before the key":          {PEM: [][]byte{append([]byte("our key:\n"), publicPEM(rsaKey())...)}, Algorithms: []string{"RS256"}},
		"keys of two kinds":              {PEM: [][]byte{publicPEM(rsaKey()), publicPEM(ecKey())}, Algorithms: []string{"RS256", "ES256"}},
		"a key set":                      {JWKS: "https://a.example/jwks", Algorithms: []string{"RS256"}},
		"a key set on this machine":      {JWKS: "http://localhost:8080/jwks", Algorithms: []string{"RS256"}},
		"a key set on this machine's ip": {JWKS: "http://127.0.0.1/jwks", Algorithms: []string{"RS256"}},
		"a key set on ::1":               {JWKS: "http://[::1]:8080/jwks", Algorithms: []string{"RS256"}},
	} {
		t.Run(name, func(t *testing.T) {
			issuer.Name, issuer.Audiences = rsaName, []string{"sluice"}
			o := silent()
			o.Client = newSite().client()
			open(t, o, issuer)
		})
	}
	t.Run("no issuer at all", func(t *testing.T) {
		refuses(t, open(t, silent()), rsaSigned(nil, goodClaims(rsaName)), "not configured")
	})
}

func TestMistakes(t *testing.T) {
	weak := publicPEM(must(rsa.GenerateKey(rand.Reader, 1024)))
	huge := pkix(&rsa.PublicKey{N: new(big.Int).Lsh(big.NewInt(1), 8200), E: 65537})
	even := pkix(&rsa.PublicKey{N: rsaKey().N, E: 65536})
	rs256 := func(text []byte) func(*Issuer) {
		return func(i *Issuer) { i.Secret, i.PEM, i.Algorithms = nil, [][]byte{text}, []string{"RS256"} }
	}
	jwks := func(url string) func(*Issuer) {
		return func(i *Issuer) { i.Secret, i.JWKS, i.Algorithms = nil, url, []string{"RS256"} }
	}
	for name, c := range map[string]struct {
		change func(*Issuer)
		want   string
	}{
		"no name":                       {func(i *Issuer) { i.Name = "" }, "issuers[0] (without a name): name is missing"},
		"a name with a line break":      {func(i *Issuer) { i.Name = "a\nb" }, "cannot be printed"},
		"no audience":                   {func(i *Issuer) { i.Audiences = nil }, "issuers[0] (" + hmacName + "): audiences are missing"},
		"an empty audience":             {func(i *Issuer) { i.Audiences = []string{""} }, "audiences are missing"},
		"no algorithm":                  {func(i *Issuer) { i.Algorithms = nil }, "algorithms are missing"},
		"algorithm none":                {func(i *Issuer) { i.Algorithms = []string{"none"} }, `"none" is not known; known are ES256, `},
		"an algorithm in small letters": {func(i *Issuer) { i.Algorithms = []string{"hs256"} }, `"hs256" is not known`},
		"RS256 with a secret":           {func(i *Issuer) { i.Algorithms = []string{"RS256"} }, "RS256 needs public keys"},
		"no keys":                       {func(i *Issuer) { i.Secret = nil }, "exactly one of secret, pem and jwks must be given, not 0"},
		"keys from two sources":         {func(i *Issuer) { i.JWKS = "https://a.example/" }, "not 2"},
		"a short secret":                {func(i *Issuer) { i.Secret = secret[:31] }, "has 31 bytes; it has at least 32"},
		"a public key as the secret":    {func(i *Issuer) { i.Secret = publicPEM(rsaKey()) }, "write it as pem"},
		"a negative leeway":             {func(i *Issuer) { i.Leeway = -1 }, "leeway is -1ns"},
		"a leeway of hours":             {func(i *Issuer) { i.Leeway = time.Hour }, "leeway is 1h0m0s; it is 0 to 5m0s"},
		"a private key":                 {rs256(privatePEM()), "pem[0]: this is a private key"},
		"no PEM":                        {rs256([]byte("ssh-rsa AAAA")), "pem[0]: this is no PEM file"},
		"a broken key":                  {rs256(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: []byte("x")})), "pem[0]: the key cannot be read"},
		"a request instead of a key":    {rs256(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST"})), "neither a public key nor a certificate"},
		"a chain of certificates":       {rs256(bytes.Repeat(certificatePEM(), 2)), "more than one"},
		"an RSA key of 1024 bits":       {rs256(weak), "has 1024 bits; it has 2048 to 8192"},
		"an RSA key that takes all day": {rs256(huge), "has 8201 bits"},
		"an RSA key with an even e":     {rs256(even), "exponent"},
		"a curve that nobody may use":   {rs256(publicPEM(newEC(elliptic.P224()))), "P-256"},
		"a key that fits no algorithm":  {rs256(publicPEM(ecKey())), "pem[0]: the key fits none of the algorithms"},
		"an algorithm that fits no key": {func(i *Issuer) { rs256(publicPEM(ecKey()))(i); i.Algorithms = []string{"ES256", "ES384"} }, "ES384 fits none of the keys"},
		"six keys":                      {func(i *Issuer) { rs256(nil)(i); i.PEM = [][]byte{{}, {}, {}, {}, {}, {}} }, "at most 5"},
		"HS256 with public keys":        {func(i *Issuer) { rs256(publicPEM(rsaKey()))(i); i.Algorithms = []string{"RS256", "HS256"} }, "HS256 needs a secret"},
		"HS256 with a key set":          {func(i *Issuer) { jwks("https://a.example/")(i); i.Algorithms = []string{"HS256"} }, "HS256 needs a secret"},
		"a key set over http":           {jwks("http://a.example/jwks"), "must be https"},
		"a host that begins like ours":  {jwks("http://localhost.a.example/jwks"), "must be https"},
		"a key set in a file":           {jwks("file:///etc/jwks"), "jwks is not a URL"},
		"a key set at a path":           {jwks("/jwks"), "jwks is not a URL"},
		"a URL that cannot be read":     {jwks("https://a b/"), "jwks is not a URL"},
		"a password in the URL":         {jwks("https://u:hunter2@a.example/"), "user or a fragment"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := New([]Issuer{hmac(c.change)}, silent())
			if err == nil {
				t.Fatal("no error")
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("error\n%v, want it to say\n%s", err, c.want)
			}
			if strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), string(secret[:20])) {
				t.Errorf("a secret in %v", err)
			}
		})
	}
}

func TestEveryMistakeIsNamed(t *testing.T) {
	list := []Issuer{
		hmac(func(i *Issuer) { i.Audiences, i.Algorithms = nil, nil }),
		hmac(nil),
		{},
	}
	_, err := New(list, Options{Refresh: time.Second, Log: slog.New(slog.DiscardHandler)})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{
		"key sets cannot be refreshed every 1s; choose 30s to 30m0s",
		"issuers[0] (" + hmacName + "): audiences",
		"issuers[0] (" + hmacName + "): algorithms",
		"issuers[1] (" + hmacName + "): the same name is listed before",
		"issuers[2] (without a name): name",
		"issuers[2] (without a name): exactly one of secret, pem and jwks",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in\n%v", want, err)
		}
	}
}

func TestCheck(t *testing.T) {
	if err := Check(four()); err != nil {
		t.Error(err)
	}
	if err := Check([]Issuer{hmac(nil), hmac(nil)}); err == nil || !strings.Contains(err.Error(), "issuers[1]") {
		t.Errorf("error %v", err)
	}
}

// The lists of an Issuer belong to the caller again when New has returned.
func TestIssuerIsCopied(t *testing.T) {
	given := bytes.Clone(secret)
	issuer := hmac(func(i *Issuer) { i.Secret = given })
	a := open(t, silent(), issuer)
	issuer.Algorithms[0], issuer.Audiences[0] = "none", "mallory"
	clear(given)
	accepts(t, a, hmacSigned(goodClaims(hmacName)))
}

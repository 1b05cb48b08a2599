package jwt

import (
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"

	gojwt "github.com/golang-jwt/jwt/v5"
)

func TestKeySets(t *testing.T) {
	ed, ec := jwk("one", edKey()), jwk("one", ecKey())
	many := func(n int) []map[string]any {
		list := []map[string]any{ed}
		for _, id := range fill("k%d", n-1) {
			list = append(list, with(ed, "kid", id))
		}
		return list
	}
	for name, c := range map[string]struct {
		set  string
		keys int    // that are left
		err  string // instead
	}{
		"one key":                           {jwks(ed), 1, ""},
		"none":                              {`{"keys":[]}`, 0, ""},
		"members that are unknown":          {`{"keys":[],"issuer":"a"}`, 0, ""},
		"keys of every kind":                {jwks(ed, ec, jwk("r", rsaKey())), 3, ""},
		"a key without an id":               {jwks(without(ed, "kid")), 1, ""},
		"a key for signatures":              {jwks(with(with(ed, "use", "sig"), "key_ops", []string{"verify"})), 1, ""},
		"a certificate that is broken":      {jwks(with(with(ed, "x5c", []string{"!"}), "x5u", "http://a")), 1, ""},
		"100 keys":                          {jwks(many(100)...), 100, ""},
		"101 keys":                          {jwks(many(101)...), 0, "more than 100 keys"},
		"a symmetric key beside":            {jwks(ed, map[string]any{"kty": "oct", "kid": "one", "k": segment(string(secret))}), 1, ""},
		"a private key beside":              {jwks(ed, with(jwk("two", otherEdKey()), "d", segment(string(otherEdKey().Seed())))), 1, ""},
		"a key for encryption beside":       {jwks(ed, with(ec, "use", "enc")), 1, ""},
		"a key that only signs beside":      {jwks(ed, with(ec, "key_ops", []string{"sign"})), 1, ""},
		"a kind that is unknown beside":     {jwks(ed, map[string]any{"kty": "AKP", "pub": "x"}), 1, ""},
		"a curve that is unknown beside":    {jwks(ed, with(ec, "crv", "secp256k1")), 1, ""},
		"a key for agreement beside":        {jwks(ed, with(jwk("x", otherEdKey()), "crv", "X25519")), 1, ""},
		"a point off its curve beside":      {jwks(ed, with(ec, "x", ec["y"])), 1, ""},
		"a key that is broken beside":       {jwks(ed, with(ec, "x", 7)), 1, ""},
		"an RSA key of 1024 bits beside":    {jwks(ed, jwk("weak", must(rsa.GenerateKey(rand.Reader, 1024)))), 1, ""},
		"an RSA exponent that wraps around": {jwks(ed, with(jwk("r", rsaKey()), "e", segment("\x01\x00\x00\x00\x00\x00\x01\x00\x01"))), 1, ""},
		"an id that cannot be printed":      {jwks(ed, with(ec, "kid", "a\nb")), 1, ""},
		"no object":                         {`[]`, 0, "not a JSON Web Key Set"},
		"no keys":                           {`{}`, 0, "not a JSON Web Key Set"},
		"keys of null":                      {`{"keys":null}`, 0, "not a JSON Web Key Set"},
		"a page":                            {`<html>`, 0, "not a JSON Web Key Set"},
		"nothing":                           {``, 0, "not a JSON Web Key Set"},
	} {
		t.Run(name, func(t *testing.T) {
			keys, err := readSet([]byte(c.set))
			switch {
			case c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)):
				t.Errorf("error %v, want %q", err, c.err)
			case c.err == "" && (err != nil || len(keys) != c.keys):
				t.Errorf("%d keys with error %v, want %d", len(keys), err, c.keys)
			}
		})
	}
}

func TestWhichKeyOfASet(t *testing.T) {
	for name, c := range map[string]struct {
		set    string
		token  func() string
		reason string // empty: it is good
	}{
		"a token without a kid and one key":         {jwks(jwk("one", edKey())), func() string { return edSigned("") }, ""},
		"a token without a kid and two keys":        {jwks(jwk("one", otherEdKey()), jwk("two", edKey())), func() string { return edSigned("") }, ""},
		"a token without a kid and six keys":        {jwks(six()...), func() string { return edSigned("") }, "too many keys"},
		"a token with a kid and six keys":           {jwks(six()...), func() string { return edSigned("k3") }, ""},
		"a kid for a key without one":               {jwks(without(jwk("", edKey()), "kid")), func() string { return edSigned("one") }, "none of its issuer's"},
		"keys of two kinds with one id":             {jwks(jwk("one", ecKey()), jwk("one", edKey())), func() string { return edSigned("one") }, ""},
		"two keys with one id":                      {jwks(jwk("one", otherEdKey()), jwk("one", edKey())), func() string { return edSigned("one") }, ""},
		"a key that is listed twice":                {jwks(jwk("one", edKey()), jwk("one", edKey())), func() string { return edSigned("one") }, ""},
		"a key that is meant for the algorithm":     {jwks(with(jwk("one", rsaKey()), "alg", "PS256")), rsaSet(gojwt.SigningMethodPS256), ""},
		"a key that is meant for another algorithm": {jwks(with(jwk("one", rsaKey()), "alg", "PS256")), rsaSet(gojwt.SigningMethodRS256), "none of its issuer's"},
		"a key that is meant for no signature":      {jwks(with(jwk("one", rsaKey()), "alg", "RSA-OAEP")), rsaSet(gojwt.SigningMethodRS256), "none of its issuer's"},
		"an algorithm that is not on the list":      {jwks(jwk("one", rsaKey())), rsaSet(gojwt.SigningMethodRS512), "not on its issuer's list"},
		"a curve that does not fit":                 {jwks(jwk("one", p384Key())), func() string { return withKid(signES256With384) }, "none of its issuer's"},
		"a symmetric key in the set":                {jwks(map[string]any{"kty": "oct", "kid": "one", "k": segment(string(secret))}), hmacSet, "not on its issuer's list"},
		"an empty set":                              {jwks(), func() string { return edSigned("one") }, "none of its issuer's"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSite()
				s.serve(aURL, c.set)
				a := open(t, s.options(), published(aName, aURL, "EdDSA", "ES256", "RS256", "PS256"))
				if c.reason != "" {
					refuses(t, a, c.token(), c.reason)
					return
				}
				accepts(t, a, c.token())
			})
		})
	}
}

func six() []map[string]any {
	var list []map[string]any
	for _, id := range fill("k%d", 6) {
		list = append(list, jwk(id, edKey()))
	}
	return list
}

func rsaSet(method gojwt.SigningMethod) func() string {
	return func() string { return signed(method, rsaKey(), "one", aName) }
}

func hmacSet() string {
	return sign(gojwt.SigningMethodHS256, secret, map[string]any{"kid": "one"}, goodClaims(aName))
}

func withKid(signed func(map[string]any) string) string { return signed(goodClaims(aName)) }

func TestAnswersThatAreNoKeySet(t *testing.T) {
	redirect := func(to string) func(*http.Request) (*http.Response, error) {
		return func(r *http.Request) (*http.Response, error) {
			resp, err := answer(http.StatusFound, "")(r)
			resp.Header.Set("Location", to)
			return resp, err
		}
	}
	good := jwks(jwk("one", edKey()))
	for name, c := range map[string]struct {
		answer func(*http.Request) (*http.Response, error)
		reason string // empty: it is good
	}{
		"a key set":                   {answer(http.StatusOK, good), ""},
		"a key set of 1 MiB":          {answer(http.StatusOK, good+strings.Repeat(" ", 1<<20-len(good))), ""},
		"a key set of more":           {answer(http.StatusOK, good+strings.Repeat(" ", 1<<20)), "more than 1048576 bytes"},
		"a page":                      {answer(http.StatusOK, "<html>"), "not a JSON Web Key Set"},
		"an error with a key set":     {answer(http.StatusInternalServerError, good), "status 500"},
		"not found":                   {answer(http.StatusNotFound, ""), "status 404"},
		"a redirect on the same host": {redirect("/moved"), ""},
		"a redirect to another host":  {redirect("https://b.example/jwks"), "another host"},
		"a redirect to another port":  {redirect("https://a.example:8443/jwks"), "another host"},
		"a redirect to http":          {redirect("http://a.example/moved"), "another host"},
		"a redirect to itself":        {redirect(aURL), "more than 3 times"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSite()
				s.set(aURL, c.answer)
				for _, url := range []string{"https://a.example/moved", "http://a.example/moved", "https://a.example:8443/jwks", bURL} {
					s.serve(url, good)
				}
				a := open(t, s.options(), published(aName, aURL, "EdDSA"))
				if c.reason != "" {
					cannotTell(t, a, edSigned("one"), c.reason)
					return
				}
				accepts(t, a, edSigned("one"))
			})
		})
	}
}

// The URL may hold what only the operator should know.
func TestErrorsDoNotHoldTheURL(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := open(t, newSite().options(), published(aName, aURL+"?key=hunter2", "EdDSA"))
		_, err := authenticate(t, a, edSigned("one"))
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("error %v", err)
		}
	})
}

// Without a client of the operator's, connections are made and left behind by nobody.
func TestOverTheNetwork(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if accept := r.Header.Get("Accept"); !strings.Contains(accept, "application/jwk-set+json") {
			t.Errorf("Accept: %s", accept)
		}
		fmt.Fprint(w, jwks(jwk("one", edKey())))
	}))
	defer server.Close()
	a := open(t, silent(), published(aName, server.URL, "EdDSA"))
	accepts(t, a, edSigned("one"))
}

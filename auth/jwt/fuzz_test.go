package jwt

import (
	"errors"
	"testing"
	"time"

	gojwt "github.com/golang-jwt/jwt/v5"

	"github.com/sluice-gateway/sluice/auth"
)

// FuzzAuthenticate sends tokens that nobody has signed, unless the fuzzer breaks HMAC.
func FuzzAuthenticate(f *testing.F) {
	a := open(f, silent(), hmac(nil))
	good := hmacSigned(map[string]any{"iss": hmacName, "aud": "sluice", "exp": 4102444800, "sub": "ann"})
	for _, text := range []string{
		good, "", "a.b.c", "..", "e30.e30.", "sluice_abcdefgh_ijklmnop", lastBit(good), good + ".e30",
		segment(`{"alg":"none"}`) + "." + segment(`{"iss":"`+hmacName+`"}`) + ".",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		v, err := a.Authenticate(t.Context(), auth.Credentials{Token: text})
		switch {
		case text == "":
			if v != auth.Anonymous || err != nil {
				t.Errorf("%v, %v", v, err)
			}
		case err == nil && text != good:
			t.Errorf("accepted: %s", text)
		case err != nil && (v != nil || !errors.Is(err, auth.ErrBadCredentials)):
			t.Errorf("%v, %v", v, err)
		case err != nil && leak(err.Error(), text) != "":
			t.Errorf("%v holds %q", err, leak(err.Error(), text))
		}
	})
}

// FuzzClaims signs whatever header and claims: what is accepted then makes a viewer that all the
// rest may rely on.
func FuzzClaims(f *testing.F) {
	a := open(f, silent(), hmac(nil))
	for _, claims := range []string{
		`{"iss":"https://hmac.example/","aud":"sluice","exp":4102444800,"sub":"ann","client_id":"shop"}`,
		`{"iss":"https://hmac.example/","aud":["sluice"],"exp":4102444800.5,"scope":"a b","scp":["c"],"plan":"p","publish":["x.*"]}`,
		`{"iss":"https://hmac.example/","aud":"sluice","exp":4102444800,"nbf":0,"azp":"\ud800","x":[[{"y":null}]]}`,
		`{"iss":"https://hmac.example/","iss":"","exp":1e300}`, `[]`, `{`,
	} {
		f.Add(`{"alg":"HS256"}`, claims)
	}
	f.Fuzz(func(t *testing.T, header, claims string) {
		token := signText(gojwt.SigningMethodHS256, secret, header, claims)
		v, err := a.Authenticate(t.Context(), auth.Credentials{Token: token})
		if err != nil {
			if v != nil || !errors.Is(err, auth.ErrBadCredentials) {
				t.Errorf("%v, %v", v, err)
			}
			return
		}
		_, unprintable := v.Expires.MarshalJSON()
		if v.IsAnonymous() || v.Identity() == "" || v.Issuer != hmacName || v.ExpiredAt(time.Now()) || unprintable != nil {
			t.Errorf("viewer %+v", v)
		}
		for _, name := range append(append([]string{v.Consumer}, v.Scopes...), v.Publish...) {
			if !isText(name) {
				t.Errorf("name %q", name)
			}
		}
		if len(v.Scopes) > maxList || len(v.Publish) > maxList {
			t.Errorf("%d scopes, %d topics", len(v.Scopes), len(v.Publish))
		}
		if _, err := gojwt.Parse(token, func(*gojwt.Token) (any, error) { return secret, nil }, gojwt.WithValidMethods([]string{"HS256"})); err != nil {
			t.Errorf("accepted what the library refuses: %v", err)
		}
	})
}

// FuzzReadSet reads key sets; each key that is left fits some algorithm that is not symmetric.
func FuzzReadSet(f *testing.F) {
	f.Add([]byte(jwks(jwk("one", edKey()), jwk("two", ecKey()), jwk("three", rsaKey()))))
	f.Add([]byte(`{"keys":[{"kty":"oct","k":"AAAA"},{"kty":"RSA","n":"","e":"AQAB"},{},null,7]}`))
	f.Add([]byte(`{"keys":null}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		keys, err := readSet(text)
		if err != nil && keys != nil || len(keys) > maxSetKeys {
			t.Errorf("%d keys, %v", len(keys), err)
		}
		for _, k := range keys {
			k.algorithm = ""
			fits := 0
			for name, a := range algorithms {
				if k.fits(name) && !a.symmetric() {
					fits++
				}
			}
			if fits == 0 || checkMaterial(k.material) != nil {
				t.Errorf("key %+v", k)
			}
		}
	})
}

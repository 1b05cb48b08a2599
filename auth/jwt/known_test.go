package jwt

import (
	"crypto/sha256"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	gojwt "github.com/golang-jwt/jwt/v5"

	"github.com/sluice-gateway/sluice/auth"
)

func TestATokenIsRememberedForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var k known
		token, v := sha256.Sum256([]byte("token")), &auth.Viewer{Consumer: "web"}
		k.add(token, v, time.Now())
		for range 6 { // looking does not prolong it
			time.Sleep(5 * time.Second)
			if k.find(token, time.Now()) != v {
				t.Fatal("it was forgotten within 30 s")
			}
		}
		time.Sleep(30 * time.Second)
		if k.find(token, time.Now()) != nil {
			t.Error("it is remembered for over a minute")
		}
	})
}

func TestATokenThatExpiresIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var k known
		token := sha256.Sum256([]byte("token"))
		k.add(token, &auth.Viewer{Consumer: "web", Expires: time.Now().Add(time.Second)}, time.Now())
		if k.find(token, time.Now()) == nil {
			t.Error("it was not remembered")
		}
		time.Sleep(time.Second)
		if k.find(token, time.Now()) != nil {
			t.Error("it is remembered when it has expired")
		}
	})
}

func TestAMillionTokensAreNotRemembered(t *testing.T) {
	var k known
	now := time.Now()
	for i := range 10 * maxKnown {
		k.add(sha256.Sum256(fmt.Append(nil, i)), auth.Anonymous, now)
	}
	if n := len(k.young) + len(k.old); n > 2*maxKnown {
		t.Errorf("%d are", n)
	}
}

func TestAWrongSignatureIsNeverRemembered(t *testing.T) {
	a := open(t, silent(), four()...)
	good := rsaSigned(nil, goodClaims(rsaName))
	first, err := a.Authenticate(t.Context(), auth.Credentials{Token: good})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Authenticate(t.Context(), auth.Credentials{Token: good[:len(good)-8] + "AAAAAAAA"}); err == nil {
		t.Error("a forged signature beside a token that is remembered was accepted")
	}
	if again, err := a.Authenticate(t.Context(), auth.Credentials{Token: good}); err != nil || again != first {
		t.Errorf("the same token gives %+v, %v", again, err)
	}
	if n := len(a.known.young) + len(a.known.old); n != 1 {
		t.Errorf("%d tokens are remembered", n)
	}
}

// A float would make two tenants of 64-bit ids one.
func TestWholeNumbersStayWhole(t *testing.T) {
	a := open(t, silent(), four()...)
	viewer := func(tenant string) *auth.Viewer {
		t.Helper()
		claims := marshal(goodClaims(rsaName))
		v, err := a.Authenticate(t.Context(), auth.Credentials{Token: signText(gojwt.SigningMethodRS256, rsaKey(), `{"alg":"RS256"}`, `{"tenant":`+tenant+`,`+claims[1:])})
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for tenant, want := range map[string]any{
		"9007199254740992":     int64(9007199254740992),
		"9007199254740993":     int64(9007199254740993),
		"18446744073709551617": "18446744073709551617",
		"-3":                   int64(-3),
		"2.5":                  2.5,
		"1e3":                  1000.0,
	} {
		if got := viewer(tenant).Claims["tenant"]; got != want {
			t.Errorf("%s is %T %v, want %T %v", tenant, got, got, want, want)
		}
	}
	if viewer("9007199254740992").Identity() == viewer("9007199254740993").Identity() {
		t.Error("two tenants have one identity")
	}
}

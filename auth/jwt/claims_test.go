package jwt

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	gojwt "github.com/golang-jwt/jwt/v5"

	"github.com/sluice-gateway/sluice/auth"
)

// hmac is an issuer with a secret, changed for a test.
func hmac(change func(*Issuer)) Issuer {
	i := Issuer{Name: hmacName, Audiences: []string{"sluice"}, Algorithms: []string{"HS256"}, Secret: secret}
	if change != nil {
		change(&i)
	}
	return i
}

func hmacSigned(claims map[string]any) string {
	return sign(gojwt.SigningMethodHS256, secret, nil, claims)
}

func TestViewer(t *testing.T) {
	base := map[string]any{"iss": hmacName, "aud": "sluice", "exp": 4102444800}
	for name, c := range map[string]struct {
		change func(*Issuer)
		claims map[string]any // beside base
		want   auth.Viewer
	}{
		"a token that says nothing belongs to the issuer": {
			nil, nil, auth.Viewer{Consumer: hmacName},
		},
		"client_id comes before azp": {
			nil, map[string]any{"client_id": "shop", "azp": "web", "sub": "ann"}, auth.Viewer{Consumer: "shop", Subject: "ann"},
		},
		"azp where there is no client_id": {
			nil, map[string]any{"azp": "web"}, auth.Viewer{Consumer: "web"},
		},
		"a consumer claim of the issuer's own": {
			func(i *Issuer) { i.ConsumerClaim = "https://shop.example/app" },
			map[string]any{"https://shop.example/app": "till", "client_id": "shop"},
			auth.Viewer{Consumer: "till"},
		},
		"an empty sub is no subject": {
			nil, map[string]any{"sub": ""}, auth.Viewer{Consumer: hmacName},
		},
		"names in any language": {
			nil, map[string]any{"sub": "José 李"}, auth.Viewer{Consumer: hmacName, Subject: "José 李"},
		},
		"scope and scp together, each scope once": {
			nil,
			map[string]any{"scope": " read  write ", "scp": []string{"write", "admin"}},
			auth.Viewer{Consumer: hmacName, Scopes: []string{"read", "write", "admin"}},
		},
		"scp as a string": {
			nil, map[string]any{"scp": "read write"}, auth.Viewer{Consumer: hmacName, Scopes: []string{"read", "write"}},
		},
		"a scopes claim of the issuer's own": {
			func(i *Issuer) { i.ScopesClaim = "permissions" },
			map[string]any{"permissions": []string{"read"}, "scope": "admin"},
			auth.Viewer{Consumer: hmacName, Scopes: []string{"read"}},
		},
		"100 scopes": {
			nil,
			map[string]any{"scope": strings.Join(fill("s%d", 100), " ")},
			auth.Viewer{Consumer: hmacName, Scopes: fill("s%d", 100)},
		},
		"plan and topics": {
			nil,
			map[string]any{"plan": "pro", "publish": []string{"price.*", "stock.*"}},
			auth.Viewer{Consumer: hmacName, Plan: "pro", Publish: []string{"price.*", "stock.*"}},
		},
		"plan and topics by other names": {
			func(i *Issuer) { i.PlanClaim, i.PublishClaim = "tier", "topics" },
			map[string]any{"tier": "pro", "topics": "price.* stock.*", "plan": 7, "publish": true},
			auth.Viewer{Consumer: hmacName, Plan: "pro", Publish: []string{"price.*", "stock.*"}},
		},
		"one of several audiences": {
			func(i *Issuer) { i.Audiences = []string{"a", "sluice"} },
			map[string]any{"aud": []string{"other", "sluice"}},
			auth.Viewer{Consumer: hmacName},
		},
	} {
		t.Run(name, func(t *testing.T) {
			claims := map[string]any{}
			for _, from := range []map[string]any{base, c.claims} {
				for name, value := range from {
					claims[name] = value
				}
			}
			v := *accepts(t, open(t, silent(), hmac(c.change)), hmacSigned(claims))
			if v.Claims["iss"] != hmacName || len(v.Claims) != len(claims) {
				t.Errorf("claims %v, want all of %v", v.Claims, claims)
			}
			c.want.Issuer, c.want.Expires, c.want.Claims = hmacName, time.Unix(4102444800+30, 0).UTC(), v.Claims
			if !reflect.DeepEqual(v, c.want) {
				t.Errorf("viewer\n%+v, want\n%+v", v, c.want)
			}
		})
	}
	t.Run("a token without the issuer's own consumer claim is refused", func(t *testing.T) {
		a := open(t, silent(), hmac(func(i *Issuer) { i.ConsumerClaim = "app" }))
		refuses(t, a, hmacSigned(with(base, "client_id", "shop")), "has no app")
	})
}

// The session of a token ends when the token does by the slowest clock; so does its acceptance.
func TestTimes(t *testing.T) {
	// at changes a claim to some seconds from now.
	at := func(name string, seconds float64) func(map[string]any) {
		return func(claims map[string]any) { claims[name] = float64(time.Now().Unix()) + seconds }
	}
	for name, c := range map[string]struct {
		leeway time.Duration
		change func(claims map[string]any)
		reason string // empty: it is good
	}{
		"expired within the leeway":             {0, at("exp", -29), ""},
		"expired within it by a fraction":       {0, at("exp", -29.5), ""},
		"expired as long ago as the leeway":     {0, at("exp", -30), "expired"},
		"expired an hour ago":                   {0, at("exp", -3600), "expired"},
		"expired within a leeway of 2 minutes":  {2 * time.Minute, at("exp", -119), ""},
		"expired beyond a leeway of a second":   {time.Second, at("exp", -1), "expired"},
		"good from now plus the leeway on":      {0, at("nbf", 30), ""},
		"good from later on":                    {0, at("nbf", 31), "nbf is in the future"},
		"issued by a clock that is a bit ahead": {0, at("iat", 30), ""},
		"issued in the future":                  {0, at("iat", 31), "iat is in the future"},
		"neither nbf nor iat":                   {0, func(c map[string]any) { delete(c, "nbf"); delete(c, "iat") }, ""},
		"nbf and iat of 0":                      {0, func(c map[string]any) { c["nbf"], c["iat"] = 0, 0 }, ""},
		"the last second that can be written":   {0, func(c map[string]any) { c["exp"] = maxSeconds }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { // where time stands still
				a := open(t, silent(), hmac(func(i *Issuer) { i.Leeway = c.leeway }))
				claims := goodClaims(hmacName)
				c.change(claims)
				token := hmacSigned(claims)
				if c.reason != "" {
					refuses(t, a, token, c.reason)
					return
				}
				v := accepts(t, a, token)
				if _, err := v.Expires.MarshalJSON(); err != nil {
					t.Errorf("no renewal can carry the expiry: %v", err)
				}
				left := time.Until(v.Expires)
				if left > 2*time.Hour {
					return
				}
				time.Sleep(left - time.Nanosecond)
				accepts(t, a, token)
				time.Sleep(time.Nanosecond)
				refuses(t, a, token, "expired")
			})
		})
	}
}

// Two tokens of one viewer differ in their times and nothing else: the viewers may share results.
func TestFreshTokenIsTheSameViewer(t *testing.T) {
	a := open(t, silent(), hmac(nil))
	claims := with(goodClaims(hmacName), "scope", "read write")
	old := accepts(t, a, hmacSigned(with(claims, "jti", "1")))
	fresh := accepts(t, a, hmacSigned(with(with(claims, "jti", "2"), "exp", 4102444800)))
	if !old.Is(fresh) || old.Identity() != fresh.Identity() || !slices.Equal(old.Scopes, fresh.Scopes) {
		t.Errorf("%+v and %+v differ", old, fresh)
	}
	other := accepts(t, a, hmacSigned(with(claims, "tenant", "b")))
	if old.Identity() == other.Identity() {
		t.Error("a claim made no difference")
	}
}

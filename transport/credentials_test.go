package transport

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/sluice-gateway/sluice/auth"
)

var everywhere = CredentialOptions{Cookie: "session", Parameter: "access_token"}

func reader(o CredentialOptions) *Reader {
	return NewReader(nil, NewOrigins([]string{"https://shop.example"}), ReaderOptions{Credentials: o})
}

func TestWhereATokenStands(t *testing.T) {
	const stream = "text/event-stream"
	for _, tt := range []struct {
		name, method, url string
		options           CredentialOptions
		header            []string
		want              string
	}{
		{"nowhere", "GET", "/graphql", everywhere, nil, ""},
		{"Authorization with its scheme", "POST", "/graphql", everywhere, []string{"Authorization", "Bearer a"}, "a"},
		{"Authorization in other letters", "POST", "/graphql", everywhere, []string{"Authorization", "bEARER  a "}, "a"},
		{"Authorization, bare", "POST", "/graphql", everywhere, []string{"Authorization", "a"}, "a"},
		{"another scheme is no token of ours", "POST", "/graphql", everywhere, []string{"Authorization", "Basic eDp5"}, "Basic eDp5"},
		{"X-API-Key", "POST", "/graphql", everywhere, []string{"X-API-Key", " b "}, "b"},
		{"Authorization before X-API-Key", "POST", "/graphql", everywhere, []string{"X-API-Key", "b", "Authorization", "a"}, "a"},
		{"an empty Authorization counts as none", "POST", "/graphql", everywhere, []string{"X-API-Key", "b", "Authorization", " "}, "b"},
		{"a tab within is no token that anybody has", "POST", "/graphql", everywhere, []string{"Authorization", "Bearer a\tb"}, "a\ufffdb"},

		{"a cookie of a listed page", "POST", "/graphql", everywhere, []string{"Cookie", "session=c", "Origin", "https://shop.example"}, "c"},
		{"a cookie of our own page", "POST", "/graphql", everywhere, []string{"Cookie", "session=c", "Origin", "https://sluice.test"}, "c"},
		{"a cookie of our own page that anybody on the way can write", "POST", "/graphql", everywhere, []string{"Cookie", "session=c", "Origin", "http://sluice.test"}, ""},
		{"a cookie of something else on our host", "POST", "/graphql", everywhere, []string{"Cookie", "session=c", "Origin", "ftp://sluice.test"}, ""},
		{"a cookie that the browser vouches for", "GET", "/graphql", everywhere, []string{"Cookie", "session=c", "Sec-Fetch-Site", "same-origin"}, "c"},
		{"a cookie of nobody knows which page", "POST", "/graphql", everywhere, []string{"Cookie", "session=c"}, ""},
		{"a cookie of a foreign page", "POST", "/graphql", everywhere, []string{"Cookie", "session=c", "Origin", "https://evil.example"}, ""},
		{"a cookie of a sandbox", "POST", "/graphql", everywhere, []string{"Cookie", "session=c", "Origin", "null"}, ""},
		{"a cookie of a sibling", "GET", "/graphql", everywhere, []string{"Cookie", "session=c", "Sec-Fetch-Site", "same-site"}, ""},
		{"a cookie with a preflight header only", "GET", "/graphql", everywhere, []string{"Cookie", "session=c", "Graphql-Require-Preflight", "1"}, ""},
		{"another cookie", "POST", "/graphql", everywhere, []string{"Cookie", "other=c", "Origin", "https://shop.example"}, ""},
		{"a cookie that is off", "POST", "/graphql", CredentialOptions{}, []string{"Cookie", "session=c", "Origin", "https://shop.example"}, ""},
		{"a header before a cookie", "POST", "/graphql", everywhere, []string{"Cookie", "session=c", "Origin", "https://shop.example", "X-API-Key", "b"}, "b"},

		{"a parameter of an event stream", "GET", "/graphql?access_token=d", everywhere, []string{"Accept", stream}, "d"},
		{"a parameter of a POST", "POST", "/graphql?access_token=d", everywhere, []string{"Accept", stream}, ""},
		{"a parameter of something else", "GET", "/graphql?access_token=d", everywhere, []string{"Accept", "application/json"}, ""},
		{"a parameter for anything", "GET", "/graphql?access_token=d", everywhere, []string{"Accept", "*/*"}, ""},
		{"a parameter that is off", "GET", "/graphql?access_token=d", CredentialOptions{}, []string{"Accept", stream}, ""},
		{"a cookie before a parameter", "GET", "/graphql?access_token=d", everywhere, []string{"Accept", stream, "Cookie", "session=c", "Sec-Fetch-Site", "same-origin"}, "c"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest(tt.method, "http://sluice.test"+tt.url, nil)
			for i := 0; i < len(tt.header); i += 2 {
				r.Header.Set(tt.header[i], tt.header[i+1])
			}
			if got := reader(tt.options).Credentials(r).Token; got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestOnlyVerifiedCertificatesCount(t *testing.T) {
	leaf, ca := new(x509.Certificate), new(x509.Certificate)
	for name, tt := range map[string]struct {
		state *tls.ConnectionState
		want  *x509.Certificate
	}{
		"no TLS":                    {nil, nil},
		"no certificate":            {new(tls.ConnectionState), nil},
		"one that was not verified": {&tls.ConnectionState{PeerCertificates: []*x509.Certificate{leaf}}, nil},
		"a verified one":            {&tls.ConnectionState{VerifiedChains: [][]*x509.Certificate{{leaf, ca}}}, leaf},
	} {
		r := httptest.NewRequest(http.MethodPost, "/graphql", nil)
		r.TLS = tt.state
		if got := reader(everywhere).Credentials(r).Certificate; got != tt.want {
			t.Errorf("%s: got %p, want %p", name, got, tt.want)
		}
	}
}

func TestInitToken(t *testing.T) {
	for _, tt := range []struct{ name, payload, want string }{
		{"nothing", `{}`, ""},
		{"Authorization", `{"Authorization":"Bearer a"}`, "a"},
		{"authorization", `{"authorization":"a"}`, "a"},
		{"Authorization inside headers", `{"headers":{"Authorization":"Bearer a"}}`, "a"},
		{"an API key", `{"X-API-Key":"b"}`, "b"},
		{"an api key inside headers", `{"headers":{"x-api-key":"b"}}`, "b"},
		{"authToken", `{"authToken":"c"}`, "c"},
		{"token", `{"token":"d"}`, "d"},
		{"apiKey", `{"apiKey":"e"}`, "e"},
		{"Authorization before an API key", `{"X-API-Key":"b","headers":{"Authorization":"Bearer a"}}`, "a"},
		{"an API key before a token", `{"token":"d","headers":{"x-api-key":"b"}}`, "b"},
		{"one that is empty", `{"Authorization":"","token":"d"}`, "d"},
		{"one that is a number", `{"Authorization":1,"token":"d"}`, "d"},
		{"headers that are text", `{"headers":"Authorization: a","token":"d"}`, "d"},
		{"a new line within", `{"token":"a\nb"}`, "a\ufffdb"},
	} {
		var payload map[string]any
		if err := json.Unmarshal([]byte(tt.payload), &payload); err != nil {
			t.Fatal(err)
		}
		if got := InitToken(payload); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestCheckSaysEverythingThatCannotWork(t *testing.T) {
	if err := everywhere.Check(); err != nil {
		t.Error(err)
	}
	err := CredentialOptions{Cookie: "a b", Parameter: "token", Proxies: make([]netip.Prefix, 1)}.Check()
	for _, want := range []string{`"a b"`, `"token"`, "proxies[0]"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s is missing in %v", want, err)
		}
	}
}

func TestPagesMaySendCookiesOnlyWhereOneCounts(t *testing.T) {
	for _, tt := range []struct {
		name, origin, want string
		options            CredentialOptions
	}{
		{"a listed page, and a cookie", "https://shop.example", "true", everywhere},
		{"a listed page, and no cookie", "https://shop.example", "", CredentialOptions{}},
		{"a foreign page", "https://evil.example", "", everywhere},
	} {
		r := httptest.NewRequest(http.MethodOptions, "/graphql", nil)
		r.Header.Set("Origin", tt.origin)
		w := httptest.NewRecorder()
		if !reader(tt.options).Begin(w, r, http.MethodPost) {
			t.Fatal("the preflight has no answer")
		}
		if got := w.Header().Get("Access-Control-Allow-Credentials"); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
		if allowed := w.Header().Get("Access-Control-Allow-Headers"); tt.origin == "https://shop.example" && !strings.Contains(allowed, "x-api-key") {
			t.Errorf("%s: headers %q", tt.name, allowed)
		}
	}
}

// oneViewer answers any token with a viewer, or an error.
type oneViewer struct {
	viewer *auth.Viewer
	err    error
}

func (o oneViewer) Authenticate(context.Context, auth.Credentials) (*auth.Viewer, error) {
	return o.viewer, o.err
}

func TestViewer(t *testing.T) {
	const secret = "hunter2hunter2"
	for _, tt := range []struct {
		name   string
		authn  oneViewer
		status int // 0: served
	}{
		{"good credentials", oneViewer{viewer: &auth.Viewer{Consumer: "a"}}, 0},
		{"credentials that are good for a while", oneViewer{viewer: &auth.Viewer{Consumer: "a", Expires: time.Now().Add(time.Hour)}}, 0},
		{"credentials that have expired", oneViewer{viewer: &auth.Viewer{Consumer: "a", Expires: time.Now()}}, http.StatusUnauthorized},
		{"credentials of an unknown kind", oneViewer{err: auth.ErrOtherKind}, http.StatusUnauthorized},
		{"credentials that cannot be checked", oneViewer{err: errors.New("away: " + secret)}, http.StatusServiceUnavailable},
	} {
		rd := NewReader(tt.authn, NewOrigins(nil), ReaderOptions{Credentials: everywhere})
		r := httptest.NewRequest(http.MethodGet, "/graphql?access_token="+secret, nil)
		r.Header.Set("Accept", "text/event-stream")
		_, refusal := rd.Viewer(r)
		switch {
		case refusal == nil && tt.status == 0:
		case refusal == nil || refusal.Status != tt.status:
			t.Errorf("%s: %+v, want %d", tt.name, refusal, tt.status)
		case strings.Contains(refusal.Errors.Error(), secret):
			t.Errorf("%s: the secret is told: %v", tt.name, refusal.Errors)
		}
	}
}

// sane is what holds for every token, whatever a client sends.
func sane(t *testing.T, token string) {
	t.Helper()
	if strings.TrimSpace(token) != token || strings.ContainsFunc(token, unicode.IsControl) || !utf8.ValidString(token) {
		t.Errorf("%q is no token", token)
	}
}

func FuzzCredentials(f *testing.F) {
	f.Add("Bearer a", "b", "session=c", "d", "https://shop.example", "10.0.0.1, 192.0.2.1:80")
	f.Add("bearer \t", "\x00", "session=\"a b\"; session=c", "%zz", "null", "[::1]:80, fe80::1%eth0,,")
	f.Fuzz(func(t *testing.T, authorization, key, cookie, parameter, origin, forwarded string) {
		r := httptest.NewRequest(http.MethodGet, "/graphql", nil)
		r.URL.RawQuery = "access_token=" + url.QueryEscape(parameter)
		r.Header = http.Header{
			"Authorization": {authorization}, "X-Api-Key": {key}, "Cookie": {cookie}, "Origin": {origin},
			"Sec-Fetch-Site": {"same-origin"}, "Accept": {"text/event-stream"}, "X-Forwarded-For": {forwarded},
		}
		options := everywhere
		options.Proxies = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
		c := reader(options).Credentials(r)
		sane(t, c.Token)
		sane(t, c.Origin)
		if !c.Address.IsValid() || c.Address.Zone() != "" || c.Address.Is4In6() {
			t.Errorf("the address is %v", c.Address)
		}
		if c.Token == "" && strings.TrimSpace(authorization) != "" {
			t.Errorf("Authorization %q counts as none", authorization)
		}
	})
}

func FuzzInitToken(f *testing.F) {
	f.Add(`{"Authorization":"Bearer a","headers":{"x-api-key":"\u0000"},"token":" b "}`)
	f.Fuzz(func(t *testing.T, text string) {
		var payload map[string]any
		if json.Unmarshal([]byte(text), &payload) == nil {
			sane(t, InitToken(payload))
		}
	})
}

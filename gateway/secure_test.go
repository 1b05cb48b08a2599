package gateway_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/sluice-gateway/sluice/gateway"
	"github.com/sluice-gateway/sluice/internal/testschema"
	"github.com/sluice-gateway/sluice/transport"
)

func TestEveryAnswerHasSecurityHeaders(t *testing.T) {
	g, public, operator := serve(t, gateway.Options{})
	for _, url := range []string{
		public + "/graphql", public + "/healthz", public + "/readyz", public + "/nowhere", public + "/auth/renew", public + "/publish/room.1",
		operator + "/stats", operator + "/healthz", operator + "/publish/room.1", operator + "/debug/pprof/", operator + "/nowhere",
	} {
		answer, _ := do(t, http.MethodGet, url, "", "")
		for name, want := range map[string]string{
			"X-Content-Type-Options":    "nosniff",
			"Referrer-Policy":           "no-referrer",
			"X-Frame-Options":           "DENY",
			"Strict-Transport-Security": "",
		} {
			if got := answer.Header.Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", url, name, got, want)
			}
		}
		policy := answer.Header.Get("Content-Security-Policy")
		if !strings.Contains(policy, "default-src 'none'") || !strings.Contains(policy, "frame-ancestors 'none'") {
			t.Errorf("%s: the policy is %q", url, policy)
		}
		if page := strings.HasSuffix(url, "/pprof/"); page != strings.Contains(policy, "style-src") {
			t.Errorf("%s: the policy is %q", url, policy)
		}
	}
	secure := httptest.NewTLSServer(g)
	defer secure.Close()
	answer, err := secure.Client().Get(secure.URL + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	if got := answer.Header.Get("Strict-Transport-Security"); got != "max-age=31536000" {
		t.Errorf("over TLS: %q", got)
	}
}

func TestOptionsOfCredentialsThatCannotWorkStopTheStart(t *testing.T) {
	g, err := gateway.New(testschema.New(), gateway.Options{HTTP: transport.ReaderOptions{
		Credentials: transport.CredentialOptions{Parameter: "query", Proxies: []netip.Prefix{{}}},
	}})
	if err == nil {
		_ = g.Close(context.Background(), 0)
	}
	if err == nil || !strings.Contains(err.Error(), `"query"`) || !strings.Contains(err.Error(), "proxies[0]") {
		t.Errorf("got %v", err)
	}
}

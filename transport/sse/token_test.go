package sse

import (
	"crypto/rand"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/sluice-gateway/sluice/auth"
	"github.com/sluice-gateway/sluice/operation"
	"github.com/sluice-gateway/sluice/transport"
)

func TestTokenOf(t *testing.T) {
	token := rand.Text()
	for name, r := range map[string]*http.Request{
		"the header":                      withToken(token, ""),
		"the parameter":                   withToken("", token),
		"the header before the parameter": withToken(token, rand.Text()),
	} {
		if got := tokenOf(r); got != token {
			t.Errorf("%s: got %q, want %q", name, got, token)
		}
	}
}

func withToken(header, parameter string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/graphql/stream?"+url.Values{tokenParameter: {parameter}}.Encode(), nil)
	r.Header.Set(tokenHeader, header)
	return r
}

func FuzzTokenOf(f *testing.F) {
	f.Add(rand.Text(), "")
	f.Add("", rand.Text())
	f.Add("short", "\x00\r\n")
	f.Fuzz(func(t *testing.T, header, parameter string) {
		token := tokenOf(withToken(header, parameter))
		if token != "" && (len(token) != tokenLength || token != header && token != parameter) {
			t.Errorf("%q", token)
		}
	})
}

func TestOperationStoppedWhilePreparedDoesNotStart(t *testing.T) {
	sessions := transport.NewSessions(nil, auth.NewGrants(nil), transport.SessionLimits{})
	r := &reservation{
		stream:     transport.NewStream(format{}, sessions, new(transport.StreamOptions{}.WithDefaults(heartbeat))),
		most:       1,
		operations: make(map[string]*held),
	}
	h, refusal := r.take("1")
	if refusal != nil {
		t.Fatal(refusal)
	}
	r.stop("1")
	again, refusal := r.take("1") // the id is free at once
	if refusal != nil {
		t.Fatal(refusal)
	}
	if r.start(t.Context(), h, new(operation.Operation)) {
		t.Error("it started")
	}
	r.release(h)
	if r.operations["1"] != again {
		t.Error("the id's new owner lost it")
	}
}

package transport_test

import (
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/sluice-gateway/sluice/operation"
	"github.com/sluice-gateway/sluice/transport"
)

func TestWhoAClientIs(t *testing.T) {
	library := func(name, version any) map[string]any {
		return map[string]any{"clientLibrary": map[string]any{"name": name, "version": version}}
	}
	long := strings.Repeat("<é", 50_000)
	for _, tt := range []struct {
		name       string
		header     http.Header
		extensions map[string]any
		want       operation.Client
	}{
		{"nobody", nil, nil, operation.Client{}},
		{"by Apollo's headers", http.Header{"Apollographql-Client-Name": {"web"}, "Apollographql-Client-Version": {"1"}}, library("other", "2"), operation.Client{Name: "web", Version: "1"}},
		{"by extensions", nil, library("web", "1"), operation.Client{Name: "web", Version: "1"}},
		{"of another type", nil, library(1, true), operation.Client{}},
		{"with control characters", nil, library("a\nb", "1"), operation.Client{Name: "a�b", Version: "1"}},
	} {
		if got := transport.ClientOf(tt.header, tt.extensions); got != tt.want {
			t.Errorf("%s: %+v, want %+v", tt.name, got, tt.want)
		}
	}
	for _, extensions := range []map[string]any{library(long, long), library("x"+long, "xx"+long)} {
		c := transport.ClientOf(nil, extensions)
		if len(c.Name) > 128 || len(c.Version) > 128 || len(c.Name) < 120 || !utf8.ValidString(c.Name+c.Version) {
			t.Errorf("of a long name %d bytes are kept, and %d of the version", len(c.Name), len(c.Version))
		}
	}
}

func TestWhichTraceARequestIsPartOf(t *testing.T) {
	const parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	header, extensions := http.Header{"Traceparent": {parent}}, map[string]any{"traceparent": "another"}
	for _, tt := range []struct {
		header     http.Header
		extensions map[string]any
		want       string
	}{{nil, nil, ""}, {header, extensions, parent}, {nil, extensions, "another"}, {nil, map[string]any{"traceparent": 1}, ""}} {
		if got := transport.TraceOf(tt.header, tt.extensions); got != tt.want {
			t.Errorf("%v and %v: %q, want %q", tt.header, tt.extensions, got, tt.want)
		}
	}
}

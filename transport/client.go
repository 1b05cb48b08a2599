package transport

import (
	"net/http"

	"github.com/sluice-gateway/sluice/operation"
)

// ClientOf is what a client says that it is: by Apollo's headers, which may be nil, or in the request's
// extensions, as in {"clientLibrary": {"name": "@apollo/client", "version": "4.0.0"}}.
func ClientOf(h http.Header, extensions map[string]any) operation.Client {
	if name := h.Get("apollographql-client-name"); name != "" {
		return operation.Client{Name: clean(name), Version: clean(h.Get("apollographql-client-version"))}
	}
	library, _ := extensions["clientLibrary"].(map[string]any)
	name, _ := library["name"].(string)
	version, _ := library["version"].(string)
	return operation.Client{Name: clean(name), Version: clean(version)}
}

// TraceOf is the W3C traceparent of a request: its header, which may be nil, or what the extensions say, for
// clients that cannot set headers.
func TraceOf(h http.Header, extensions map[string]any) string {
	if trace := h.Get("Traceparent"); trace != "" {
		return trace
	}
	trace, _ := extensions["traceparent"].(string)
	return trace
}

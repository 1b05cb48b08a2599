package transport

import (
	"net/http"
	"strings"

	"github.com/sluice-gateway/sluice/operation"
)

// ClientOf is what a client says that it is: by Apollo's headers, which may be nil, or in the request's
// extensions, as in {"clientLibrary": {"name": "@apollo/client", "version": "4.0.0"}}.
func ClientOf(h http.Header, extensions map[string]any) operation.Client {
	if name := h.Get("apollographql-client-name"); name != "" {
		return clientOf(name, h.Get("apollographql-client-version"))
	}
	library, _ := extensions["clientLibrary"].(map[string]any)
	name, _ := library["name"].(string)
	version, _ := library["version"].(string)
	return clientOf(name, version)
}

// longestClient is how many bytes of a client's name and version are kept.
const longestClient = 128

func clientOf(name, version string) operation.Client {
	return operation.Client{Name: beginning(name), Version: beginning(version)}
}

// beginning is what is kept of a name that a client has chosen.
func beginning(name string) string {
	if len(name) > longestClient {
		name = strings.ToValidUTF8(name[:longestClient], "")
	}
	return clean(name)
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

package transport

import (
	"net/http"
	"strings"
)

const (
	// corsHeaders are what pages of listed origins may send, beside what every page may.
	corsHeaders = "content-type, authorization, x-api-key, apollo-require-preflight, x-apollo-operation-name, " +
		"graphql-require-preflight, x-graphql-yoga-csrf, x-graphql-event-stream-token, last-event-id, " +
		"apollographql-client-name, apollographql-client-version, traceparent, tracestate"
	corsExpose = "retry-after, sluice-last-event-id"
	// corsMaxAge is how long a browser may remember the answer, in seconds; they cut it at 2 hours.
	corsMaxAge = "7200"
)

// CORS tells the browser what pages of listed origins may do, and answers every OPTIONS request: it
// reports true when the request has its answer. A page that is not listed is told nothing, which
// its browser takes for a no.
func (o *Origins) CORS(w http.ResponseWriter, r *http.Request, methods ...string) bool {
	h := w.Header()
	h.Add("Vary", "Origin")
	if o.Listed(r) {
		h.Set("Access-Control-Allow-Origin", r.Header.Get("Origin"))
		h.Set("Access-Control-Expose-Headers", corsExpose)
	}
	if r.Method != http.MethodOptions {
		return false
	}
	allowed := strings.Join(methods, ", ")
	if o.Listed(r) {
		h.Set("Access-Control-Allow-Methods", allowed)
		h.Set("Access-Control-Allow-Headers", corsHeaders)
		h.Set("Access-Control-Max-Age", corsMaxAge)
	}
	h.Set("Allow", allowed)
	w.WriteHeader(http.StatusNoContent)
	return true
}

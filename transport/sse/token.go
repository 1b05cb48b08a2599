package sse

import (
	"net/http"
	"strings"
)

const (
	tokenHeader    = "X-GraphQL-Event-Stream-Token"
	tokenParameter = "token" // for EventSource, which sends no headers
	tokenLength    = 26      // of rand.Text: at least 128 bits
)

// tokenOf reads the token of a request. What cannot be one is none.
func tokenOf(r *http.Request) string {
	token := r.Header.Get(tokenHeader)
	if token == "" {
		token = r.URL.Query().Get(tokenParameter)
	}
	if len(token) != tokenLength || strings.Trim(token, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") != "" {
		return ""
	}
	return token
}

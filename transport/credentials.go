package transport

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"unicode"

	"github.com/sluice-gateway/sluice/auth"
)

// CredentialOptions say where credentials may stand besides the headers, and whose word about a
// client's address counts. The zero value works.
type CredentialOptions struct {
	// Cookie is the name of a cookie that may hold a token. It counts only where the request shows
	// that an allowed page sent it. Default none.
	Cookie string
	// Parameter is the name of a parameter of the URL that may hold the token of an EventSource, which
	// sets no headers. Proxies write URLs into their logs. Default none.
	Parameter string
	// Proxies are the networks whose X-Forwarded-For is believed. Default none.
	Proxies []netip.Prefix
}

// taken are the parameters of URLs that mean something else.
var taken = []string{
	"query", "operationName", "variables", "extensions", "documentId", "doc_id", "id",
	"operationId", "token", "lastEventId",
}

// Check says everything that cannot work, and how to mend it.
func (o CredentialOptions) Check() error {
	var bad []error
	if cookie := (http.Cookie{Name: o.Cookie, Value: "x"}); o.Cookie != "" && cookie.Valid() != nil {
		bad = append(bad, fmt.Errorf("the cookie %q: a name has letters, digits, hyphens and underscores", o.Cookie))
	}
	if slices.Contains(taken, o.Parameter) {
		bad = append(bad, fmt.Errorf("the parameter %q means something else; choose another name", o.Parameter))
	}
	for i, network := range o.Proxies {
		if !network.IsValid() {
			bad = append(bad, fmt.Errorf("proxies[%d] is no network; write it as in 10.0.0.0/8", i))
		}
	}
	return errors.Join(bad...)
}

// Credentials are what a request brought, and where it came from. Of several tokens the first counts:
// Authorization, X-API-Key, the cookie, the parameter.
func (rd *Reader) Credentials(r *http.Request) auth.Credentials {
	return auth.Credentials{
		Token: cmp.Or(
			Bearer(r.Header.Get("Authorization")),
			clean(r.Header.Get("X-Api-Key")),
			rd.cookie(r),
			rd.parameter(r),
		),
		Certificate: verified(r.TLS),
		Address:     ClientAddress(r, rd.options.Credentials.Proxies),
		Origin:      clean(r.Header.Get("Origin")),
	}
}

// cookie is the token of a cookie. A browser adds cookies to what any page sends, so it must say that
// the page is an allowed one.
func (rd *Reader) cookie(r *http.Request) string {
	name := rd.options.Credentials.Cookie
	if name == "" || !rd.origins.fromSecurePage(r) {
		return ""
	}
	cookie, err := r.Cookie(name)
	if err != nil { // there is none
		return ""
	}
	return clean(cookie.Value)
}

// parameter is the token in the URL of an event stream.
func (rd *Reader) parameter(r *http.Request) string {
	name := rd.options.Credentials.Parameter
	if name == "" || r.Method != http.MethodGet || !ParseAccept(r.Header.Values("Accept")).Has("text/event-stream") {
		return ""
	}
	return clean(r.URL.Query().Get(name))
}

// verified is the client's certificate, if TLS has found it good.
func verified(state *tls.ConnectionState) *x509.Certificate {
	if state == nil || len(state.VerifiedChains) == 0 {
		return nil
	}
	return state.VerifiedChains[0][0]
}

// InitToken is the token in the payload of connection_init, in the shapes that Apollo, urql and
// GraphiQL users send: Authorization or X-API-Key, flat or inside headers; authToken, token, apiKey.
func InitToken(payload map[string]any) string {
	headers, _ := payload["headers"].(map[string]any)
	for _, names := range [][]string{{"Authorization", "authorization"}, {"X-API-Key", "x-api-key"}} {
		for _, from := range []map[string]any{payload, headers} {
			if token := text(from, names...); token != "" {
				return token
			}
		}
	}
	return text(payload, "authToken", "token", "apiKey")
}

// text is the token of the first of some members that has one.
func text(from map[string]any, names ...string) string {
	for _, name := range names {
		if s, ok := from[name].(string); ok {
			if token := Bearer(s); token != "" {
				return token
			}
		}
	}
	return ""
}

// Bearer is the token of an Authorization: "Bearer <token>", or the bare token.
func Bearer(s string) string {
	s = strings.TrimSpace(s)
	if scheme, token, ok := strings.Cut(s, " "); ok && strings.EqualFold(scheme, "Bearer") {
		s = token
	}
	return clean(s)
}

// clean makes a token of what a client sent: UTF-8 without control characters or space around it.
// A mark takes the place of what no token has, so that the whole is refused, not passed over.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return unicode.ReplacementChar
		}
		return r
	}, strings.TrimSpace(s))
}

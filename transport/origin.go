package transport

import (
	"net/http"
	"net/url"
	"strings"
)

// Origins says which web pages may use the gateway: those it serves itself, and an allow-list.
type Origins struct {
	allowed map[string]bool
}

// NewOrigins makes an allow-list of exact origins, such as "https://shop.example".
func NewOrigins(list []string) *Origins {
	o := &Origins{allowed: make(map[string]bool, len(list))}
	for _, origin := range list {
		o.allowed[strings.ToLower(strings.TrimSuffix(origin, "/"))] = true
	}
	return o
}

// Listed reports whether the request's Origin is on the allow-list.
func (o *Origins) Listed(r *http.Request) bool {
	return o.allowed[strings.ToLower(r.Header.Get("Origin"))]
}

// Allow reports whether a request comes from an allowed page: same host, on the list, or no page
// at all (a client that is no browser sends no Origin).
func (o *Origins) Allow(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" || o.Listed(r) {
		return true
	}
	_, same := sameHost(r)
	return same
}

// sameHost reports whether a page of this host sent a request, by http or https, and by which. Where
// TLS ends here, only https is this host: anybody on the way can write what comes by http.
func sameHost(r *http.Request) (scheme string, same bool) {
	u, err := url.Parse(r.Header.Get("Origin"))
	if err != nil || u.Host == "" || !strings.EqualFold(u.Host, r.Host) {
		return "", false
	}
	return u.Scheme, u.Scheme == "https" || u.Scheme == "http" && r.TLS == nil
}

// preflightHeaders are those whose presence shows that a browser has asked before it sent a request
// of another page: no page can set one without a CORS preflight.
var preflightHeaders = []string{
	"Apollo-Require-Preflight",
	"X-Apollo-Operation-Name",
	"Graphql-Require-Preflight",
	"X-Graphql-Yoga-Csrf",
}

// Deliberate reports whether a request that a browser would send without asking, such as a GET, was
// not slipped to it by a foreign page. EventSource sets no headers, so what the browser itself says
// of the page counts too. Accept proves nothing: any page can set it.
func (o *Origins) Deliberate(r *http.Request) bool {
	for _, name := range preflightHeaders {
		if r.Header.Get(name) != "" {
			return true
		}
	}
	return o.fromPage(r)
}

// fromPage reports whether the browser says that an allowed page sent a request.
func (o *Origins) fromPage(r *http.Request) bool {
	return sameOrigin(r) || r.Header.Get("Origin") != "" && o.Allow(r)
}

// fromSecurePage reports whether the browser says that an allowed page sent a request, which nobody on
// the way could have written: the one to whom cookies are given.
func (o *Origins) fromSecurePage(r *http.Request) bool {
	scheme, same := sameHost(r)
	return sameOrigin(r) || o.Listed(r) || same && scheme == "https"
}

// sameOrigin is what the browser says of the page, right also behind a proxy that changes the Host.
func sameOrigin(r *http.Request) bool { return r.Header.Get("Sec-Fetch-Site") == "same-origin" }

package webhook

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"syscall"
	"time"
)

// tryTimeout bounds one request.
const tryTimeout = 5 * time.Second

var errAddress = errors.New("the address is none that may be dialled")

// checkTarget reads a URL that requests may be sent to, and says whether it is this machine's. Its error
// does not quote the URL, which may hold a password.
func checkTarget(text string) (target *url.URL, local bool, err error) {
	target, err = url.Parse(text)
	switch {
	case err != nil || target.Hostname() == "":
		return nil, false, errors.New("webhook: the URL cannot be read: it is https://host/path")
	case target.User != nil:
		return nil, false, errors.New("webhook: the URL holds a user: requests are signed, and nothing else vouches for them")
	}
	ip, parseErr := netip.ParseAddr(target.Hostname())
	local = target.Hostname() == "localhost" || parseErr == nil && ip.IsLoopback()
	if target.Scheme != "https" && (target.Scheme != "http" || !local) {
		return nil, false, errors.New("webhook: the URL is https, or http to this machine alone")
	}
	return target, local, nil
}

// newClient makes a client that dials what may be dialled, whatever a name has come to mean meanwhile.
func newClient(local, private bool) *http.Client {
	dialer := &net.Dialer{
		Timeout: tryTimeout,
		ControlContext: func(_ context.Context, _, address string, _ syscall.RawConn) error {
			at, err := netip.ParseAddrPort(address)
			if err != nil || !allowed(at.Addr().Unmap(), local, private) {
				return errAddress
			}
			return nil
		},
	}
	return &http.Client{
		Timeout:       tryTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{ // without proxies
			DialContext:         dialer.DialContext,
			ForceAttemptHTTP2:   true,
			MaxIdleConns:        1,
			IdleConnTimeout:     time.Minute,
			TLSHandshakeTimeout: tryTimeout,
		},
	}
}

// special are networks that look public and are not: what operators, translators and tests use.
var special = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),
	netip.MustParsePrefix("100.64.0.0/10"),
	netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("198.18.0.0/15"),
	netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("64:ff9b::/96"),
	netip.MustParsePrefix("64:ff9b:1::/48"),
	netip.MustParsePrefix("2002::/16"),
}

// allowed reports whether an address may be dialled: a public one, this machine's for a URL that names
// it, a private one for who allows it. Link-local addresses, where clouds keep credentials, never are.
func allowed(ip netip.Addr, local, private bool) bool {
	if local {
		return ip.IsLoopback()
	}
	if !ip.IsGlobalUnicast() {
		return private && ip.IsLoopback()
	}
	inner := ip.IsPrivate()
	for _, network := range special {
		inner = inner || network.Contains(ip)
	}
	return private || !inner
}

// brief is an error of a request without its URL.
func brief(err error) error {
	var failure *url.Error
	if errors.As(err, &failure) {
		return fmt.Errorf("webhook: %w", failure.Err)
	}
	return err
}

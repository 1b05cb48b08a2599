package transport

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// ClientAddress is the network address of the client that sent a request; invalid when it is not
// known. X-Forwarded-For, which any client can send, counts only where a trusted proxy wrote it:
// the client is the rightmost address that is no trusted proxy's.
func ClientAddress(r *http.Request, proxies []netip.Prefix) netip.Addr {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil { // no TCP
		return netip.Addr{}
	}
	client := plain(peer.Addr())
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, hop := range slices.Backward(hops) {
		if !trusted(client, proxies) {
			break
		}
		before, ok := parseHop(hop)
		if !ok { // what stands further left has come through somebody unknown
			break
		}
		client = before
	}
	return client
}

func trusted(a netip.Addr, proxies []netip.Prefix) bool {
	return slices.ContainsFunc(proxies, func(p netip.Prefix) bool { return p.Contains(a) })
}

// parseHop reads an address, with or without a port.
func parseHop(s string) (netip.Addr, bool) {
	s = strings.TrimSpace(s)
	if a, err := netip.ParseAddr(strings.Trim(s, "[]")); err == nil {
		return plain(a), true
	}
	a, err := netip.ParseAddrPort(s)
	return plain(a.Addr()), err == nil
}

// plain makes one address of the ways to write it.
func plain(a netip.Addr) netip.Addr { return a.Unmap().WithZone("") }

package keys

import (
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bounds of what a key may say.
const (
	MaxText = 100 // characters of a name, a consumer, a subject or a plan, and of a scope
	MaxItem = 256 // bytes of a topic or an origin
	MaxEach = 100 // scopes, topics, origins, and addresses of one key
)

// An InputError is what a caller did wrong, as a sentence that a client may read.
type InputError struct{ Message string }

func (e *InputError) Error() string { return e.Message }

func refuse(format string, args ...any) error {
	return &InputError{Message: fmt.Sprintf(format, args...)}
}

// check says what is wrong with a key; fresh is one whose expiry was given just now. It gives lists
// the form in which they are kept.
func (m *Manager) check(k *Key, fresh bool) error {
	for _, text := range []struct {
		what, text string
		required   bool
	}{{"name", k.Name, true}, {"consumer", k.Consumer, true}, {"subject", k.Subject, false}, {"plan", k.Plan, false}} {
		if text.text == "" && !text.required {
			continue
		}
		if !printable(text.text) {
			return refuse("the %s of a key has 1 to %d characters, without spaces around them", text.what, MaxText)
		}
	}
	if fresh && k.ExpiredAt(m.options.Now()) {
		return refuse("a key expires in the future, or never; to end one now, revoke it")
	}
	return m.checkLists(k)
}

func (m *Manager) checkLists(k *Key) error {
	for _, list := range []struct {
		what  string
		items *[]string
		check func(string) error
	}{{"scopes", &k.Scopes, checkScope}, {"topics", &k.Publish, m.checkTopic}, {"origins", &k.Origins, checkOrigin}} {
		if len(*list.items) > MaxEach {
			return refuse("a key has at most %d %s, not %d", MaxEach, list.what, len(*list.items))
		}
		for _, item := range *list.items {
			if err := list.check(item); err != nil {
				return err
			}
		}
		*list.items = append([]string(nil), *list.items...)
	}
	return checkAddresses(k)
}

func printable(text string) bool {
	n := utf8.RuneCountInString(text)
	return utf8.ValidString(text) && n >= 1 && n <= MaxText &&
		strings.TrimSpace(text) == text && !strings.ContainsFunc(text, unicode.IsControl)
}

// checkScope follows RFC 6749, section 3.3: scopes stand in lists divided by spaces.
func checkScope(scope string) error {
	foreign := func(r rune) bool { return r <= ' ' || r >= 0x7f || r == '"' || r == '\\' }
	if scope == "" || len(scope) > MaxText || strings.ContainsFunc(scope, foreign) {
		return refuse("%.40q is no scope: it has 1 to %d printable ASCII characters, no spaces or quotes", scope, MaxText)
	}
	return nil
}

func (m *Manager) checkTopic(topic string) error {
	if topic == "" || len(topic) > MaxItem {
		return refuse("%.40q is no topic: it has 1 to %d bytes", topic, MaxItem)
	}
	if err := m.options.CheckTopic(topic); err != nil {
		return &InputError{Message: err.Error()}
	}
	return nil
}

// checkOrigin takes an origin as browsers write it: they are compared byte by byte.
func checkOrigin(origin string) error {
	u, err := url.Parse(origin)
	if err != nil || len(origin) > MaxItem || u.Scheme == "" || u.Host == "" || strings.Contains(u.Host, "*") ||
		strings.ToLower(u.Scheme+"://"+u.Host) != origin {
		return refuse("%.40q is no exact origin such as https://shop.example", origin)
	}
	return nil
}

func checkAddresses(k *Key) error {
	if len(k.Addresses) > MaxEach {
		return refuse("a key has at most %d networks, not %d", MaxEach, len(k.Addresses))
	}
	k.Addresses = append([]netip.Prefix(nil), k.Addresses...)
	for i, network := range k.Addresses {
		if !network.IsValid() || network.Addr().Is4In6() {
			return refuse("%q is no network such as 10.0.0.0/8 or 2001:db8::/32", network)
		}
		k.Addresses[i] = network.Masked()
	}
	return nil
}

// ParseAddresses reads networks, "10.0.0.0/8", and single addresses, "192.0.2.7". Its error is an
// *InputError.
func ParseAddresses(list []string) ([]netip.Prefix, error) {
	var networks []netip.Prefix
	for _, text := range list {
		network, err := netip.ParsePrefix(text)
		if address, no := netip.ParseAddr(text); no == nil {
			network, err = address.Prefix(address.BitLen())
		}
		if err != nil {
			return nil, refuse("%.50q is no network such as 10.0.0.0/8 and no address", text)
		}
		networks = append(networks, network)
	}
	return networks, nil
}

// goodFor reports whether the key may be used by a page; empty: no page.
func (k *Key) goodFor(origin string) bool {
	return len(k.Origins) == 0 || slices.Contains(k.Origins, origin)
}

// goodFrom reports whether the key may be used from an address; invalid: from somewhere.
func (k *Key) goodFrom(address netip.Addr) bool {
	if len(k.Addresses) == 0 {
		return true
	}
	address = address.Unmap().WithZone("")
	return slices.ContainsFunc(k.Addresses, func(network netip.Prefix) bool { return network.Contains(address) })
}

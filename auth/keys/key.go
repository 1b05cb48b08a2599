// Package keys issues API keys and says whose they are.
//
// A key is good until it expires or is revoked, from the pages and networks it is bound to. Its
// secret is shown once, when it is made, and kept as a hash. The package knows neither GraphQL, HTTP
// nor SQL and starts no goroutine; keys are kept by a Store. No error holds a secret.
package keys

import (
	"crypto/sha256"
	"net/netip"
	"slices"
	"time"
)

// A Key is what is known of one API key. Times are UTC and have milliseconds.
type Key struct {
	ID        string         // 16 characters, public; the text of the key begins with it
	Name      string         // what its owner calls it
	Consumer  string         // the application it belongs to
	Subject   string         // the end user it acts for; empty: none
	Scopes    []string       // what it may do
	Publish   []string       // the topics it may publish to: names, and patterns such as "price.*"
	Plan      string         // what the consumer has bought; empty: the default plan
	Origins   []string       // the pages it is good for, "https://shop.example"; empty: any, and none
	Addresses []netip.Prefix // the networks it is good from; empty: any
	Created   time.Time
	Expires   time.Time // zero: never
	Revoked   time.Time // zero: not

	Current  Secret // the secret that was shown last
	Previous Secret // the one before, while its grace lasts; zero: none
}

// A Secret is one of the secrets of a key, which take turns. The zero Secret is none.
type Secret struct {
	Number int               // 1 for a key's first secret, and one more with every rotation
	Hash   [sha256.Size]byte // of the id and the secret, keyed with the pepper
	Until  time.Time         // when a replaced secret stops being good; zero: with its key
}

// secret is the key's secret of a number, if the key still knows it.
func (k *Key) secret(number int) (Secret, bool) {
	for _, s := range []Secret{k.Current, k.Previous} {
		if s.Number == number && number > 0 {
			return s, true
		}
	}
	return Secret{}, false
}

// ExpiredAt reports whether the key has expired at a moment.
func (k *Key) ExpiredAt(now time.Time) bool { return over(k.Expires, now) }

func over(end, now time.Time) bool { return !end.IsZero() && !now.Before(end) }

// Clone returns a copy that shares nothing with k.
func (k *Key) Clone() *Key {
	c := *k
	c.Scopes, c.Publish = slices.Clone(k.Scopes), slices.Clone(k.Publish)
	c.Origins, c.Addresses = slices.Clone(k.Origins), slices.Clone(k.Addresses)
	return &c
}

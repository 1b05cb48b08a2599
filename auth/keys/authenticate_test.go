package keys_test

import (
	"errors"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/auth"
	"github.com/sluice-gateway/sluice/auth/keys"
)

var (
	_ auth.Authenticator = (*keys.Manager)(nil)
	_ auth.Rechecker     = (*keys.Manager)(nil)
)

func TestTheViewerOfAKey(t *testing.T) {
	b := newBench(t)
	k := shop
	k.Subject, k.Expires = "ann", b.now.Add(time.Hour)
	made, text := b.create(k)
	want := &auth.Viewer{
		Consumer: "shop", Subject: "ann", Scopes: []string{"a", "b"}, Publish: []string{"price.*"}, Plan: "gold",
		Expires: k.Expires, Key: made.ID, KeySecret: 1,
	}
	if v := b.viewer(text); !reflect.DeepEqual(v, want) {
		t.Errorf("the viewer is\n%+v, want\n%+v", v, want)
	}
}

func TestCredentialsOfOtherKinds(t *testing.T) {
	b := newBench(t)
	if v, err := b.Authenticate(t.Context(), auth.Credentials{}); v != auth.Anonymous || err != nil {
		t.Errorf("nobody is %+v (%v)", v, err)
	}
	for _, token := range []string{"a.b.c", "0123456789abcdef", "sluice_", "sluice_short_key"} {
		if _, err := b.Authenticate(t.Context(), auth.Credentials{Token: token}); !errors.Is(err, auth.ErrOtherKind) {
			t.Errorf("%q: %v", token, err)
		}
	}
	if _, err := b.Recheck(t.Context(), &auth.Viewer{Consumer: "shop"}); !errors.Is(err, auth.ErrOtherKind) {
		t.Errorf("a viewer without a key: %v", err)
	}
}

func TestWrongSecrets(t *testing.T) {
	b := newBench(t)
	_, text := b.create(shop)
	_, other := b.create(shop)
	last := strings.LastIndexByte(text, '_')
	for name, forged := range map[string]string{
		"the secret of another key": text[:last] + other[last:],
		"a secret of zeros":         text[:last+1] + strings.Repeat("a", 52),
		"an unknown id":             "sluice_" + strings.Repeat("a", 16) + text[last:],
		"an unknown id and zeros":   "sluice_" + strings.Repeat("a", 16) + "_" + strings.Repeat("a", 52),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := b.Authenticate(t.Context(), auth.Credentials{Token: forged})
			if !errors.Is(err, auth.ErrBadCredentials) || errors.Is(err, auth.ErrOtherKind) {
				t.Errorf("the error is %v", err)
			}
			silent(t, err, forged)
		})
	}
}

func TestHashesAreBoundToPepperAndKey(t *testing.T) {
	b := newBench(t)
	own, text := b.create(shop)
	otherPepper := keys.New(b.store, keys.Options{Pepper: []byte("another pepper"), Now: func() time.Time { return b.now }})
	if _, err := otherPepper.Authenticate(t.Context(), auth.Credentials{Token: text}); !errors.Is(err, auth.ErrBadCredentials) {
		t.Errorf("with another pepper: %v", err)
	}
	planted, _ := b.create(shop)
	if _, err := b.store.ChangeKey(t.Context(), planted.ID, func(k *keys.Key) error {
		k.Current = own.Current
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	_, err := b.Authenticate(t.Context(), auth.Credentials{Token: strings.Replace(text, own.ID, planted.ID, 1)})
	if !errors.Is(err, auth.ErrBadCredentials) {
		t.Errorf("a hash that was copied from another key: %v", err)
	}
}

func TestRestrictions(t *testing.T) {
	networks := func(list ...string) []netip.Prefix {
		parsed, err := keys.ParseAddresses(list)
		if err != nil {
			t.Fatal(err)
		}
		return parsed
	}
	address := netip.MustParseAddr
	for _, c := range []struct {
		name      string
		origins   []string
		addresses []netip.Prefix
		given     auth.Credentials
		good      bool
	}{
		{name: "a key without origins is good for any page", given: auth.Credentials{Origin: "https://x.example"}, good: true},
		{
			name: "a listed page may use it", origins: []string{"https://a.example", "https://b.example"},
			given: auth.Credentials{Origin: "https://b.example"}, good: true,
		},
		{name: "another page may not", origins: []string{"https://a.example"}, given: auth.Credentials{Origin: "https://x.example"}},
		{name: "a longer origin is another page", origins: []string{"https://a.example"}, given: auth.Credentials{Origin: "https://a.example.x"}},
		{name: "no page at all may not", origins: []string{"https://a.example"}},
		{name: "an address within is good", addresses: networks("10.0.0.0/8"), given: auth.Credentials{Address: address("10.1.2.3")}, good: true},
		{name: "an address outside is not", addresses: networks("10.0.0.0/8"), given: auth.Credentials{Address: address("11.1.2.3")}},
		{name: "one of several networks suffices", addresses: networks("10.0.0.0/8", "::1"), given: auth.Credentials{Address: address("::1")}, good: true},
		{
			name: "an IPv4 address that came by IPv6 is the same", addresses: networks("10.0.0.0/8"),
			given: auth.Credentials{Address: address("::ffff:10.1.2.3")}, good: true,
		},
		{
			name: "a zone does not matter", addresses: networks("fe80::/10"),
			given: auth.Credentials{Address: address("fe80::1%eth0")}, good: true,
		},
		{name: "an unknown address is not within", addresses: networks("0.0.0.0/0", "::/0")},
		{
			name: "page and network must both be right", origins: []string{"https://a.example"}, addresses: networks("192.0.2.7"),
			given: auth.Credentials{Origin: "https://a.example", Address: address("192.0.2.8")},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t)
			k := shop
			k.Origins, k.Addresses = c.origins, c.addresses
			_, text := b.create(k)
			c.given.Token = text
			v, err := b.Authenticate(t.Context(), c.given)
			if c.good != (err == nil) || !c.good && !errors.Is(err, auth.ErrBadCredentials) {
				t.Errorf("the viewer is %v (%v)", v, err)
			}
			silent(t, err, text)
		})
	}
}

func TestExpiry(t *testing.T) {
	b := newBench(t)
	k := shop
	k.Expires = b.now.Add(time.Hour)
	_, text := b.create(k)
	b.now = k.Expires.Add(-time.Millisecond)
	before := b.viewer(text)
	b.now = k.Expires
	b.worthless(text, before)
	if _, err := b.Recheck(t.Context(), before); !errors.Is(err, auth.ErrExpired) {
		t.Errorf("the error does not say that it expired: %v", err)
	}
}

func TestAStoreThatIsAway(t *testing.T) {
	b := newBench(t)
	_, text := b.create(shop)
	before := b.viewer(text)
	away := errors.New("the disk is gone")
	b.store.Fail(away)
	if _, err := b.Authenticate(t.Context(), auth.Credentials{Token: text}); !errors.Is(err, away) || errors.Is(err, auth.ErrBadCredentials) {
		t.Errorf("a key: %v", err)
	}
	if _, err := b.Recheck(t.Context(), before); !errors.Is(err, away) || errors.Is(err, auth.ErrBadCredentials) {
		t.Errorf("a viewer: %v", err)
	}
	if _, _, err := b.Create(t.Context(), shop); !errors.Is(err, away) {
		t.Errorf("a new key: %v", err)
	}
}

func TestRecheck(t *testing.T) {
	b := newBench(t)
	k, text := b.create(shop)
	before := b.viewer(text)
	recheck := func() *auth.Viewer {
		t.Helper()
		v, err := b.Recheck(t.Context(), before)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	if recheck() != before {
		t.Error("nothing has changed, and it is another viewer")
	}
	name := "Another name"
	if _, err := b.Change(t.Context(), k.ID, keys.Change{Name: &name}); err != nil {
		t.Fatal(err)
	}
	if recheck() != before {
		t.Error("the name is no part of the viewer")
	}
	later := b.now.Add(time.Hour)
	if _, err := b.Change(t.Context(), k.ID, keys.Change{Expires: &later}); err != nil {
		t.Fatal(err)
	}
	if v := recheck(); !v.Expires.Equal(later) || v.Identity() != before.Identity() {
		t.Errorf("with an expiry, the viewer is %+v", v)
	}
	scopes := []string{"a"}
	if _, err := b.Change(t.Context(), k.ID, keys.Change{Scopes: &scopes}); err != nil {
		t.Fatal(err)
	}
	if v := recheck(); v.Has("b") || !v.Has("a") || !v.Is(before) {
		t.Errorf("with one scope less, the viewer is %+v", v)
	}
	if _, err := b.Recheck(t.Context(), &auth.Viewer{Consumer: "shop", Key: "aaaaaaaaaaaaaaaa", KeySecret: 1}); !errors.Is(err, auth.ErrBadCredentials) {
		t.Errorf("an unknown key: %v", err)
	}
}

package store

import (
	"net/netip"
	"path/filepath"
	"testing"

	"github.com/sluice-gateway/sluice/auth"
	"github.com/sluice-gateway/sluice/auth/keys"
	"github.com/sluice-gateway/sluice/auth/keys/keystest"
)

func TestKeysInMemory(t *testing.T) {
	keystest.Run(t, func(t *testing.T) keys.Store { return open(t, Memory) })
}

func TestKeysInAFile(t *testing.T) {
	keystest.Run(t, func(t *testing.T) keys.Store { return open(t, filepath.Join(t.TempDir(), "shop.db")) })
}

// The command that manages keys is a process beside the gateway's.
func TestTwoStoresShareTheKeysOfAFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "shop.db")
	gateway, command := keys.New(open(t, file), keys.Options{}), keys.New(open(t, file), keys.Options{})
	k, text, err := command.Create(t.Context(), keys.Key{Name: "Web shop", Consumer: "shop"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := gateway.Authenticate(t.Context(), auth.Credentials{Token: text}); err != nil {
		t.Errorf("a new key: %v", err)
	}
	if _, err := command.Revoke(t.Context(), k.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := gateway.Authenticate(t.Context(), auth.Credentials{Token: text}); err == nil {
		t.Error("a revoked key is good")
	}
}

func BenchmarkAuthenticate(b *testing.B) {
	m := keys.New(open(b, filepath.Join(b.TempDir(), "shop.db")), keys.Options{})
	_, text, err := m.Create(b.Context(), keys.Key{
		Name: "Web shop", Consumer: "shop", Scopes: []string{"orders:write", "publish"}, Publish: []string{"price.*"},
		Addresses: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")},
	})
	if err != nil {
		b.Fatal(err)
	}
	from := netip.MustParseAddr("10.1.2.3")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := m.Authenticate(b.Context(), auth.Credentials{Token: text, Address: from}); err != nil {
			b.Fatal(err)
		}
	}
}

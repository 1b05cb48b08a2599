package store

import (
	"net/netip"
	"path/filepath"
	"testing"

	"github.com/sluice-gateway/sluice/auth"
	"github.com/sluice-gateway/sluice/auth/keys"
	"github.com/sluice-gateway/sluice/auth/keys/keystest"
	"github.com/sluice-gateway/sluice/internal/pgtest"
)

func TestKeysInMemory(t *testing.T) {
	keystest.Run(t, func(t *testing.T) keys.Store { return open(t, Memory) })
}

func TestKeysInAFile(t *testing.T) {
	keystest.Run(t, func(t *testing.T) keys.Store { return open(t, filepath.Join(t.TempDir(), "shop.db")) })
}

func TestKeysInPostgreSQL(t *testing.T) {
	keystest.Run(t, func(t *testing.T) keys.Store { return open(t, pgtest.Start(t)) })
}

// The command that manages keys is a process beside the gateway's.
func TestTwoStoresShareTheirKeys(t *testing.T) {
	everySharedDatabase(t, func(t *testing.T, dsn string) {
		gateway, command := keys.New(open(t, dsn), keys.Options{}), keys.New(open(t, dsn), keys.Options{})
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
	})
}

func BenchmarkAuthenticate(b *testing.B) {
	everyBenchmark(b, func(b *testing.B, s *Store) func() error {
		m := keys.New(s, keys.Options{})
		_, text, err := m.Create(b.Context(), keys.Key{
			Name: "Web shop", Consumer: "shop", Scopes: []string{"orders:write", "publish"}, Publish: []string{"price.*"},
			Addresses: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")},
		})
		if err != nil {
			b.Fatal(err)
		}
		sent := auth.Credentials{Token: text, Address: netip.MustParseAddr("10.1.2.3")}
		return func() error {
			_, err := m.Authenticate(b.Context(), sent)
			return err
		}
	})
}

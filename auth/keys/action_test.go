package keys_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/auth/keys"
	"github.com/sluice-gateway/sluice/auth/keys/keystest"
)

var errStore = errors.New("the store fails")

func TestWhoeverAsksIsToldOfEveryAction(t *testing.T) {
	now := time.Date(2026, time.November, 21, 12, 0, 0, 0, time.UTC)
	var told []keys.Action
	var deaf error
	store := new(keystest.Memory)
	m := keys.New(store, keys.Options{
		Now:      func() time.Time { return now },
		Announce: func(context.Context, string) error { return deaf },
		Done:     func(_ context.Context, a keys.Action) { told = append(told, a) },
	})
	k, text, err := m.Create(t.Context(), keys.Key{Name: "Till", Consumer: "till", Scopes: []string{"a"}, Expires: now.Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	name, plan := "Shop", ""
	for _, c := range []struct {
		name string
		do   func() error // nil: what was done above
		kind string
		id   string
		err  error  // nil: an InputError, if nothing has changed
		want string // the differences
	}{
		{
			"making a key", nil,
			keys.Created, k.ID, nil, `name <nil> Till; consumer <nil> till; scopes <nil> [a]; expiresAt <nil> 2026-11-21 13:00:00 +0000 UTC; secretNumber <nil> 1`,
		},
		{
			"making one that cannot be",
			func() error { _, _, err := m.Create(t.Context(), keys.Key{Name: "x"}); return err },
			keys.Created, "", nil, "",
		},
		{
			"changing some of it",
			func() error {
				_, err := m.Change(t.Context(), k.ID, keys.Change{
					Name: &name, Plan: &plan, Scopes: &[]string{"a", "b"}, Addresses: &[]netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, Expires: new(time.Time),
				})
				return err
			},
			keys.Updated, k.ID, nil, `name Till Shop; scopes [a] [a b]; addresses <nil> [10.0.0.0/8]; expiresAt 2026-11-21 13:00:00 +0000 UTC <nil>`,
		},
		{
			"rotating with a grace",
			func() error { _, _, err := m.Rotate(t.Context(), k.ID, time.Minute); return err },
			keys.Rotated, k.ID, nil, `secretNumber 1 2; previousSecretUntil <nil> 2026-11-21 12:01:00 +0000 UTC`,
		},
		{
			"a grace that cannot be",
			func() error { _, _, err := m.Rotate(t.Context(), k.ID, -1); return err },
			keys.Rotated, k.ID, nil, "",
		},
		{
			"the text of a key in place of its id",
			func() error { _, err := m.Revoke(t.Context(), text); return err },
			keys.Revoked, "", nil, "",
		},
		{
			"a store that fails",
			func() error {
				store.Fail(errStore)
				defer store.Fail(nil)
				_, err := m.Revoke(t.Context(), k.ID)
				return err
			},
			keys.Revoked, k.ID, errStore, "",
		},
		{
			"a revocation of which the nodes do not hear",
			func() error { deaf = errStore; _, err := m.Revoke(t.Context(), k.ID); return err },
			keys.Revoked, k.ID, keys.ErrNotAnnounced, `revokedAt <nil> 2026-11-21 12:00:00 +0000 UTC`,
		},
		{
			"revoking again",
			func() error { deaf = nil; _, err := m.Revoke(t.Context(), k.ID); return err },
			keys.Revoked, k.ID, nil, "",
		},
		{
			"changing a key that was revoked",
			func() error { _, err := m.Change(t.Context(), k.ID, keys.Change{Name: &name}); return err },
			keys.Updated, k.ID, nil, "",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			var err error
			if c.do != nil {
				told = nil
				err = c.do()
			}
			if len(told) != 1 {
				t.Fatalf("%d actions are told", len(told))
			}
			a := told[0]
			if a.Kind != c.kind || a.ID != c.id || !errors.Is(a.Err, err) || c.err != nil && !errors.Is(a.Err, c.err) {
				t.Errorf("told is %+v, want %s of %q and %v", a, c.kind, c.id, err)
			}
			var mistake *keys.InputError
			if nothing := a.After == nil; nothing && c.err == nil && !errors.As(a.Err, &mistake) {
				t.Errorf("nothing has changed, and the error is %v", a.Err)
			}
			var differences []string
			for _, d := range a.Differences() {
				differences = append(differences, fmt.Sprint(d.Name, " ", d.Old, " ", d.New))
			}
			if got := strings.Join(differences, "; "); got != c.want {
				t.Errorf("the differences are\n%s, want\n%s", got, c.want)
			}
			shown, err := json.Marshal(a.Differences())
			if err != nil || strings.Contains(string(shown), text[len(text)-52:]) {
				t.Errorf("the differences are %s (%v)", shown, err)
			}
		})
	}
}

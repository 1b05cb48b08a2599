// Package keystest is the contract of keys.Store as tests, and a Store in memory. Every
// implementation passes Run.
package keystest

import (
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/auth"
	"github.com/sluice-gateway/sluice/auth/keys"
)

// Run runs the contract against empty stores that newStore makes, one for each test.
func Run(t *testing.T, newStore func(t *testing.T) keys.Store) {
	for _, test := range []struct {
		name string
		run  func(t *testing.T, s keys.Store)
	}{
		{"a key is read as it was added", roundTrip},
		{"a key that says nothing optional is read so", roundTripOfLittle},
		{"an id is taken once", takenID},
		{"an unknown id is no key, and no error", unknownID},
		{"keys are listed page by page, the newest first", list},
		{"a change is kept whole", change},
		{"a change that fails keeps nothing", failedChange},
		{"changes at the same time do not lose each other", concurrentChanges},
		{"a manager's keys live and die", lifeOfAKey},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, newStore(t)) })
	}
}

var noon = time.Date(2026, time.November, 21, 12, 0, 0, 125_000_000, time.UTC)

// little is a key with only what every key has.
func little(id string, created time.Time) *keys.Key {
	return &keys.Key{
		ID: id, Name: "Web shop", Consumer: "shop", Created: created,
		Current: keys.Secret{Number: 1, Hash: [32]byte{1, 2, 3}},
	}
}

// whole is a key with everything a key can have.
func whole(id string) *keys.Key {
	k := little(id, noon)
	k.Name, k.Subject, k.Plan = `Ann's "till", ü`, "ann", "gold"
	k.Scopes, k.Publish = []string{"b", "a"}, []string{"price.*", "stock.1"}
	k.Origins = []string{"https://shop.example"}
	k.Addresses = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8::/32")}
	k.Expires, k.Revoked = noon.Add(time.Hour), noon.Add(time.Minute)
	k.Current = keys.Secret{Number: 3, Hash: [32]byte{31: 255}}
	k.Previous = keys.Secret{Number: 2, Hash: [32]byte{0: 9, 31: 7}, Until: noon.Add(time.Second)}
	return k
}

func add(t *testing.T, s keys.Store, k *keys.Key) {
	t.Helper()
	if err := s.AddKey(t.Context(), k); err != nil {
		t.Fatal(err)
	}
}

func expect(t *testing.T, s keys.Store, want *keys.Key) {
	t.Helper()
	got, err := s.Key(t.Context(), want.ID)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("the key is\n%+v (%v), want\n%+v", got, err, want)
	}
}

func roundTrip(t *testing.T, s keys.Store) {
	add(t, s, whole("a"))
	expect(t, s, whole("a"))
}

func roundTripOfLittle(t *testing.T, s keys.Store) {
	add(t, s, little("a", noon))
	expect(t, s, little("a", noon))
}

func takenID(t *testing.T, s keys.Store) {
	add(t, s, whole("a"))
	if s.AddKey(t.Context(), little("a", noon)) == nil {
		t.Error("a second key with the id was added")
	}
	expect(t, s, whole("a"))
}

func unknownID(t *testing.T, s keys.Store) {
	if k, err := s.Key(t.Context(), "a"); k != nil || err != nil {
		t.Errorf("it is %v (%v)", k, err)
	}
	k, err := s.ChangeKey(t.Context(), "a", func(*keys.Key) error {
		t.Error("a change was asked for")
		return nil
	})
	if k != nil || err != nil {
		t.Errorf("it was changed to %v (%v)", k, err)
	}
}

func list(t *testing.T, s keys.Store) {
	for i := range 6 {
		k := little(fmt.Sprint(i), noon.Add(time.Duration(i/2)*time.Second)) // two of each moment
		if i%3 == 0 {
			k.Consumer = "till"
		}
		add(t, s, k)
	}
	for _, c := range []struct {
		name  string
		query keys.Query
		want  string
	}{
		{"all", keys.Query{Limit: 100}, "543210"},
		{"the first page", keys.Query{Limit: 2}, "54"},
		{"a page within a moment", keys.Query{After: "5", Limit: 2}, "43"},
		{"the last page", keys.Query{After: "1", Limit: 2}, "0"},
		{"after the last", keys.Query{After: "0", Limit: 2}, ""},
		{"after a key that is not there", keys.Query{After: "x", Limit: 2}, ""},
		{"of one consumer", keys.Query{Consumer: "till", Limit: 100}, "30"},
		{"of one consumer, after a key of another", keys.Query{Consumer: "till", After: "2", Limit: 100}, "0"},
		{"of nobody", keys.Query{Consumer: "x", Limit: 100}, ""},
	} {
		got := ""
		found, err := s.Keys(t.Context(), c.query)
		for _, k := range found {
			got += k.ID
		}
		if err != nil || got != c.want {
			t.Errorf("%s: %q (%v), want %q", c.name, got, err, c.want)
		}
	}
}

func change(t *testing.T, s keys.Store) {
	add(t, s, little("a", noon))
	add(t, s, little("b", noon))
	got, err := s.ChangeKey(t.Context(), "a", func(k *keys.Key) error {
		consumer, subject := k.Consumer, k.Subject
		*k = *whole("a")
		k.Consumer, k.Subject = consumer, subject // never edited
		return nil
	})
	want := whole("a")
	want.Subject = ""
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("the changed key is %+v (%v), want %+v", got, err, want)
	}
	expect(t, s, want)
	expect(t, s, little("b", noon))
}

func failedChange(t *testing.T, s keys.Store) {
	add(t, s, little("a", noon))
	failure := errors.New("no")
	k, err := s.ChangeKey(t.Context(), "a", func(k *keys.Key) error {
		k.Name = "changed"
		return failure
	})
	if k != nil || !errors.Is(err, failure) {
		t.Errorf("the change is %v (%v)", k, err)
	}
	expect(t, s, little("a", noon))
}

func concurrentChanges(t *testing.T, s keys.Store) {
	add(t, s, little("a", noon))
	const changes = 20
	var changing sync.WaitGroup
	for range changes {
		changing.Go(func() {
			if _, err := s.ChangeKey(t.Context(), "a", func(k *keys.Key) error {
				k.Current.Number++
				return nil
			}); err != nil {
				t.Error(err)
			}
		})
	}
	changing.Wait()
	want := little("a", noon)
	want.Current.Number = 1 + changes
	expect(t, s, want)
}

func lifeOfAKey(t *testing.T, s keys.Store) {
	m := keys.New(s, keys.Options{Pepper: []byte("a pepper")})
	made, first, err := m.Create(t.Context(), keys.Key{Name: "Web shop", Consumer: "shop", Scopes: []string{"a"}})
	if err != nil {
		t.Fatal(err)
	}
	expect(t, s, made)
	viewer := func(text string) *auth.Viewer {
		t.Helper()
		v, err := m.Authenticate(t.Context(), auth.Credentials{Token: text})
		if err != nil && !errors.Is(err, auth.ErrBadCredentials) {
			t.Fatal(err)
		}
		return v
	}
	if v := viewer(first); v == nil || v.Consumer != "shop" || !v.Has("a") || v.Key != made.ID || v.KeySecret != 1 {
		t.Errorf("the viewer is %+v", v)
	}
	rotated, second, err := m.Rotate(t.Context(), made.ID, time.Hour)
	if err != nil || viewer(first) == nil || viewer(second) == nil {
		t.Fatalf("after a rotation with a grace not both secrets are good (%v)", err)
	}
	if v := viewer(first); !v.Expires.Equal(rotated.Previous.Until) || v.KeySecret != 1 || viewer(second).KeySecret != 2 {
		t.Errorf("the viewer of the old secret is %+v, want one until %v", v, rotated.Previous.Until)
	}
	revoked, err := m.Revoke(t.Context(), made.ID)
	if err != nil || viewer(first) != nil || viewer(second) != nil {
		t.Errorf("a revoked key is good (%v)", err)
	}
	expect(t, s, revoked)
}

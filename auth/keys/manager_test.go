package keys_test

import (
	"context"
	"errors"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-gateway/sluice/auth"
	"github.com/sluice-gateway/sluice/auth/keys"
	"github.com/sluice-gateway/sluice/auth/keys/keystest"
)

func TestStoreInMemory(t *testing.T) {
	keystest.Run(t, func(*testing.T) keys.Store { return new(keystest.Memory) })
}

func TestCreate(t *testing.T) {
	b := newBench(t)
	given := shop
	given.ID, given.Revoked, given.Current = "mine", b.now, keys.Secret{Number: 7} // made anew
	given.Addresses = []netip.Prefix{netip.MustParsePrefix("10.1.2.3/8")}
	given.Expires = b.now.Add(time.Hour + time.Microsecond)
	k, text := b.create(given)
	if got, err := b.Get(t.Context(), k.ID); err != nil || !reflect.DeepEqual(got, k) {
		t.Errorf("the kept key is\n%+v (%v), want\n%+v", got, err, k)
	}
	if !strings.HasPrefix(text, "sluice_"+k.ID+"_") || k.Current.Number != 1 || !k.Revoked.IsZero() || !k.Created.Equal(b.now) ||
		k.Addresses[0].String() != "10.0.0.0/8" || !k.Expires.Equal(b.now.Add(time.Hour)) {
		t.Errorf("the new key is %+v", k)
	}
	if len(b.announced) > 0 {
		t.Error("a new key was announced")
	}
}

func TestMistakes(t *testing.T) {
	long := func(n int) string { return strings.Repeat("é", n) }
	for _, c := range []struct {
		name string
		edit func(*keys.Key)
		want string // empty: none
	}{
		{"a name of 100 characters", func(k *keys.Key) { k.Name = long(100) }, ""},
		{"a longer name", func(k *keys.Key) { k.Name = long(101) }, "the name of a key has 1 to 100"},
		{"no name", func(k *keys.Key) { k.Name = "" }, "the name"},
		{"a name of spaces", func(k *keys.Key) { k.Name = "  " }, "the name"},
		{"a name with a line end", func(k *keys.Key) { k.Name = "a\nb" }, "the name"},
		{"a name that is no UTF-8", func(k *keys.Key) { k.Name = "a\xff" }, "the name"},
		{"no consumer", func(k *keys.Key) { k.Consumer = "" }, "the consumer"},
		{"a subject with an escape", func(k *keys.Key) { k.Subject = "a\x1b[2J" }, "the subject"},
		{"a long plan", func(k *keys.Key) { k.Plan = long(101) }, "the plan"},
		{"an empty scope", func(k *keys.Key) { k.Scopes = []string{"a", ""} }, "is no scope"},
		{"two scopes in one", func(k *keys.Key) { k.Scopes = []string{"a b"} }, "is no scope"},
		{"a long scope", func(k *keys.Key) { k.Scopes = []string{strings.Repeat("a", 101)} }, "is no scope"},
		{"a hundred scopes", func(k *keys.Key) { k.Scopes = slicesOf(100, "a") }, ""},
		{"more scopes", func(k *keys.Key) { k.Scopes = slicesOf(101, "a") }, "at most 100 scopes"},
		{"a topic that the check refuses", func(k *keys.Key) { k.Publish = []string{"a b"} }, "topics have no spaces"},
		{"an empty topic", func(k *keys.Key) { k.Publish = []string{""} }, "is no topic"},
		{"an origin", func(k *keys.Key) { k.Origins = []string{"http://localhost:5173"} }, ""},
		{"an origin with a path", func(k *keys.Key) { k.Origins = []string{"https://a.example/"} }, "no exact origin"},
		{"an origin with a star", func(k *keys.Key) { k.Origins = []string{"https://*.example"} }, "no exact origin"},
		{"an origin with capitals", func(k *keys.Key) { k.Origins = []string{"https://A.example"} }, "no exact origin"},
		{"a host alone", func(k *keys.Key) { k.Origins = []string{"a.example"} }, "no exact origin"},
		{"no network", func(k *keys.Key) { k.Addresses = []netip.Prefix{{}} }, "is no network"},
		{"IPv4 within IPv6", func(k *keys.Key) { k.Addresses = []netip.Prefix{netip.MustParsePrefix("::ffff:10.0.0.0/104")} }, "is no network"},
		{"an expiry in the past", func(k *keys.Key) { k.Expires = k.Expires.AddDate(-10, 0, 0) }, "expires in the future"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t)
			k := shop
			k.Expires = b.now.Add(time.Hour)
			c.edit(&k)
			_, text, err := b.Create(t.Context(), k)
			if c.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			refused(t, err, c.want)
			if list, _ := b.List(t.Context(), keys.Query{Limit: 1}); text != "" || len(list) > 0 {
				t.Errorf("there is a key: %+v", list)
			}
		})
	}
}

func slicesOf(n int, item string) []string {
	return strings.Split(strings.Repeat(item+" ", n-1)+item, " ")
}

func TestParseAddresses(t *testing.T) {
	got, err := keys.ParseAddresses([]string{"10.0.0.0/8", "192.0.2.7", "2001:db8::1"})
	want := []netip.Prefix{
		netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("192.0.2.7/32"), netip.MustParsePrefix("2001:db8::1/128"),
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("they are %v (%v), want %v", got, err, want)
	}
	for _, bad := range []string{"", "10.0.0.0/33", "localhost", "10.0.0"} {
		_, err := keys.ParseAddresses([]string{bad})
		refused(t, err, "is no network")
	}
}

func TestChangeLeavesAloneWhatItDoesNotName(t *testing.T) {
	b := newBench(t)
	given := shop
	given.Expires = b.now.Add(time.Hour)
	k, text := b.create(given)
	b.now = b.now.Add(2 * time.Hour) // the key has expired, and may still be renamed
	name, scopes := "Shop", []string{}
	got, err := b.Change(t.Context(), k.ID, keys.Change{Name: &name, Scopes: &scopes})
	want := k.Clone()
	want.Name, want.Scopes = name, nil
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("the changed key is\n%+v (%v), want\n%+v", got, err, want)
	}
	never := time.Time{}
	if _, err := b.Change(t.Context(), k.ID, keys.Change{Expires: &never}); err != nil {
		t.Fatal(err)
	}
	if v := b.viewer(text); !v.Expires.IsZero() || len(v.Scopes) > 0 {
		t.Errorf("the viewer is %+v", v)
	}
	bad := "a b"
	_, err = b.Change(t.Context(), k.ID, keys.Change{Publish: &[]string{bad}})
	refused(t, err, "no spaces")
	if len(b.announced) != 2 || b.announced[0] != k.ID {
		t.Errorf("announced was %q, want the id twice", b.announced)
	}
}

// The clock is the real one here, in a bubble.
func TestRotationWithAGrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.Manager = keys.New(b.store, keys.Options{})
		k, first := b.create(shop)
		before := b.viewer(first)
		second := b.rotate(k.ID, time.Hour)
		during, err := b.Recheck(t.Context(), before)
		if err != nil || time.Until(during.Expires) != time.Hour || during.KeySecret != 1 {
			t.Fatalf("in its grace, the viewer is %+v (%v)", during, err)
		}
		if v := b.viewer(second); !v.Expires.IsZero() || v.KeySecret != 2 || v.Identity() != before.Identity() {
			t.Errorf("the viewer of the new secret is %+v", v)
		}
		time.Sleep(time.Hour - time.Millisecond)
		if v := b.viewer(first); !v.Expires.Equal(during.Expires) {
			t.Errorf("the grace ends at %v, and ended at %v before", v.Expires, during.Expires)
		}
		time.Sleep(time.Millisecond)
		b.worthless(first, before)
		b.viewer(second)
	})
}

func TestRotation(t *testing.T) {
	t.Run("without a grace, the old secret ends at once", func(t *testing.T) {
		b := newBench(t)
		k, first := b.create(shop)
		before := b.viewer(first)
		second := b.rotate(k.ID, 0)
		b.worthless(first, before)
		if len(b.announced) != 1 || b.announced[0] != k.ID {
			t.Errorf("announced was %q", b.announced)
		}
		if now, err := b.Recheck(t.Context(), b.viewer(second)); err != nil || now.KeySecret != 2 {
			t.Errorf("the new viewer is %+v (%v)", now, err)
		}
	})
	t.Run("a second rotation ends the grace of the first", func(t *testing.T) {
		b := newBench(t)
		k, first := b.create(shop)
		before := b.viewer(first)
		second := b.rotate(k.ID, time.Hour)
		third := b.rotate(k.ID, time.Minute)
		b.worthless(first, before)
		if b.viewer(second).KeySecret != 2 || b.viewer(third).KeySecret != 3 {
			t.Error("the secrets have the wrong numbers")
		}
	})
	t.Run("a key that expires before the grace ends then", func(t *testing.T) {
		b := newBench(t)
		given := shop
		given.Expires = b.now.Add(time.Minute)
		k, first := b.create(given)
		b.rotate(k.ID, time.Hour)
		if v := b.viewer(first); !v.Expires.Equal(given.Expires) {
			t.Errorf("the old secret ends at %v, want %v", v.Expires, given.Expires)
		}
	})
	t.Run("an expired key is not rotated", func(t *testing.T) {
		b := newBench(t)
		given := shop
		given.Expires = b.now.Add(time.Minute)
		k, _ := b.create(given)
		b.now = b.now.Add(time.Minute)
		_, text, err := b.Rotate(t.Context(), k.ID, 0)
		refused(t, err, "has expired")
		if text != "" {
			t.Error("there is a new text")
		}
	})
	t.Run("a grace is neither negative nor for ever", func(t *testing.T) {
		b := newBench(t)
		k, _ := b.create(shop)
		for _, grace := range []time.Duration{-1, keys.MaxGrace + 1} {
			_, _, err := b.Rotate(t.Context(), k.ID, grace)
			refused(t, err, "the grace")
		}
		b.rotate(k.ID, keys.MaxGrace)
	})
}

func TestRevocationIsFinal(t *testing.T) {
	b := newBench(t)
	k, first := b.create(shop)
	before := b.viewer(first)
	second := b.rotate(k.ID, time.Hour)
	revoked, err := b.Revoke(t.Context(), k.ID)
	if err != nil || !revoked.Revoked.Equal(b.now) {
		t.Fatalf("the revoked key is %+v (%v)", revoked, err)
	}
	b.worthless(first, before)
	b.worthless(second, before)
	b.now = b.now.Add(time.Hour)
	if again, err := b.Revoke(t.Context(), k.ID); err != nil || !again.Revoked.Equal(revoked.Revoked) {
		t.Errorf("revoked again, it is %+v (%v)", again, err)
	}
	_, _, err = b.Rotate(t.Context(), k.ID, 0)
	refused(t, err, "was revoked")
	name := "x"
	_, err = b.Change(t.Context(), k.ID, keys.Change{Name: &name})
	refused(t, err, "was revoked")
	if len(b.announced) != 3 { // rotated, revoked, revoked again
		t.Errorf("announced was %q", b.announced)
	}
}

func TestAChangeThatIsNotAnnouncedStands(t *testing.T) {
	b := newBench(t)
	k, first := b.create(shop)
	before := b.viewer(first)
	b.deaf = errors.New("the broker is away")
	ctx, leave := context.WithCancel(t.Context())
	leave() // the caller is gone, and everybody must learn of it all the same
	rotated, second, err := b.Rotate(ctx, k.ID, 0)
	if !errors.Is(err, keys.ErrNotAnnounced) || !errors.Is(err, b.deaf) || rotated == nil || b.viewer(second).KeySecret != 2 {
		t.Errorf("the rotated key is %+v (%v)", rotated, err)
	}
	silent(t, err, second)
	revoked, err := b.Revoke(t.Context(), k.ID)
	if !errors.Is(err, keys.ErrNotAnnounced) || revoked == nil || revoked.Revoked.IsZero() {
		t.Errorf("the revoked key is %+v (%v)", revoked, err)
	}
	b.worthless(second, before)
}

func TestIDsThatNoKeyHas(t *testing.T) {
	b := newBench(t)
	_, text := b.create(shop)
	for _, id := range []string{"", "x", "aaaaaaaaaaaaaaaa", strings.Repeat("a", 1<<20), text} {
		if k, err := b.Get(t.Context(), id); k != nil || err != nil {
			t.Errorf("it is %+v (%v)", k, err)
		}
		_, changed := b.Change(t.Context(), id, keys.Change{})
		_, _, rotated := b.Rotate(t.Context(), id, 0)
		_, revoked := b.Revoke(t.Context(), id)
		for _, err := range []error{changed, rotated, revoked} {
			refused(t, err, "")
			silent(t, err, text)
			if len(err.Error()) > 200 {
				t.Error("the error shows all of the id")
			}
		}
	}
	if len(b.announced) > 0 {
		t.Errorf("announced was %q", b.announced)
	}
}

func TestListIsBounded(t *testing.T) {
	b := newBench(t)
	for _, limit := range []int{-1, 0, keys.MaxList + 1} {
		_, err := b.List(t.Context(), keys.Query{Limit: limit})
		refused(t, err, "a list has 1 to 100")
	}
}

func BenchmarkAuthenticate(b *testing.B) {
	m := keys.New(new(keystest.Memory), keys.Options{})
	_, text, err := m.Create(b.Context(), shop)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := m.Authenticate(b.Context(), auth.Credentials{Token: text}); err != nil {
			b.Fatal(err)
		}
	}
}

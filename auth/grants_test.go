package auth

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A book is an Authenticator whose viewers, by token, the test changes.
type book struct {
	viewers map[string]*Viewer // by token, which is also the key's id
	asked   int
	down    error
}

func (b *book) Authenticate(_ context.Context, c Credentials) (*Viewer, error) {
	v := b.viewers[c.Token]
	if v == nil {
		return nil, ErrBadCredentials
	}
	return v, b.down
}

func (b *book) Recheck(_ context.Context, v *Viewer) (*Viewer, error) {
	b.asked++
	if b.down != nil {
		return nil, b.down
	}
	now := b.viewers[v.Key]
	if now == nil || now.KeySecret != v.KeySecret {
		return nil, ErrBadCredentials
	}
	return now, nil
}

// A holder notes what it is told.
type holder struct {
	since time.Time
	mu    sync.Mutex // guards told
	told  []string
}

func newHolder() *holder { return &holder{since: time.Now()} }

func (h *holder) Changed(v *Viewer) { h.note(fmt.Sprintf("%v %v", time.Since(h.since), v.Scopes)) }

func (h *holder) Ended(why error) { h.note(fmt.Sprintf("%v %v", time.Since(h.since), why)) }

func (h *holder) note(what string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.told = append(h.told, what)
}

func (h *holder) expect(t *testing.T, want ...string) {
	t.Helper()
	synctest.Wait()
	h.mu.Lock()
	defer h.mu.Unlock()
	if fmt.Sprint(h.told) != fmt.Sprint(want) {
		t.Errorf("the holder was told %q, want %q", h.told, want)
	}
}

func TestATokenExpiresAtItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHolder()
		grants := NewGrants(&book{})
		grants.Open(&Viewer{Consumer: "c", Expires: time.Now().Add(time.Minute)}, h)
		time.Sleep(time.Hour)
		h.expect(t, "1m0s "+ErrExpired.Error())
		if n := len(grants.all()); n != 0 {
			t.Errorf("%d grants are left", n)
		}
	})
}

func TestWhatHasExpiredAlreadyEndsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHolder()
		NewGrants(&book{}).Open(&Viewer{Consumer: "c", Expires: time.Now().Add(-time.Minute)}, h)
		h.expect(t, "0s "+ErrExpired.Error())
	})
}

func TestARenewalMovesTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHolder()
		b := &book{viewers: map[string]*Viewer{
			"longer": {Consumer: "c", Subject: "s", Expires: time.Now().Add(time.Hour)},
			"wider":  {Consumer: "c", Subject: "s", Scopes: []string{"a"}, Expires: time.Now().Add(2 * time.Hour)},
			"other":  {Consumer: "c", Subject: "else", Expires: time.Now().Add(time.Hour)},
		}}
		grant := NewGrants(b).Open(&Viewer{Consumer: "c", Subject: "s", Expires: time.Now().Add(time.Minute)}, h)
		for token, want := range map[string]error{"": ErrBadCredentials, "bad": ErrBadCredentials, "other": ErrOtherViewer} {
			if err := grant.Renew(t.Context(), Credentials{Token: token}); !errors.Is(err, want) {
				t.Errorf("%q: %v, want %v", token, err, want)
			}
		}
		if err := grant.Renew(t.Context(), Credentials{Token: "longer"}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(30 * time.Minute)
		h.expect(t)
		if err := grant.Renew(t.Context(), Credentials{Token: "wider"}); err != nil || !grant.Viewer().Has("a") {
			t.Fatal(err, grant.Viewer())
		}
		h.expect(t, "30m0s [a]")
		time.Sleep(3 * time.Hour)
		h.expect(t, "30m0s [a]", "2h0m0s "+ErrExpired.Error())
		if err := grant.Renew(t.Context(), Credentials{Token: "wider"}); !errors.Is(err, ErrBadCredentials) {
			t.Errorf("after the end: %v", err)
		}
	})
}

func TestAClosedGrantIsSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHolder()
		grants := NewGrants(&book{})
		grant := grants.Open(&Viewer{Consumer: "c", Key: "k", Expires: time.Now().Add(time.Minute)}, h)
		grant.Close()
		grant.Close()
		time.Sleep(time.Hour)
		if err := grants.Recheck(t.Context(), "k"); err != nil {
			t.Fatal(err)
		}
		h.expect(t)
		if n := len(grants.all()); n != 0 {
			t.Errorf("%d grants are left", n)
		}
	})
}

func TestAKeyThatChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &book{viewers: map[string]*Viewer{
			"k": {Consumer: "c", Key: "k", KeySecret: 2},
			"l": {Consumer: "c", Key: "l", KeySecret: 1},
		}}
		grants := NewGrants(b)
		first, second, old, other := newHolder(), newHolder(), newHolder(), newHolder()
		grants.Open(b.viewers["k"], first)
		grants.Open(b.viewers["k"], second)
		grants.Open(&Viewer{Consumer: "c", Key: "k", KeySecret: 1}, old)
		grants.Open(b.viewers["l"], other)

		recheck := func(key string, want error) {
			t.Helper()
			if err := grants.Recheck(t.Context(), key); !errors.Is(err, want) {
				t.Errorf("%v, want %v", err, want)
			}
		}
		recheck("k", nil) // one secret of the key is gone
		if b.asked != 2 {
			t.Errorf("asked %d times about two secrets", b.asked)
		}
		first.expect(t)
		old.expect(t, "0s "+ErrRevoked.Error())

		b.viewers["k"] = &Viewer{Consumer: "c", Key: "k", KeySecret: 2, Scopes: []string{"a"}}
		b.down = errors.New("the database is away")
		recheck("k", b.down)
		first.expect(t)
		b.down = nil
		recheck("k", nil)
		first.expect(t, "0s [a]")
		second.expect(t, "0s [a]")

		b.viewers["k"] = &Viewer{Consumer: "c", Key: "k", KeySecret: 2, Scopes: []string{"a"}, Expires: time.Now().Add(time.Minute)}
		recheck("k", nil)
		time.Sleep(time.Hour)
		first.expect(t, "0s [a]", "1m0s "+ErrExpired.Error())
		other.expect(t)

		b.viewers["l"] = &Viewer{Consumer: "somebody else", Key: "l", KeySecret: 1}
		if err := grants.RecheckAll(t.Context()); err != nil {
			t.Fatal(err)
		}
		other.expect(t, "1h0m0s "+ErrRevoked.Error())
	})
}

func TestARenewalElsewhereExtendsIdenticalViewers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		grants := NewGrants(&book{})
		in := func(d time.Duration) time.Time { return time.Now().Add(d) }
		ann := Viewer{Consumer: "c", Subject: "ann", Scopes: []string{"a"}, Expires: in(time.Minute)}
		bob, less, keyed := ann, ann, ann
		bob.Subject, less.Scopes, keyed.Key = "bob", nil, "k"
		twin := ann
		var holders []*holder
		for _, v := range []*Viewer{&ann, &twin, &bob, &less, &keyed} {
			h := newHolder()
			holders = append(holders, h)
			grants.Open(v, h)
		}
		fresh := ann
		fresh.Expires = in(time.Hour)
		if n := grants.Extend(fresh.Renewal()); n != 2 {
			t.Errorf("%d were extended, want 2", n)
		}
		older := ann
		older.Expires = in(time.Second)
		grants.Extend(older.Renewal()) // nothing is ever shortened
		time.Sleep(24 * time.Hour)
		for i, want := range []string{"1h0m0s", "1h0m0s", "1m0s", "1m0s", "1m0s"} {
			holders[i].expect(t, want+" "+ErrExpired.Error())
		}
	})
}

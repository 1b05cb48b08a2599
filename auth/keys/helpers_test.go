package keys_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/auth"
	"github.com/sluice-gateway/sluice/auth/keys"
	"github.com/sluice-gateway/sluice/auth/keys/keystest"
)

// A bench is a manager on a store in memory, with a clock that only the test moves.
type bench struct {
	*keys.Manager
	t         *testing.T
	store     *keystest.Memory
	now       time.Time
	announced []string // ids
	deaf      error    // what announcing fails with
}

func newBench(t *testing.T) *bench {
	b := &bench{t: t, store: new(keystest.Memory), now: time.Date(2026, time.November, 21, 12, 0, 0, 0, time.UTC)}
	b.Manager = keys.New(b.store, keys.Options{
		Pepper: []byte("the pepper of the tests"),
		Now:    func() time.Time { return b.now },
		Announce: func(ctx context.Context, id string) error {
			if ctx.Err() != nil {
				t.Error("the announcement has the caller's context")
			}
			b.announced = append(b.announced, id)
			return b.deaf
		},
		CheckTopic: func(topic string) error {
			if strings.Contains(topic, " ") {
				return errors.New("topics have no spaces")
			}
			return nil
		},
	})
	return b
}

var shop = keys.Key{Name: "Web shop", Consumer: "shop", Scopes: []string{"a", "b"}, Publish: []string{"price.*"}, Plan: "gold"}

func (b *bench) create(k keys.Key) (*keys.Key, string) {
	b.t.Helper()
	made, text, err := b.Create(b.t.Context(), k)
	if err != nil {
		b.t.Fatal(err)
	}
	return made, text
}

func (b *bench) rotate(id string, grace time.Duration) string {
	b.t.Helper()
	_, text, err := b.Rotate(b.t.Context(), id, grace)
	if err != nil {
		b.t.Fatal(err)
	}
	return text
}

// viewer authenticates with a key that must be good.
func (b *bench) viewer(text string) *auth.Viewer {
	b.t.Helper()
	v, err := b.Authenticate(b.t.Context(), auth.Credentials{Token: text})
	if err != nil {
		b.t.Fatal(err)
	}
	return v
}

// worthless fails the test unless a key, and whoever came with it before, is refused.
func (b *bench) worthless(text string, before *auth.Viewer) {
	b.t.Helper()
	if v, err := b.Authenticate(b.t.Context(), auth.Credentials{Token: text}); v != nil || !errors.Is(err, auth.ErrBadCredentials) {
		b.t.Errorf("the key makes %+v (%v)", v, err)
	} else {
		silent(b.t, err, text)
	}
	if v, err := b.Recheck(b.t.Context(), before); v != nil || !errors.Is(err, auth.ErrBadCredentials) {
		b.t.Errorf("the viewer is %+v (%v)", v, err)
	}
}

// refused fails the test unless err is the caller's mistake, told in words that contain want.
func refused(t *testing.T, err error, want string) {
	t.Helper()
	var mistake *keys.InputError
	if !errors.As(err, &mistake) || !strings.Contains(mistake.Message, want) {
		t.Errorf("the error is %v, want an InputError with %q", err, want)
	}
}

// silent fails the test if an error shows anything of a key's secret.
func silent(t *testing.T, err error, text string) {
	t.Helper()
	parts := strings.Split(text, "_")
	if err != nil && strings.Contains(err.Error(), parts[len(parts)-1]) {
		t.Errorf("the error shows the secret: %v", err)
	}
}

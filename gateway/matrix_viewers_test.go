package gateway_test

import (
	"context"
	"sync"

	"github.com/sluice-gateway/sluice/auth"
)

// viewers is an auth.Authenticator whose keys are their own ids, and change while sessions are open.
type viewers struct {
	mu      sync.Mutex // guards what follows
	byKey   map[string]*auth.Viewer
	checked map[string]int // how often, by key
}

func newViewers() *viewers {
	return &viewers{byKey: make(map[string]*auth.Viewer), checked: make(map[string]int)}
}

// Authenticate implements auth.Authenticator.
func (vs *viewers) Authenticate(_ context.Context, c auth.Credentials) (*auth.Viewer, error) {
	if c.None() {
		return auth.Anonymous, nil
	}
	return vs.find(c.Token)
}

// Recheck implements auth.Rechecker.
func (vs *viewers) Recheck(_ context.Context, v *auth.Viewer) (*auth.Viewer, error) {
	vs.mu.Lock()
	vs.checked[v.Key]++
	vs.mu.Unlock()
	return vs.find(v.Key)
}

// checks is how often sessions of a key were checked.
func (vs *viewers) checks(key string) int {
	vs.mu.Lock()
	defer vs.mu.Unlock()
	return vs.checked[key]
}

func (vs *viewers) find(key string) (*auth.Viewer, error) {
	vs.mu.Lock()
	defer vs.mu.Unlock()
	if v := vs.byKey[key]; v != nil {
		return v, nil
	}
	return nil, auth.ErrBadCredentials
}

// set makes a key that of a viewer with every right, or with none that a directive asks for.
func (vs *viewers) set(key, subject string, rights bool) {
	v := &auth.Viewer{
		Consumer: "shop", Subject: subject, Key: key,
		Scopes: []string{"read"}, // one of two does not suffice
		Claims: map[string]any{"tenant": "shed", "owns": []any{"shed"}},
	}
	if rights {
		v.Scopes = []string{"vault", "read"}
		v.Claims = map[string]any{"tenant": "vault", "owns": []any{"shed", "vault"}}
	}
	vs.mu.Lock()
	defer vs.mu.Unlock()
	vs.byKey[key] = v
}

func (vs *viewers) revoke(key string) {
	vs.mu.Lock()
	defer vs.mu.Unlock()
	delete(vs.byKey, key)
}

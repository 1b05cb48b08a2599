package transporttest

import (
	"context"
	"sync"

	"github.com/sluice-gateway/sluice/auth"
)

// Viewers is an auth.Authenticator and auth.Rechecker whose credentials a test gives out, changes and
// takes back. Who stands on them learns of it by a recheck. It is safe for concurrent use.
type Viewers struct {
	// Before, where it is set, runs before credentials are looked at. It is set while nobody asks.
	Before func(auth.Credentials)

	mu      sync.Mutex // guards what follows
	byToken map[string]*auth.Viewer
	away    error
}

// NewViewers makes an empty set: no token is worth anything.
func NewViewers() *Viewers { return &Viewers{byToken: make(map[string]*auth.Viewer)} }

// Set says whose a token is from now on; nobody's, if viewer is nil.
func (v *Viewers) Set(token string, viewer *auth.Viewer) {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.byToken, token)
	if viewer != nil {
		v.byToken[token] = viewer
	}
}

// Away makes every check fail with an error, from now on; nil ends that.
func (v *Viewers) Away(err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.away = err
}

// Authenticate implements auth.Authenticator.
func (v *Viewers) Authenticate(_ context.Context, c auth.Credentials) (*auth.Viewer, error) {
	if c.None() {
		return auth.Anonymous, nil
	}
	if v.Before != nil {
		v.Before(c)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.away != nil {
		return nil, v.away
	}
	if viewer := v.byToken[c.Token]; viewer != nil {
		return viewer, nil
	}
	return nil, auth.ErrBadCredentials
}

// Recheck implements auth.Rechecker, by the viewer's key.
func (v *Viewers) Recheck(_ context.Context, was *auth.Viewer) (*auth.Viewer, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.away != nil {
		return nil, v.away
	}
	for _, viewer := range v.byToken {
		if viewer.Key == was.Key {
			return viewer, nil
		}
	}
	return nil, auth.ErrBadCredentials
}

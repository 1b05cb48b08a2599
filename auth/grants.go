package auth

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// Why a grant ends.
var (
	ErrExpired = errors.New("auth: the credentials have expired")
	ErrRevoked = errors.New("auth: the key was revoked")
)

// ErrOtherViewer reports a renewal with the credentials of somebody else.
var ErrOtherViewer = errors.New("auth: these are the credentials of another viewer")

// A Holder has a grant: an open session. Its methods are called one at a time. They must not block
// and must not call the grant.
type Holder interface {
	// Changed tells that the viewer has other rights from now on; it is the same person.
	Changed(v *Viewer)
	// Ended tells that the credentials are worth nothing any more: ErrExpired or ErrRevoked. It is
	// the last call.
	Ended(why error)
}

// Grants are what the open sessions of a node stand on. Credentials are checked when a session
// opens; Grants sees to it that they stay good for as long as it lasts.
type Grants struct {
	authn Authenticator

	mu       sync.Mutex // guards what follows; nothing is called with it held
	byKey    map[string]map[*Grant]struct{}
	byPerson map[person]map[*Grant]struct{} // of viewers who came without a key
}

// A person is what Viewer.Is compares.
type person struct{ issuer, consumer, subject string }

// NewGrants makes an empty set. authn is asked when credentials are renewed and, if it is a
// Rechecker, when keys have changed.
func NewGrants(authn Authenticator) *Grants {
	return &Grants{
		authn:    authn,
		byKey:    make(map[string]map[*Grant]struct{}),
		byPerson: make(map[person]map[*Grant]struct{}),
	}
}

// A Grant is a viewer whose rights can change while a session lasts.
type Grant struct {
	grants *Grants
	holder Holder
	viewer atomic.Pointer[Viewer]

	turn  sync.Mutex  // held while the viewer is replaced and the holder told; guards what follows
	timer *time.Timer // fires when the viewer expires; nil: it does not
	hash  string      // of the viewer's identity, once somebody has asked for it
	over  bool
}

// Open makes a grant for a session, which its holder closes with the session. The viewer of
// credentials that are good for ever needs no watch.
func (g *Grants) Open(v *Viewer, holder Holder) *Grant {
	grant := &Grant{grants: g, holder: holder}
	grant.viewer.Store(v)
	grant.turn.Lock()
	defer grant.turn.Unlock()
	g.index(grant, v)
	grant.watchLocked(v)
	return grant
}

// Viewer is who is calling, now.
func (grant *Grant) Viewer() *Viewer { return grant.viewer.Load() }

// Renew replaces the credentials by fresh ones of the same person. Its error wraps ErrBadCredentials
// or is ErrOtherViewer, or says that they could not be checked; then everything stays as it was.
func (grant *Grant) Renew(ctx context.Context, c Credentials) error {
	if c.None() {
		return ErrBadCredentials
	}
	v, err := grant.grants.authn.Authenticate(ctx, c)
	if err != nil {
		return err
	}
	grant.turn.Lock()
	defer grant.turn.Unlock()
	if grant.over {
		return ErrBadCredentials
	}
	if !v.Is(grant.Viewer()) {
		return ErrOtherViewer
	}
	grant.replaceLocked(v)
	return nil
}

// Close ends the watch. The holder may still be told something that is under way, and nothing after.
func (grant *Grant) Close() {
	grant.turn.Lock()
	defer grant.turn.Unlock()
	grant.closeLocked()
}

func (grant *Grant) closeLocked() {
	if grant.over {
		return
	}
	grant.over = true
	if grant.timer != nil {
		grant.timer.Stop()
	}
	grant.grants.forget(grant, grant.Viewer())
}

// identityLocked is the hash of what the viewer is. A consumer with thousands of sessions renews them
// all at once.
func (grant *Grant) identityLocked(v *Viewer) string {
	if grant.hash == "" {
		grant.hash = hash(v)
	}
	return grant.hash
}

func (grant *Grant) replaceLocked(v *Viewer) {
	old := grant.viewer.Swap(v)
	grant.grants.forget(grant, old)
	grant.grants.index(grant, v)
	grant.watchLocked(v)
	if v.Identity() != old.Identity() {
		grant.hash = ""
		grant.holder.Changed(v)
	}
}

func (grant *Grant) endLocked(why error) {
	grant.closeLocked()
	grant.holder.Ended(why)
}

func (grant *Grant) watchLocked(v *Viewer) {
	switch {
	case v.Expires.IsZero() && grant.timer != nil:
		grant.timer.Stop()
	case v.Expires.IsZero():
	case grant.timer == nil:
		grant.timer = time.AfterFunc(time.Until(v.Expires), grant.expire)
	default:
		grant.timer.Reset(time.Until(v.Expires))
	}
}

// expire ends the grant if it has not been renewed meanwhile.
func (grant *Grant) expire() {
	grant.turn.Lock()
	defer grant.turn.Unlock()
	switch v := grant.Viewer(); {
	case grant.over:
	case v.ExpiredAt(time.Now()):
		grant.endLocked(ErrExpired)
	default:
		grant.watchLocked(v)
	}
}

// recheck compares the grant with what its viewer's credentials are worth now.
func (grant *Grant) recheck(was, now *Viewer, err error) {
	grant.turn.Lock()
	defer grant.turn.Unlock()
	switch v := grant.Viewer(); {
	case grant.over || v != was: // renewed meanwhile
	case errors.Is(err, ErrExpired):
		grant.endLocked(ErrExpired)
	case errors.Is(err, ErrBadCredentials):
		grant.endLocked(ErrRevoked)
	case err == nil && now.ExpiredAt(time.Now()):
		grant.endLocked(ErrExpired)
	case err == nil && !now.Is(was):
		grant.endLocked(ErrRevoked)
	case err == nil && now != was:
		grant.replaceLocked(now)
	}
}

// Recheck asks what a key is worth now, and tells whoever stands on it. Its error says why that
// could not be found out; then everything stays as it was.
func (g *Grants) Recheck(ctx context.Context, key string) error {
	return g.recheckAll(ctx, g.of(key))
}

// RecheckAll does Recheck for every key that somebody stands on, and ends what the clock says has
// expired, should a timer have missed it because the clock was set.
func (g *Grants) RecheckAll(ctx context.Context) error {
	return g.recheckAll(ctx, g.all())
}

func (g *Grants) recheckAll(ctx context.Context, grants []*Grant) error {
	type secret struct {
		key    string
		number int
	}
	type answer struct {
		viewer *Viewer
		err    error
	}
	known := make(map[secret]answer)
	var failed error
	for _, grant := range grants {
		v := grant.Viewer()
		if v.Key == "" {
			grant.recheck(v, v, nil)
			continue
		}
		at := secret{v.Key, v.KeySecret}
		found, ok := known[at]
		if !ok {
			found.viewer, found.err = v, nil
			if r, ok := g.authn.(Rechecker); ok {
				found.viewer, found.err = r.Recheck(ctx, v)
			}
			known[at] = found
		}
		if found.err != nil && !errors.Is(found.err, ErrBadCredentials) {
			failed = found.err
		}
		grant.recheck(v, found.viewer, found.err)
	}
	return failed
}

// Extend renews whoever the renewal is about on this node, and says how many sessions that were.
func (g *Grants) Extend(r Renewal) int {
	extended := 0
	for _, grant := range g.like(r) {
		if grant.extend(r) {
			extended++
		}
	}
	return extended
}

// extend changes the time of the grant, and nothing else; it never shortens it.
func (grant *Grant) extend(r Renewal) bool {
	grant.turn.Lock()
	defer grant.turn.Unlock()
	now := grant.Viewer()
	if grant.over || grant.identityLocked(now) != r.Identity {
		return false
	}
	if now.Expires.Before(r.Expires) {
		v := *now
		v.Expires = r.Expires
		grant.viewer.Store(&v) // identical but for the time, so nobody is told
		grant.watchLocked(&v)
	}
	return true
}

// Len is how many sessions are watched: those whose credentials are a key, or do not last for ever.
func (g *Grants) Len() int { return len(g.all()) }

func (g *Grants) index(grant *Grant, v *Viewer) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case v.Key != "":
		add(g.byKey, v.Key, grant)
	case !v.Expires.IsZero():
		add(g.byPerson, personOf(v), grant)
	}
}

func (g *Grants) forget(grant *Grant, v *Viewer) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if v.Key != "" {
		remove(g.byKey, v.Key, grant)
		return
	}
	remove(g.byPerson, personOf(v), grant)
}

func personOf(v *Viewer) person { return person{v.Issuer, v.Consumer, v.Subject} }

func add[K comparable](index map[K]map[*Grant]struct{}, key K, grant *Grant) {
	if index[key] == nil {
		index[key] = make(map[*Grant]struct{})
	}
	index[key][grant] = struct{}{}
}

func remove[K comparable](index map[K]map[*Grant]struct{}, key K, grant *Grant) {
	delete(index[key], grant)
	if len(index[key]) == 0 {
		delete(index, key)
	}
}

func (g *Grants) of(key string) []*Grant {
	g.mu.Lock()
	defer g.mu.Unlock()
	return list(nil, g.byKey[key])
}

func (g *Grants) like(r Renewal) []*Grant {
	g.mu.Lock()
	defer g.mu.Unlock()
	return list(nil, g.byPerson[person{r.Issuer, r.Consumer, r.Subject}])
}

func (g *Grants) all() []*Grant {
	g.mu.Lock()
	defer g.mu.Unlock()
	var all []*Grant
	for _, grants := range g.byKey {
		all = list(all, grants)
	}
	for _, grants := range g.byPerson {
		all = list(all, grants)
	}
	return all
}

func list(all []*Grant, grants map[*Grant]struct{}) []*Grant {
	for grant := range grants {
		all = append(all, grant)
	}
	return all
}

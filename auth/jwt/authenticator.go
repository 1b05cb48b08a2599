// Package jwt turns JSON Web Tokens into viewers.
//
// A token is believed when a configured issuer has signed it, for us, and it is good now. Which
// issuer, which keys and which algorithms is what the operator wrote: nothing in a token chooses a
// URL, a key outside its issuer's, or an algorithm outside the issuer's list. The keys of an issuer
// are a secret, public keys, or a JSON Web Key Set that is fetched and kept fresh.
//
// An error never holds any part of a token. The package knows neither GraphQL nor where a token
// stands in a request. Everything here is safe for concurrent use.
package jwt

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/sluice-gateway/sluice/auth"
)

// Options are what New does not have to be told. The zero Options works.
type Options struct {
	// Client fetches key sets. It follows redirects only to the host that it was sent to, whatever
	// its own CheckRedirect says. Nil means one like http.DefaultClient, with its own connections.
	Client *http.Client

	// Refresh is how old a key set gets before it is fetched again, in use. It is at least 30 s and
	// at most 30 min; 0 means 60 s.
	Refresh time.Duration

	// Log gets one line when a key set cannot be fetched any more and one when it can again. Nil
	// means slog.Default.
	Log *slog.Logger
}

func (o Options) withDefaults() Options {
	if o.Refresh == 0 {
		o.Refresh = time.Minute
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return o
}

func (o Options) check() error {
	if o.Refresh < minRefresh || o.Refresh > maxRefresh {
		return fmt.Errorf("jwt: key sets cannot be refreshed every %s; choose %s to %s", o.Refresh, minRefresh, maxRefresh)
	}
	return nil
}

// An Authenticator is an auth.Authenticator over the tokens of some issuers.
type Authenticator struct {
	issuers map[string]*issuer // by name
	known   known

	stop    context.CancelFunc
	running sync.WaitGroup // the loops of the key sets
	hangUp  func()         // closes the connections to their servers
}

var _ auth.Authenticator = (*Authenticator)(nil)

// New makes an authenticator of issuers that pass Check. It waits for no key set: they are fetched
// in the background, and by the first token that finds none, so an issuer that is away only keeps
// its own viewers out. Close ends the fetching.
func New(issuers []Issuer, o Options) (*Authenticator, error) {
	o = o.withDefaults()
	if err := errors.Join(o.check(), Check(issuers)); err != nil {
		return nil, err
	}
	a := &Authenticator{issuers: make(map[string]*issuer, len(issuers))}
	client, hangUp := fetcher(o.Client)
	ctx, stop := context.WithCancel(context.Background())
	a.stop, a.hangUp = stop, hangUp
	for _, given := range issuers {
		keys, _ := given.check()
		checked := &issuer{Issuer: given.withDefaults(), keys: keys}
		if given.JWKS != "" {
			set := newKeySet(given.Name, given.JWKS, client, o)
			a.running.Go(func() { set.run(ctx) })
			checked.keys = set
		}
		a.issuers[given.Name] = checked
	}
	return a, nil
}

// Close ends the fetching of key sets and waits for it. It may be called twice. What was fetched
// can be used until it is too old.
func (a *Authenticator) Close() {
	a.stop()
	a.running.Wait()
	a.hangUp()
}

// Authenticate implements auth.Authenticator. What does not look like a signed token is
// auth.ErrOtherKind, so that API keys may stand beside. The viewer expires when the token does, the
// issuer's leeway included. A token whose keys cannot be fetched is neither good nor bad: the error
// then does not wrap auth.ErrBadCredentials. ctx bounds the wait for keys.
func (a *Authenticator) Authenticate(ctx context.Context, c auth.Credentials) (*auth.Viewer, error) {
	switch {
	case c.None():
		return auth.Anonymous, nil
	case len(c.Token) > maxToken:
		return nil, refuse("the token is longer than 8 KiB")
	case !looksSigned(c.Token):
		return nil, auth.ErrOtherKind
	}
	hash := sha256.Sum256([]byte(c.Token))
	if v := a.known.find(hash, time.Now()); v != nil {
		return v, nil
	}
	v, err := a.read(ctx, c.Token)
	if err == nil {
		a.known.add(hash, v, time.Now())
	}
	return v, err
}

// read checks a token that looksSigned.
func (a *Authenticator) read(ctx context.Context, text string) (*auth.Viewer, error) {
	t, err := parse(text)
	if err != nil {
		return nil, err
	}
	name, err := t.claims.text("iss")
	if err != nil {
		return nil, err
	}
	issuer, ok := a.issuers[name]
	if !ok {
		return nil, refuse("the token's issuer is not configured")
	}
	if err := issuer.verify(ctx, t); err != nil {
		return nil, err
	}
	return issuer.viewer(t.claims, time.Now())
}

package jwt

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"
)

const (
	fetchTimeout = time.Second
	fetchWindow  = 30 * time.Second // in which a set is fetched twice at most, whatever asks for it
	maxStale     = time.Hour        // how long a set is used that cannot be fetched again
	idleAfter    = 10 * time.Minute // how long a set is kept fresh that no token needs

	// More often than minRefresh, refreshing would leave no fetch to tokens with a new key.
	minRefresh = fetchWindow
	maxRefresh = maxStale / 2
)

// A keySet is the keyring of an issuer who publishes a JSON Web Key Set. It belongs to one issuer,
// so that no other's key can have the same id. Whatever needs a fetch asks for it and waits; one
// goroutine, run, does the fetching.
type keySet struct {
	issuer  string
	url     string
	client  *http.Client
	refresh time.Duration
	log     *slog.Logger
	wanted  chan struct{} // holds one: somebody waits

	mu       sync.Mutex // guards what follows
	keys     []key
	fetched  time.Time     // when keys were
	checked  time.Time     // when the last fetch that has ended began
	failure  error         // of that fetch
	attempts [2]time.Time  // when the last two fetches began
	used     time.Time     // when a token last needed a key
	waiting  chan struct{} // closed when the fetch that is asked for or under way has ended; nil: there is none
	closed   bool
}

func newKeySet(issuer, url string, client *http.Client, o Options) *keySet {
	return &keySet{
		issuer: issuer, url: url, client: client, refresh: o.Refresh, log: o.Log,
		wanted: make(chan struct{}, 1),
		used:   time.Now(),
	}
}

// find implements keyring. It waits for a fetch if the set does not have the key, or is older than
// it should be because nobody has used it. While fetches fail, keys that are known are found at once.
func (s *keySet) find(ctx context.Context, id, algorithm string) ([]key, error) {
	for asked := time.Now(); ; {
		keys, settled, err := s.look(asked, id, algorithm)
		if settled {
			return keys, err
		}
		if err := s.await(ctx); err != nil {
			return nil, fmt.Errorf("jwt: wait for the keys of %s: %w", s.issuer, err)
		}
	}
}

// look answers from what is known. It is not settled if a fetch may tell more: one that began before
// the question may not know what the token knows.
func (s *keySet) look(asked time.Time, id, algorithm string) (keys []key, settled bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	s.used = now
	usable := now.Sub(s.fetched) <= maxStale
	if usable {
		keys = fitting(s.keys, id, algorithm)
	}
	switch {
	case len(keys) > 0 && now.Sub(s.checked) <= s.refresh+fetchTimeout:
		return keys, true, nil
	case s.checked.Before(asked) && (s.waiting != nil || s.mayFetchLocked(now)):
		return nil, false, nil
	case len(keys) > 0:
		return keys, true, nil
	case usable && s.failure == nil:
		return nil, true, errNoKey
	case s.failure == nil:
		return nil, true, fmt.Errorf("jwt: the keys of %s have not been fetched", s.issuer)
	}
	return nil, true, fmt.Errorf("jwt: the keys of %s cannot be fetched: %w", s.issuer, s.failure)
}

func (s *keySet) mayFetchLocked(now time.Time) bool {
	return !s.closed && now.Sub(s.attempts[0]) >= fetchWindow
}

// await asks for a fetch, unless one is under way or there may be none, and waits for its end.
func (s *keySet) await(ctx context.Context) error {
	ended := s.ask()
	if ended == nil {
		return nil
	}
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (s *keySet) ask() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.waiting == nil && s.mayFetchLocked(time.Now()) {
		s.waiting = make(chan struct{})
		s.wanted <- struct{}{} // does not block: endLocked has emptied it
	}
	return s.waiting
}

// run fetches the set at once, when it is asked to, and before it gets old, until ctx is done.
func (s *keySet) run(ctx context.Context) {
	defer s.close()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		needed := true
		select {
		case <-ctx.Done():
			return
		case <-s.wanted:
		case <-timer.C:
			needed = s.inUse()
		}
		if needed {
			s.fetchOnce(ctx)
		}
		timer.Reset(s.pause())
	}
}

func (s *keySet) inUse() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Since(s.used) <= idleAfter
}

// pause is how long the set may rest. It varies, so that nodes that were started together do not
// ask together.
func (s *keySet) pause() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failure != nil {
		return fetchWindow / 2
	}
	return s.refresh - rand.N(s.refresh/10)
}

func (s *keySet) fetchOnce(ctx context.Context) {
	began, ok := s.begin()
	if !ok {
		return
	}
	keys, err := s.fetch(ctx)
	before := s.end(began, keys, err)
	switch {
	case ctx.Err() != nil:
	case err != nil && before == nil:
		s.log.WarnContext(ctx, "the keys of a token issuer cannot be fetched, trying again", "issuer", s.issuer, "error", err)
	case err == nil && before != nil:
		s.log.InfoContext(ctx, "the keys of a token issuer are fetched again", "issuer", s.issuer, "keys", len(keys))
	default:
		s.log.DebugContext(ctx, "the keys of a token issuer were asked for", "issuer", s.issuer, "keys", len(keys), "error", err)
	}
}

func (s *keySet) begin() (time.Time, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if !s.mayFetchLocked(now) {
		return now, false
	}
	s.attempts = [2]time.Time{s.attempts[1], now}
	if s.waiting == nil {
		s.waiting = make(chan struct{})
	}
	return now, true
}

// end returns how the fetch before has failed.
func (s *keySet) end(began time.Time, keys []key, err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.failure
	s.checked, s.failure = began, err
	if err == nil {
		s.keys, s.fetched = keys, began
	}
	s.endLocked()
	return before
}

// endLocked answers everybody who waits.
func (s *keySet) endLocked() {
	if s.waiting != nil {
		close(s.waiting)
		s.waiting = nil
	}
	select {
	case <-s.wanted:
	default:
	}
}

var errClosed = errors.New("the authenticator is closed")

func (s *keySet) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed, s.failure = true, errClosed
	s.endLocked()
}

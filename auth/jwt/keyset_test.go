package jwt

import (
	"bytes"
	"context"
	"crypto"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	gojwt "github.com/golang-jwt/jwt/v5"

	"github.com/sluice-gateway/sluice/auth"
)

// A site is the servers of key sets, without a network.
type site struct {
	mu      sync.Mutex // guards what follows
	answers map[string]func(*http.Request) (*http.Response, error)
	fetches map[string][]time.Time // by URL
}

func newSite() *site {
	return &site{
		answers: make(map[string]func(*http.Request) (*http.Response, error)),
		fetches: make(map[string][]time.Time),
	}
}

func (s *site) client() *http.Client { return &http.Client{Transport: s} }

func (s *site) RoundTrip(r *http.Request) (*http.Response, error) {
	url := r.URL.String()
	s.mu.Lock()
	s.fetches[url] = append(s.fetches[url], time.Now())
	answer := s.answers[url]
	s.mu.Unlock()
	if answer == nil {
		return nil, errors.New("nobody is there")
	}
	return answer(r)
}

func (s *site) set(url string, answer func(*http.Request) (*http.Response, error)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers[url] = answer
}

func (s *site) serve(url, body string) { s.set(url, answer(http.StatusOK, body)) }

func (s *site) count(url string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.fetches[url])
}

func answer(status int, body string) func(*http.Request) (*http.Response, error) {
	return func(r *http.Request) (*http.Response, error) {
		return &http.Response{
			StatusCode: status, Header: http.Header{}, Request: r,
			Body: io.NopCloser(strings.NewReader(body)),
		}, nil
	}
}

// after answers late, unless the request is given up before.
func after(d time.Duration, then func(*http.Request) (*http.Response, error)) func(*http.Request) (*http.Response, error) {
	return func(r *http.Request) (*http.Response, error) {
		select {
		case <-time.After(d):
			return then(r)
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
}

const (
	aName, aURL = "https://a.example/", "https://a.example/jwks"
	bName, bURL = "https://b.example/", "https://b.example/jwks"
)

func published(name, url string, algorithms ...string) Issuer {
	return Issuer{Name: name, Audiences: []string{"sluice"}, Algorithms: algorithms, JWKS: url}
}

func (s *site) options() Options {
	o := silent()
	o.Client = s.client()
	return o
}

func signed(method gojwt.SigningMethod, k crypto.Signer, id, issuer string) string {
	header := map[string]any{}
	if id != "" {
		header["kid"] = id
	}
	return sign(method, k, header, with(goodClaims(issuer), "exp", time.Now().Add(24*time.Hour).Unix()))
}

func edSigned(id string) string { return signed(gojwt.SigningMethodEdDSA, edKey(), id, aName) }
func otherEdSigned(id string) string {
	return signed(gojwt.SigningMethodEdDSA, otherEdKey(), id, aName)
}

// inBubble runs a test where time costs nothing, with an issuer who publishes one key.
func inBubble(t *testing.T, test func(t *testing.T, s *site, a *Authenticator)) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite()
		s.serve(aURL, jwks(jwk("one", edKey())))
		a := open(t, s.options(), published(aName, aURL, "EdDSA"))
		synctest.Wait()
		test(t, s, a)
	})
}

func TestKeySetIsFetchedBeforeItIsNeeded(t *testing.T) {
	inBubble(t, func(t *testing.T, s *site, a *Authenticator) {
		for range 1000 {
			accepts(t, a, edSigned("one"))
		}
		if n := s.count(aURL); n != 1 {
			t.Errorf("%d fetches", n)
		}
	})
}

func TestTokenThatComesBeforeTheKeySetWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite()
		s.set(aURL, after(900*time.Millisecond, answer(http.StatusOK, jwks(jwk("one", edKey())))))
		a := open(t, s.options(), published(aName, aURL, "EdDSA"))
		token := edSigned("one")
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() { accepts(t, a, token) })
		}
		all.Wait()
		if n := s.count(aURL); n != 1 {
			t.Errorf("%d fetches for tokens that came together", n)
		}
	})
}

func TestRotation(t *testing.T) {
	inBubble(t, func(t *testing.T, s *site, a *Authenticator) {
		time.Sleep(5 * time.Second)
		s.serve(aURL, jwks(jwk("one", edKey()), jwk("two", otherEdKey())))
		accepts(t, a, otherEdSigned("two"))
		accepts(t, a, edSigned("one"))
		if n := s.count(aURL); n != 2 {
			t.Errorf("%d fetches", n)
		}
		s.serve(aURL, jwks(jwk("two", otherEdKey())))
		time.Sleep(61 * time.Second) // in which the set is refreshed
		accepts(t, a, otherEdSigned("two"))
		refuses(t, a, edSigned("one"), "none of its issuer's")
	})
}

// A fetch that began before the rotation does not answer for the one after.
func TestRotationDuringAFetch(t *testing.T) {
	inBubble(t, func(t *testing.T, s *site, a *Authenticator) {
		time.Sleep(31 * time.Second)
		s.set(aURL, after(900*time.Millisecond, answer(http.StatusOK, jwks(jwk("one", edKey())))))
		var early sync.WaitGroup
		early.Go(func() { refuses(t, a, forged(1), "none of its issuer's") })
		time.Sleep(500 * time.Millisecond)
		s.serve(aURL, jwks(jwk("one", edKey()), jwk("two", otherEdKey())))
		accepts(t, a, otherEdSigned("two"))
		early.Wait()
	})
}

func TestFloodOfUnknownKeys(t *testing.T) {
	inBubble(t, func(t *testing.T, s *site, a *Authenticator) {
		began := time.Now()
		for i := range 10_000 {
			if i%100 == 99 {
				time.Sleep(time.Second) // 100 tokens a second, for 100 s
			}
			refuses(t, a, forged(i), "none of its issuer's")
		}
		accepts(t, a, edSigned("one"))
		fetches := s.fetches[aURL]
		for i := range fetches[2:] {
			if gap := fetches[i+2].Sub(fetches[i]); gap < 30*time.Second {
				t.Errorf("three fetches in %v", gap)
			}
		}
		if n, most := len(fetches), 2+2*int(time.Since(began)/(30*time.Second)); n > most || n < 3 {
			t.Errorf("%d fetches in %v, want 3 to %d", n, time.Since(began), most)
		}
	})
}

func TestFloodOfUnknownKeysAtOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, s *site, a *Authenticator) {
		time.Sleep(31 * time.Second)
		s.set(aURL, after(500*time.Millisecond, answer(http.StatusOK, jwks(jwk("one", edKey())))))
		before := s.count(aURL)
		var all sync.WaitGroup
		for i := range 1000 {
			token := forged(i)
			all.Go(func() { refuses(t, a, token, "none of its issuer's") })
		}
		all.Wait()
		if n := s.count(aURL) - before; n > 2 {
			t.Errorf("%d fetches", n)
		}
	})
}

// forged is a token that nobody has signed, with a key id that nobody has heard of.
func forged(i int) string {
	return segment(`{"alg":"EdDSA","kid":"`+strconv.Itoa(i)+`"}`) + "." + segment(marshal(goodClaims(aName))) + "." + segment("signature")
}

// What one issuer publishes is worth nothing to another, though the ids are the same.
func TestKeysOfAnotherIssuer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite()
		s.serve(aURL, jwks(jwk("one", edKey())))
		s.serve(bURL, jwks(jwk("one", otherEdKey()), jwk("two", otherEdKey())))
		a := open(t, s.options(), published(aName, aURL, "EdDSA"), published(bName, bURL, "EdDSA"))
		accepts(t, a, edSigned("one"))
		accepts(t, a, signed(gojwt.SigningMethodEdDSA, otherEdKey(), "one", bName))
		refuses(t, a, otherEdSigned("one"), "signature")
		refuses(t, a, otherEdSigned("two"), "none of its issuer's")
		refuses(t, a, otherEdSigned(""), "signature")
		refuses(t, a, signed(gojwt.SigningMethodEdDSA, edKey(), "one", bName), "signature")
	})
}

// No URL but the configured one is ever asked.
func TestURLsInATokenAreNotFetched(t *testing.T) {
	inBubble(t, func(t *testing.T, s *site, a *Authenticator) {
		s.serve("https://mallory.example/jwks", jwks(jwk("one", otherEdKey()), jwk("evil", otherEdKey())))
		for _, id := range []string{"one", "evil"} {
			header := map[string]any{"kid": id, "jwk": jwk(id, otherEdKey())}
			for _, parameter := range []string{"jku", "x5u"} {
				header[parameter] = "https://mallory.example/jwks"
			}
			refuses(t, a, sign(gojwt.SigningMethodEdDSA, otherEdKey(), header, goodClaims(aName)), "")
		}
		for url := range s.fetches {
			if url != aURL {
				t.Errorf("%s was fetched", url)
			}
		}
	})
}

func TestKeySetServerIsAway(t *testing.T) {
	inBubble(t, func(t *testing.T, s *site, a *Authenticator) {
		var log bytes.Buffer
		a.setOf(aName).log = slog.New(slog.NewTextHandler(&log, nil))
		accepts(t, a, edSigned("one"))
		s.set(aURL, nil)
		token := edSigned("one")
		for range 58 { // minutes; the set was fetched a moment before they began
			time.Sleep(time.Minute)
			waits(t, 0, func() { accepts(t, a, token) })
		}
		cannotTell(t, a, otherEdSigned("two"), "nobody is there")
		time.Sleep(3 * time.Minute)
		cannotTell(t, a, token, "nobody is there")
		s.serve(aURL, jwks(jwk("one", edKey())))
		time.Sleep(16 * time.Second) // it is tried every 15 s
		accepts(t, a, token)
		synctest.Wait()
		if lines := strings.Count(log.String(), "\n"); lines != 2 {
			t.Errorf("%d lines in the log, want one each for away and back:\n%s", lines, &log)
		}
	})
}

func TestKeySetServerIsAwayAtStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite()
		a := open(t, s.options(), published(aName, aURL, "EdDSA"))
		cannotTell(t, a, edSigned("one"), "nobody is there")
		s.serve(aURL, jwks(jwk("one", edKey())))
		time.Sleep(30 * time.Second)
		accepts(t, a, edSigned("one"))
	})
}

func TestKeySetServerIsSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite()
		s.set(aURL, after(time.Minute, nil))
		a := open(t, s.options(), published(aName, aURL, "EdDSA"))
		token := edSigned("one")
		synctest.Wait()
		waits(t, time.Second, func() { cannotTell(t, a, token, "no answer within 1s") })
		waits(t, time.Second, func() { cannotTell(t, a, token, "no answer within 1s") })
		waits(t, 0, func() { cannotTell(t, a, token, "no answer within 1s") })
	})
}

// waits expects that something takes some time at most.
func waits(t *testing.T, most time.Duration, wait func()) {
	t.Helper()
	began := time.Now()
	wait()
	if took := time.Since(began); took > most {
		t.Errorf("it took %v", took)
	}
}

func TestCallerGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite()
		s.set(aURL, after(900*time.Millisecond, answer(http.StatusOK, jwks(jwk("one", edKey())))))
		a := open(t, s.options(), published(aName, aURL, "EdDSA"))
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		_, err := a.Authenticate(ctx, auth.Credentials{Token: edSigned("one")})
		if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, auth.ErrBadCredentials) {
			t.Errorf("error %v", err)
		}
		accepts(t, a, edSigned("one")) // the fetch went on for the others
		if n := s.count(aURL); n != 1 {
			t.Errorf("%d fetches", n)
		}
	})
}

func TestKeySetThatNobodyUsesRests(t *testing.T) {
	inBubble(t, func(t *testing.T, s *site, a *Authenticator) {
		accepts(t, a, edSigned("one"))
		time.Sleep(10*time.Minute + time.Second)
		rested := s.count(aURL)
		if rested < 10 || rested > 13 {
			t.Errorf("%d fetches in 10 minutes", rested)
		}
		time.Sleep(time.Hour)
		if n := s.count(aURL); n != rested {
			t.Errorf("%d fetches while nobody came", n-rested)
		}
		// The key was withdrawn meanwhile: who comes now is not let in by what was true long ago.
		s.serve(aURL, jwks(jwk("two", otherEdKey())))
		refuses(t, a, edSigned("one"), "none of its issuer's")
		accepts(t, a, otherEdSigned("two"))
	})
}

func TestClosedWhileATokenWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite()
		s.set(aURL, after(time.Minute, nil))
		a := open(t, s.options(), published(aName, aURL, "EdDSA"))
		token := edSigned("one")
		var waiting sync.WaitGroup
		waiting.Go(func() { cannotTell(t, a, token, "") })
		synctest.Wait()
		waits(t, 0, a.Close)
		waiting.Wait()
		cannotTell(t, a, token, "closed")
	})
}

// setOf is the key set of an issuer.
func (a *Authenticator) setOf(name string) *keySet {
	s, _ := a.issuers[name].keys.(*keySet)
	return s
}

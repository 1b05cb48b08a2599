package jwt

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
)

// An Issuer is somebody whose tokens are believed. Of Secret, PEM and JWKS exactly one is given.
type Issuer struct {
	Name       string   // what the tokens say as iss, exactly; at most 256 bytes
	Audiences  []string // a token's aud names one of these; at least one
	Algorithms []string // those the issuer signs with: HS256 to HS512 with Secret; RS, PS and ES256 to 512, EdDSA with the others

	Secret []byte   // at least 32 bytes, which the issuer signs with too
	PEM    [][]byte // contents of files, each one public key or certificate, of which only the key counts; at most 5
	JWKS   string   // the URL of a JSON Web Key Set: https, or http to this machine

	// Leeway is by how much the issuer's clock may differ from ours, at most 5 min; 0 means 30 s.
	Leeway time.Duration

	// ConsumerClaim names the claim that says to which application a token belongs; a token without
	// it is refused. Empty means client_id, or azp, or if a token has neither, the issuer's name.
	ConsumerClaim string
	// ScopesClaim names the claim that lists scopes, as an array or a string with spaces between
	// them. Empty means scope and scp together.
	ScopesClaim string
	// PlanClaim names the claim that says which plan applies; empty means plan.
	PlanClaim string
	// PublishClaim names the claim that lists the topics a viewer may publish to, as an array or a
	// string with spaces between them; empty means publish.
	PublishClaim string
}

const (
	minSecret = 32 // bytes: what is shorter can be guessed from one token
	maxKeys   = 5  // tried on one token, for each costs the time of a signature
	maxLeeway = 5 * time.Minute
)

func (i Issuer) withDefaults() Issuer {
	if i.Leeway == 0 {
		i.Leeway = 30 * time.Second
	}
	if i.PlanClaim == "" {
		i.PlanClaim = "plan"
	}
	if i.PublishClaim == "" {
		i.PublishClaim = "publish"
	}
	i.Audiences = slices.Clone(i.Audiences)
	i.Algorithms = slices.Clone(i.Algorithms)
	return i
}

// Check says everything that is wrong with a list of issuers, each by its place in the list. It
// fetches nothing.
func Check(issuers []Issuer) error {
	var bad []error
	names := make(map[string]bool, len(issuers))
	for at, i := range issuers {
		_, mistakes := i.check()
		if names[i.Name] {
			mistakes = append(mistakes, errors.New("the same name is listed before: give one issuer all that it needs"))
		}
		names[i.Name] = i.Name != ""
		for _, mistake := range mistakes {
			bad = append(bad, fmt.Errorf("issuers[%d] (%s): %w", at, i.title(), mistake))
		}
	}
	return errors.Join(bad...)
}

func (i Issuer) title() string {
	if i.Name == "" {
		return "without a name"
	}
	return i.Name
}

// check returns the issuer's keys, unless they must be fetched, and every mistake.
func (i Issuer) check() (fixedKeys, []error) {
	var bad []error
	mistake := func(format string, args ...any) { bad = append(bad, fmt.Errorf(format, args...)) }
	switch {
	case i.Name == "":
		mistake("name is missing: write what the tokens say as iss")
	case !isText(i.Name):
		mistake("name has more than %d bytes or characters that cannot be printed", maxText)
	}
	if len(i.Audiences) == 0 || slices.Contains(i.Audiences, "") {
		mistake("audiences are missing: write what the tokens say as aud when they are meant for this gateway")
	}
	if i.Leeway < 0 || i.Leeway > maxLeeway {
		mistake("leeway is %s; it is 0 to %s", i.Leeway, maxLeeway)
	}
	bad = append(bad, i.checkAlgorithms()...)
	keys, wrong := i.checkKeys()
	return keys, append(bad, wrong...)
}

func (i Issuer) checkAlgorithms() []error {
	var bad []error
	if len(i.Algorithms) == 0 {
		bad = append(bad, errors.New("algorithms are missing: write those that the issuer signs with, such as RS256"))
	}
	for _, name := range i.Algorithms {
		a, ok := algorithms[name]
		switch {
		case !ok:
			bad = append(bad, fmt.Errorf("algorithm %q is not known; known are %s", name, strings.Join(algorithmNames(), ", ")))
		case a.symmetric() && len(i.Secret) == 0:
			bad = append(bad, fmt.Errorf("algorithm %s needs a secret: with public keys, everybody who knows them could sign", name))
		case !a.symmetric() && len(i.Secret) > 0:
			bad = append(bad, fmt.Errorf("algorithm %s needs public keys, not a secret: write pem or jwks, or one of HS256, HS384, HS512", name))
		}
	}
	return bad
}

func (i Issuer) checkKeys() (fixedKeys, []error) {
	given := 0
	for _, is := range []bool{len(i.Secret) > 0, len(i.PEM) > 0, i.JWKS != ""} {
		if is {
			given++
		}
	}
	switch {
	case given != 1:
		return nil, []error{fmt.Errorf("exactly one of secret, pem and jwks must be given, not %d", given)}
	case i.JWKS != "":
		return nil, checkURL(i.JWKS)
	case len(i.PEM) > 0:
		return i.publicKeys()
	case bytes.Contains(i.Secret, []byte("-----BEGIN ")):
		return nil, []error{errors.New("the secret is the text of a PEM file: if it is a public key, write it as pem")}
	case len(i.Secret) < minSecret:
		return nil, []error{fmt.Errorf("the secret has %d bytes; it has at least %d", len(i.Secret), minSecret)}
	}
	return fixedKeys{{material: bytes.Clone(i.Secret)}}, nil
}

func (i Issuer) publicKeys() (fixedKeys, []error) {
	var keys fixedKeys
	var bad []error
	if len(i.PEM) > maxKeys {
		bad = append(bad, fmt.Errorf("pem lists %d keys; it lists at most %d", len(i.PEM), maxKeys))
	}
	for at, text := range i.PEM {
		k, err := readPEM(text)
		switch {
		case err != nil:
			bad = append(bad, fmt.Errorf("pem[%d]: %w", at, err))
		case !slices.ContainsFunc(i.Algorithms, k.fits):
			bad = append(bad, fmt.Errorf("pem[%d]: the key fits none of the algorithms", at))
		}
		keys = append(keys, k)
	}
	for _, name := range i.Algorithms {
		if len(bad) == 0 && len(fitting(keys, "", name)) == 0 {
			bad = append(bad, fmt.Errorf("algorithm %s fits none of the keys in pem", name))
		}
	}
	return keys, bad
}

// checkURL does not quote the URL, which may hold a password.
func checkURL(text string) []error {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return []error{errors.New("jwks is not a URL; write https://host/path")}
	case u.User != nil || u.Fragment != "":
		return []error{errors.New("jwks has a user or a fragment; write https://host/path")}
	case u.Scheme == "http" && !isLoopback(u.Hostname()):
		return []error{errors.New("jwks must be https: over http, anybody on the way can put in a key; only to localhost it may be http")}
	}
	return nil
}

func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// An issuer is an Issuer that was checked, with its keys.
type issuer struct {
	Issuer
	keys keyring
}

// verify answers whether the issuer has signed t.
func (i *issuer) verify(ctx context.Context, t *token) error {
	if !slices.Contains(i.Algorithms, t.algorithm) {
		return refuse("the token's algorithm is not on its issuer's list")
	}
	keys, err := i.keys.find(ctx, t.key, t.algorithm)
	if err != nil {
		return err
	}
	if len(keys) > maxKeys {
		return refuse("too many keys fit the token: its issuer must name one as kid")
	}
	for _, k := range keys {
		if algorithms[t.algorithm].method.Verify(t.signed, t.signature, k.material) == nil {
			return nil
		}
	}
	return refuse("the token's signature is wrong")
}

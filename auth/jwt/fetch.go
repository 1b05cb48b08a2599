package jwt

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"

	"github.com/MicahParks/jwkset"
)

const (
	maxSet     = 1 << 20 // bytes of a key set
	maxSetKeys = 100
	maxHops    = 3
)

// fetcher returns a client that stays with the host it is sent to, and closes its connections if
// they are its own.
func fetcher(given *http.Client) (client *http.Client, hangUp func()) {
	if given != nil {
		copied := *given
		copied.CheckRedirect = stayThere
		return &copied, func() {}
	}
	transport := http.DefaultTransport
	if t, ok := transport.(*http.Transport); ok {
		transport = t.Clone()
	}
	client = &http.Client{Transport: transport, CheckRedirect: stayThere}
	return client, client.CloseIdleConnections
}

func stayThere(next *http.Request, before []*http.Request) error {
	first := before[0].URL
	switch {
	case next.URL.Scheme != first.Scheme || next.URL.Host != first.Host:
		return errors.New("its server redirects to another host; configure the URL that it redirects to")
	case len(before) > maxHops:
		return fmt.Errorf("its server redirects more than %d times", maxHops)
	}
	return nil
}

// fetch never says the URL in an error: it may hold what only the operator should know.
func (s *keySet) fetch(ctx context.Context) ([]key, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, fetchTimeout, fmt.Errorf("no answer within %s", fetchTimeout))
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url, nil)
	if err != nil {
		return nil, withoutURL(err)
	}
	req.Header.Set("Accept", "application/jwk-set+json, application/json")
	resp, err := s.client.Do(req)
	if err != nil {
		return nil, becauseOf(ctx, withoutURL(err))
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("its server answers with status %d", resp.StatusCode)
	}
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxSet+1))
	switch {
	case err != nil:
		return nil, becauseOf(ctx, err)
	case len(text) > maxSet:
		return nil, fmt.Errorf("the key set has more than %d bytes", maxSet)
	}
	return readSet(text)
}

func withoutURL(err error) error {
	if failed := (*url.Error)(nil); errors.As(err, &failed) {
		return failed.Err
	}
	return err
}

func becauseOf(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// readSet reads a JSON Web Key Set (RFC 7517). Keys that cannot verify a signature here, and those
// that it should not have published, are left out: the others are none the worse for them.
func readSet(text []byte) ([]key, error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	err := json.Unmarshal(text, &set)
	switch {
	case err != nil || set.Keys == nil:
		return nil, errors.New("what its server answers is not a JSON Web Key Set")
	case len(set.Keys) > maxSetKeys:
		return nil, fmt.Errorf("the key set has more than %d keys", maxSetKeys)
	}
	var keys []key
	for _, text := range set.Keys {
		if k, ok := readKey(text); ok {
			keys = append(keys, k)
		}
	}
	return keys, nil
}

// readKey reads a public key that is for signatures.
func readKey(text []byte) (key, bool) {
	var m jwkset.JWKMarshal
	if json.Unmarshal(text, &m) != nil {
		return key{}, false
	}
	symmetric, private := m.KTY == jwkset.KtyOct || m.K != "", m.D != ""
	forOther := m.USE != "" && m.USE != jwkset.UseSig || len(m.KEYOPS) > 0 && !slices.Contains(m.KEYOPS, jwkset.KeyOpsVerify)
	if symmetric || private || forOther || m.KID != "" && !isText(m.KID) {
		return key{}, false
	}
	// Certificates beside the key vouch for it; it is the URL that vouches for it here.
	m.X5U, m.X5C, m.X5T, m.X5TS256 = "", nil, "", ""
	jwk, err := jwkset.NewJWKFromMarshal(m, jwkset.JWKMarshalOptions{}, jwkset.JWKValidateOptions{})
	if err != nil || checkMaterial(jwk.Key()) != nil {
		return key{}, false
	}
	return key{id: m.KID, algorithm: string(m.ALG), material: jwk.Key()}, true
}

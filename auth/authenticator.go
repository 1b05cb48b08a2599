package auth

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/netip"
)

var (
	// ErrBadCredentials reports credentials that belong to nobody, or are good no more. What was sent
	// never becomes part of an error or a log line.
	ErrBadCredentials = errors.New("auth: bad credentials")
	// ErrOtherKind is the ErrBadCredentials of an Authenticator that does not understand this kind of
	// credentials: another one may.
	ErrOtherKind = fmt.Errorf("%w of an unknown kind", ErrBadCredentials)
)

// Credentials are what a request brought to prove who is calling, and where it came from.
type Credentials struct {
	Token       string            // an API key or a token; empty: none
	Certificate *x509.Certificate // of the client, verified by TLS; nil: none
	Address     netip.Addr        // of the client; invalid: unknown
	Origin      string            // the page that sent the request, "https://shop.example"; empty: none
}

// None reports whether there is nothing that could prove anything.
func (c Credentials) None() bool { return c.Token == "" && c.Certificate == nil }

// An Authenticator turns credentials into a viewer. It answers Anonymous where there are none, and
// an error wrapping ErrBadCredentials where they are wrong. Any other error says that it could not
// be found out.
type Authenticator interface {
	Authenticate(ctx context.Context, c Credentials) (*Viewer, error)
}

// A Rechecker is an Authenticator whose viewers can change after they were made. Recheck says what
// the credentials that once made v are worth now, with the same errors as Authenticate; ErrOtherKind
// where it has not made v.
type Rechecker interface {
	Recheck(ctx context.Context, v *Viewer) (*Viewer, error)
}

// A Chain asks its authenticators in turn, until one understands the kind of the credentials.
type Chain []Authenticator

// Authenticate implements Authenticator.
func (chain Chain) Authenticate(ctx context.Context, c Credentials) (*Viewer, error) {
	if c.None() {
		return Anonymous, nil
	}
	for _, a := range chain {
		if v, err := a.Authenticate(ctx, c); !errors.Is(err, ErrOtherKind) {
			return v, err
		}
	}
	return nil, ErrBadCredentials
}

// Recheck implements Rechecker. A viewer that no authenticator wants to check stays as it is.
func (chain Chain) Recheck(ctx context.Context, v *Viewer) (*Viewer, error) {
	for _, a := range chain {
		if r, ok := a.(Rechecker); ok {
			if now, err := r.Recheck(ctx, v); !errors.Is(err, ErrOtherKind) {
				return now, err
			}
		}
	}
	return v, nil
}

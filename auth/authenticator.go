package auth

import (
	"context"
	"errors"
)

// ErrBadCredentials reports credentials that belong to nobody. What was sent never becomes part of
// an error or a log line.
var ErrBadCredentials = errors.New("auth: bad credentials")

// Credentials are what a request brought to prove who is calling.
type Credentials struct {
	Token string // an API key or bearer token; empty: none
}

// An Authenticator turns credentials into a viewer. It answers Anonymous where there are none, and
// an error wrapping ErrBadCredentials where they are wrong.
type Authenticator interface {
	Authenticate(ctx context.Context, c Credentials) (*Viewer, error)
}

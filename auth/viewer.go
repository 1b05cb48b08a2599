// Package auth says who is calling: it turns credentials into a Viewer, and keeps watch over the
// viewers of open sessions, whose credentials may expire, be revoked or be renewed.
//
// It knows neither GraphQL nor HTTP; where credentials stand in a request is the transports'
// business. Everything here is safe for concurrent use; a Viewer is never changed once made.
package auth

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Viewer is who is calling: a consumer (an application), maybe a subject (its end user).
// The zero Viewer is anonymous.
type Viewer struct {
	Consumer string         // the application that the credentials belong to; empty: anonymous
	Subject  string         // the end user; empty when the consumer acts for itself
	Issuer   string         // who vouches for the viewer: the issuer of a token; empty for all else
	Scopes   []string       // what the viewer may do
	Publish  []string       // the topics it may publish to: names, and patterns such as "price.*"
	Plan     string         // what the consumer has bought; empty: the default plan
	Claims   map[string]any // everything a token says, as JSON decodes it; nil for all else
	Expires  time.Time      // when the credentials stop being good; zero: never

	// Key is the id of the API key that the viewer came with, and KeySecret says which of the key's
	// secrets, which take turns. Empty and 0 for all else.
	Key       string
	KeySecret int
}

// Anonymous is the viewer of a request without credentials.
var Anonymous = &Viewer{}

// IsAnonymous reports whether the viewer came without credentials.
func (v *Viewer) IsAnonymous() bool { return v.Consumer == "" }

// Has reports whether the viewer holds a scope.
func (v *Viewer) Has(scope string) bool { return slices.Contains(v.Scopes, scope) }

// ExpiredAt reports whether the viewer's credentials are good no more at a moment.
func (v *Viewer) ExpiredAt(now time.Time) bool { return !v.Expires.IsZero() && !now.Before(v.Expires) }

// Is reports whether two viewers are the same person: the same end user of the same consumer,
// whatever they may do.
func (v *Viewer) Is(other *Viewer) bool {
	return v.Consumer == other.Consumer && v.Subject == other.Subject && v.Issuer == other.Issuer
}

// volatile are the claims that differ between two tokens of one viewer with the same rights.
var volatile = []string{
	"exp", "nbf", "iat", "jti", "auth_time", "nonce", "at_hash", "c_hash", "sid", "session_state", // RFC 7519, OpenID Connect
	"aio", "rh", "uti", // Microsoft's
}

// IsEndUser reports whether the viewer is somebody who uses the consumer, and not the consumer itself.
func (v *Viewer) IsEndUser() bool { return v.Subject != "" && v.Subject != v.Consumer }

// Identity is equal for two viewers exactly if every private result of the one may be shown to the
// other: what they are and what they may do is the same; how long, is not part of it. It is empty for
// the anonymous viewer, who shares private results with nobody. The parts are length-prefixed, so
// no choice of names can make two viewers collide.
func (v *Viewer) Identity() string {
	if v.IsAnonymous() {
		return ""
	}
	var b strings.Builder
	write := func(parts ...string) {
		b.WriteString(strconv.Itoa(len(parts)))
		for _, part := range parts {
			b.WriteByte(' ')
			b.WriteString(strconv.Itoa(len(part)))
			b.WriteByte(':')
			b.WriteString(part)
		}
	}
	write(v.Issuer, v.Consumer, v.Subject, v.Plan)
	write(sorted(v.Scopes)...)
	write(sorted(v.Publish)...)
	for _, name := range claimNames(v.Claims) {
		value, err := json.Marshal(v.Claims[name]) // sorts the keys of every object
		if err != nil {                            // no claim that came as JSON
			return ""
		}
		write(name, string(value))
	}
	return b.String()
}

func sorted(list []string) []string {
	list = slices.Clone(list)
	slices.Sort(list)
	return slices.Compact(list)
}

func claimNames(claims map[string]any) []string {
	names := make([]string, 0, len(claims))
	for name := range claims {
		if !slices.Contains(volatile, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// ErrNoViewer is what ViewerFrom returns in an execution that several viewers share.
var ErrNoViewer = errors.New("auth: a shared execution has no viewer; mark the field @private in the schema")

type viewerKey struct{}

// WithViewer returns a context in which ViewerFrom answers with v.
func WithViewer(ctx context.Context, v *Viewer) context.Context {
	return context.WithValue(ctx, viewerKey{}, v)
}

// ViewerFrom returns the viewer for whom a resolver runs, or ErrNoViewer: a shared execution runs
// for everybody and must not depend on anybody.
func ViewerFrom(ctx context.Context) (*Viewer, error) {
	if v, ok := ctx.Value(viewerKey{}).(*Viewer); ok {
		return v, nil
	}
	return nil, ErrNoViewer
}

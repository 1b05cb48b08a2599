// Package auth says who is calling: it turns credentials into a Viewer.
//
// It knows neither GraphQL nor HTTP; where credentials stand in a request is the transports'
// business. Everything here is safe for concurrent use; a Viewer is never changed once made.
package auth

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
)

// A Viewer is who is calling: a consumer (an application), maybe a subject (its end user).
// The zero Viewer is anonymous.
type Viewer struct {
	Consumer string   // the application that the credentials belong to; empty: anonymous
	Subject  string   // the end user; empty when the consumer acts for itself
	Scopes   []string // what the viewer may do
}

// Anonymous is the viewer of a request without credentials.
var Anonymous = &Viewer{}

// IsAnonymous reports whether the viewer came without credentials.
func (v *Viewer) IsAnonymous() bool { return v.Consumer == "" }

// Has reports whether the viewer holds a scope.
func (v *Viewer) Has(scope string) bool { return slices.Contains(v.Scopes, scope) }

// Identity is equal for two viewers exactly if every private result of the one may be shown to the
// other. It is empty for the anonymous viewer, who shares private results with nobody. The parts
// are length-prefixed, so no choice of names can make two viewers collide.
func (v *Viewer) Identity() string {
	if v.IsAnonymous() {
		return ""
	}
	scopes := slices.Clone(v.Scopes)
	slices.Sort(scopes)
	var b strings.Builder
	for _, part := range append([]string{v.Consumer, v.Subject}, slices.Compact(scopes)...) {
		b.WriteString(strconv.Itoa(len(part)))
		b.WriteByte(':')
		b.WriteString(part)
	}
	return b.String()
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

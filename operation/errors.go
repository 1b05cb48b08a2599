package operation

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/sluice-gateway/sluice/auth"
)

// maxErrors is how many errors one answer carries: a hostile document can cause thousands.
const maxErrors = 10

// Errorf makes an error that a client may see.
func Errorf(code, format string, args ...any) *gqlerror.Error {
	return &gqlerror.Error{Message: fmt.Sprintf(format, args...), Extensions: map[string]any{"code": code}}
}

// A Limit is the name of the limit that an error is about: the setting that says it, or the directive and
// its field. Errors carry it within, and it is not sent.
type Limit string

func (l Limit) Error() string { return string(l) }

// overLimit makes an error that a client may see, about a limit.
func overLimit(limit, code, format string, args ...any) *gqlerror.Error {
	err := Errorf(code, format, args...)
	err.Err = Limit(limit)
	return err
}

// noteLimit counts and logs the limit that errors are about, if they are about one.
func (e *Engine) noteLimit(errs gqlerror.List, v *auth.Viewer) {
	var limit Limit
	for _, err := range errs {
		if errors.As(err.Err, &limit) {
			e.reached.Note(string(limit), 1, "consumer", v.Consumer, "code", Code(errs))
			return
		}
	}
}

// refuse is a list of one error.
func refuse(code, format string, args ...any) gqlerror.List {
	return gqlerror.List{Errorf(code, format, args...)}
}

// Code is the code of the first error that has one, or INTERNAL.
func Code(errs gqlerror.List) string {
	for _, err := range errs {
		if code, ok := err.Extensions["code"].(string); ok {
			return code
		}
	}
	return CodeInternal
}

// CodeOf is the code of an error that a resolver gives.
func CodeOf(err error) string {
	var one *gqlerror.Error
	if !errors.As(err, &one) {
		return CodeInternal
	}
	return Code(gqlerror.List{one})
}

// withCode gives code to every error that has none, and cuts the list.
func withCode(errs gqlerror.List, code string) gqlerror.List {
	if len(errs) > maxErrors {
		errs = errs[:maxErrors]
	}
	for _, err := range errs {
		if !coded(err) {
			err.Extensions = with(err.Extensions, "code", code)
		}
	}
	return errs
}

func with(m map[string]any, key string, value any) map[string]any {
	if m == nil {
		m = make(map[string]any, 1)
	}
	m[key] = value
	return m
}

// presenter decides what a client sees of an error: one that was made for clients (a
// *gqlerror.Error that has a code, or that wraps no other error) as it is, any other as INTERNAL
// with an id that stands beside the whole error in the log.
type presenter struct {
	log *slog.Logger
}

func (p presenter) present(ctx context.Context, err error) *gqlerror.Error {
	var shown *gqlerror.Error
	switch ok := errors.As(err, &shown); {
	case !ok:
		shown = gqlerror.WrapPath(graphql.GetPath(ctx), err)
		fallthrough
	case !coded(shown) && shown.Err != nil && !publicCause(shown):
		return p.hide(shown.Path, shown.Err)
	}
	if !coded(shown) {
		shown.Extensions = with(shown.Extensions, "code", CodeInternal)
	}
	return shown
}

func coded(err *gqlerror.Error) bool {
	_, ok := err.Extensions["code"]
	return ok
}

// publicCause looks for an error that was made for clients below the one that carries the path.
// Messages that say only that a value is missing are gqlgen's own, and safe.
func publicCause(err *gqlerror.Error) bool {
	switch err.Err.Error() {
	case "must not be null", "the requested element is null which the schema does not allow":
		return true
	}
	var cause *gqlerror.Error
	if !errors.As(err.Err, &cause) {
		return false
	}
	err.Message, err.Extensions = cause.Message, cause.Extensions
	return coded(cause) || cause.Err == nil
}

func (p presenter) hide(path ast.Path, err error) *gqlerror.Error {
	id := errorID()
	p.log.Error("a resolver failed", "errorId", id, "path", path.String(), "error", err)
	return &gqlerror.Error{
		Path:       path,
		Message:    "internal error",
		Extensions: map[string]any{"code": CodeInternal, "errorId": id},
	}
}

func (p presenter) recover(_ context.Context, value any) error { return p.panicked(value) }

func (p presenter) panicked(value any) *gqlerror.Error {
	id := errorID()
	p.log.Error("a resolver panicked", "errorId", id, "panic", value, "stack", string(debug.Stack()))
	return &gqlerror.Error{
		Message:    "internal error",
		Extensions: map[string]any{"code": CodeInternal, "errorId": id},
	}
}

func errorID() string {
	var id [8]byte
	_, _ = rand.Read(id[:])
	return hex.EncodeToString(id[:])
}

// parseError gives an error of the parser its code.
func parseError(err error) gqlerror.List {
	var g *gqlerror.Error
	if !errors.As(err, &g) {
		g = &gqlerror.Error{Message: err.Error()}
	}
	code := CodeParseFailed
	switch {
	case strings.Contains(g.Message, "exceeded token limit"):
		code, g.Err = CodeTokenLimit, Limit("max-tokens")
	case strings.Contains(g.Message, "exceeded maximum nesting depth"): // of the parser's own
		code, g.Err = CodeDepthLimit, Limit("max-depth")
	}
	return withCode(gqlerror.List{g}, code)
}

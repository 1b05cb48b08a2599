package policy

import (
	"context"
	"slices"
	"time"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/sluice-gateway/sluice/auth"
)

// A check is one need of one selected field.
type check struct {
	need  *need
	field *ast.Field
	path  ast.Path // of the first place where the field is reached
}

type checked struct {
	field *ast.Field
	need  *need
}

// check notes what a field needs, once for each selection of it.
func (w *walk) check(sel *ast.Field, needs []*need, path ast.Path) {
	for _, n := range needs {
		if at := (checked{sel, n}); !w.checked[at] {
			w.checked[at] = true
			w.op.ruled = w.op.ruled || n.rule != nil
			w.op.checks = append(w.op.checks, check{need: n, field: sel, path: path})
		}
	}
}

// A Refusal says why a viewer may not use a field.
type Refusal struct {
	Path      ast.Path // of response keys, as the client wrote them
	Anonymous bool     // the viewer must be authenticated
	Scopes    []string // those that the viewer does not hold
	Rule      error    // why the rule was not met, for operators; nil: it was false, or is not the reason
}

// Guarded reports whether the operation has needs, and so depends on who is calling.
func (o *Operation) Guarded() bool { return len(o.checks) > 0 }

// Lacks says what a viewer lacks for the operation, whatever its variables: one refusal for each
// field, in the order of the fields. Where there is nothing to refuse it does not allocate.
func (o *Operation) Lacks(v *auth.Viewer) []Refusal {
	var refusals []Refusal
	for i := range o.checks {
		c := &o.checks[i]
		if v.IsAnonymous() {
			refusals = merge(refusals, Refusal{Path: c.path, Anonymous: true})
			continue
		}
		if missing := c.need.lacks(v.Scopes); missing != nil {
			refusals = merge(refusals, Refusal{Path: c.path, Scopes: missing})
		}
	}
	return refusals
}

// merge adds a refusal to that of the same field, which stands last, or else as another one.
func merge(refusals []Refusal, r Refusal) []Refusal {
	if last := len(refusals) - 1; last >= 0 && slices.Equal(refusals[last].Path, r.Path) {
		for _, scope := range r.Scopes {
			if !slices.Contains(refusals[last].Scopes, scope) {
				refusals[last].Scopes = append(refusals[last].Scopes, scope)
			}
		}
		return refusals
	}
	return append(refusals, r)
}

// ruleTime is how long all rules of an operation may take together: much longer than they do, also on a machine
// that is too busy.
const ruleTime = 100 * time.Millisecond

// maxBroken is how many refusals for rules there are at most: nobody reads more.
const maxBroken = 10

// Breaks says which rules a viewer breaks by asking for the operation with these variables, which
// are coerced: one refusal for each field. What is not evaluated in time is broken. The error is
// for the client: a value that is out of range.
func (o *Operation) Breaks(ctx context.Context, v *auth.Viewer, variables map[string]any) ([]Refusal, error) {
	if !o.ruled {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, ruleTime)
	defer cancel()
	var refusals []Refusal
	for i := range o.checks {
		c := &o.checks[i]
		if c.need.rule == nil {
			continue
		}
		if len(refusals) == maxBroken || ctx.Err() != nil {
			return merge(refusals, Refusal{Path: c.path, Rule: ctx.Err()}), nil
		}
		args, err := Arguments(c.field, variables)
		if err != nil {
			return nil, err
		}
		if ok, err := c.need.rule.holds(ctx, v, args); !ok {
			refusals = merge(refusals, Refusal{Path: c.path, Rule: err})
		}
	}
	return refusals, nil
}

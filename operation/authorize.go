package operation

import (
	"context"
	"fmt"
	"strings"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/sluice-gateway/sluice/auth"
	"github.com/sluice-gateway/sluice/policy"
)

// authorize says why a viewer may not run an operation with these variables; nothing if it may.
func (e *Engine) authorize(ctx context.Context, p *policy.Operation, v *auth.Viewer, variables map[string]any) gqlerror.List {
	if errs := e.refusals(p.Lacks(v)); errs != nil {
		return errs
	}
	return e.checkRules(ctx, p, v, variables)
}

func (e *Engine) checkRules(ctx context.Context, p *policy.Operation, v *auth.Viewer, variables map[string]any) gqlerror.List {
	broken, err := p.Breaks(ctx, v, variables)
	if err != nil {
		return refuse(CodeBadUserInput, "%v", err)
	}
	return e.refusals(broken)
}

// refusals makes one error for each field. None names anything but what the client wrote, and what
// it lacks.
func (e *Engine) refusals(list []policy.Refusal) gqlerror.List {
	var errs gqlerror.List
	for _, r := range list {
		if r.Rule != nil {
			e.options.Log.Debug("a rule could not be evaluated, so it does not hold", "path", r.Path.String(), "error", r.Rule)
		}
		err := refusal(r)
		err.Path = r.Path
		errs = append(errs, err)
	}
	return withCode(errs, CodeForbidden)
}

func refusal(r policy.Refusal) *gqlerror.Error {
	switch {
	case r.Anonymous:
		return Errorf(CodeUnauthenticated, "this field is for authenticated callers: send an API key or a token")
	case len(r.Scopes) > 0:
		err := Errorf(CodeForbidden, "this field needs %s, which you do not have", scopes(r.Scopes))
		err.Extensions["missingScopes"] = r.Scopes
		return err
	}
	return Errorf(CodeForbidden, "the rule of this field does not allow you to use it, or not with these arguments")
}

func scopes(list []string) string {
	if len(list) == 1 {
		return "the scope " + list[0]
	}
	return fmt.Sprintf("the scopes %s and %s", strings.Join(list[:len(list)-1], ", "), list[len(list)-1])
}

// A guard is what a running operation keeps to be authorised again.
type guard struct {
	policy    *policy.Operation
	variables map[string]any
}

// newGuard returns nil for an operation that has nothing to do with who is calling.
func newGuard(p *prepared) *guard {
	if !p.policy.Guarded() && !p.policy.Private {
		return nil
	}
	return &guard{policy: p.policy, variables: p.variables}
}

// Reauthorize tells an operation that its viewer has other rights now. It ends, with the errors that
// would refuse it, if they do not suffice any more, and also where its results depend on the viewer:
// its execution is that of somebody with the rights from before. A query or mutation that has begun is
// left to come to its end. It may be called at any time, and calls the sink unless Run has yet to.
func (op *Operation) Reauthorize(v *auth.Viewer) {
	op.mu.Lock()
	before, started, m := op.viewer, op.prepared == nil, op.meter
	op.viewer = v
	op.mu.Unlock()
	if m != nil && v.Plan != before.Plan {
		m.reprice()
	}
	if v == before || op.guard == nil || started && !op.Streaming() {
		return
	}
	if errs := op.engine.authorize(context.Background(), op.guard.policy, v, op.guard.variables); errs != nil {
		op.Fail(errs)
		return
	}
	if op.Streaming() && op.guard.policy.Private && v.Identity() != before.Identity() {
		op.Fail(refuse(CodeViewerChanged, "your rights have changed, and the results depend on them: subscribe again"))
	}
}

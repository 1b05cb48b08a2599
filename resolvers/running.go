package resolvers

import (
	"context"
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/sluice-gateway/sluice/analytics"
	"github.com/sluice-gateway/sluice/gateway/fleet"
	"github.com/sluice-gateway/sluice/graph/model"
	"github.com/sluice-gateway/sluice/operation"
)

// A Fleet tells of the nodes that serve the fields: *fleet.Fleet.
type Fleet interface {
	Runs(ctx context.Context, q analytics.RunQuery) (fleet.Runs, error)
	Dismiss(ctx context.Context, id, why string) (fleet.Run, error)
	Nodes() []fleet.Node
}

// running lists operations that run.
func (r *Resolver) running(ctx context.Context, asked question, q analytics.RunQuery, first int32) (*model.RunningOperations, error) {
	if first < 0 || first > fleet.MostRuns {
		return nil, operation.Errorf(operation.CodeBadUserInput, "first is 0 to %d, not %d", fleet.MostRuns, first)
	}
	q.First = int(first)
	runs, err := shared(ctx, &r.turns, asked.about(q), func(ctx context.Context) (fleet.Runs, error) {
		return r.Fleet.Runs(ctx, q)
	})
	if err != nil {
		return nil, err
	}
	return model.NewRunningOperations(runs), nil
}

func kindName(kind *model.OperationKind) string {
	if kind == nil {
		return ""
	}
	return strings.ToLower(string(*kind))
}

// longestReason is how many characters the reason of an end may have.
const longestReason = 200

// end ends an operation for an operator, and notes it.
func (r *Resolver) end(ctx context.Context, id, reason string) (*model.RunningOperation, error) {
	ended, err := r.dismiss(ctx, id, reason)
	if r.Ended != nil {
		r.Ended(ctx, id, reason, err)
	}
	return ended, err
}

func (r *Resolver) dismiss(ctx context.Context, id, reason string) (*model.RunningOperation, error) {
	if utf8.RuneCountInString(reason) > longestReason {
		return nil, operation.Errorf(operation.CodeBadUserInput, "a reason has at most %d characters", longestReason)
	}
	run, err := r.Fleet.Dismiss(ctx, id, reason)
	switch {
	case errors.Is(err, fleet.ErrNoOperation):
		return nil, operation.Errorf(codeNotFound, "no operation with the id %q runs: it may have ended", id)
	case errors.Is(err, fleet.ErrNoAnswer):
		return nil, coded("UNAVAILABLE", "the node of this operation does not answer: look whether it still runs, and try again", err)
	case err != nil:
		return nil, err
	}
	ended := model.NewRunningOperation(run)
	return &ended, nil
}

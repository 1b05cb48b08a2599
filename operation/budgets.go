package operation

import (
	"context"
	"net/netip"

	"github.com/sluice-gateway/sluice/auth"
	"github.com/sluice-gateway/sluice/limits"
)

// A FieldBudget is what one caller may have of one field, and what is left of it.
type FieldBudget struct {
	Budget
	Quotas []QuotaState // one for each of Limits.Quotas
}

// A QuotaState is one quota of a FieldBudget.
type QuotaState struct {
	limits.Quota
	limits.Usage
}

// Budgets tells a resolver about the budgets of whoever asks: of each root field that has one, in the
// order of the schema. The error is for clients: BUDGET_UNAVAILABLE where the counter does not answer,
// or auth.ErrNoViewer in a shared execution.
func (e *Engine) Budgets(ctx context.Context) ([]FieldBudget, error) {
	viewer, err := auth.ViewerFrom(ctx)
	if err != nil {
		return nil, err
	}
	plan, whose := e.planOf(viewer), e.consumer(viewer, AddressFrom(ctx))
	var all []FieldBudget
	for _, root := range e.policy.RootBudgets() {
		b := newBudget(root.Of, root.Field, root.Budget, plan, whose)
		if b.Limits.None() {
			continue
		}
		states, err := e.quotaStates(ctx, b)
		if err != nil {
			return nil, err
		}
		all = append(all, FieldBudget{Budget: b, Quotas: states})
	}
	return all, nil
}

// BudgetStats are the sums of what quotas have granted, on this node, and what became of it.
func (e *Engine) BudgetStats() limits.Stats { return e.book.Stats() }

func (e *Engine) quotaStates(ctx context.Context, b Budget) ([]QuotaState, error) {
	states := make([]QuotaState, len(b.Limits.Quotas))
	for i, q := range b.Limits.Quotas {
		usage, err := e.book.Usage(ctx, b.key(q), q)
		if err != nil {
			e.trouble.Warn(e.options.Log, "a budget cannot be looked up", "error", err)
			return nil, Errorf(CodeBudgetUnavailable, "the budgets cannot be looked up at the moment; try again")
		}
		states[i] = QuotaState{Quota: q, Usage: usage}
	}
	return states, nil
}

type addressKey struct{}

// withAddress returns a context in which Budgets knows the address of an anonymous caller.
func withAddress(ctx context.Context, a netip.Addr) context.Context {
	return context.WithValue(ctx, addressKey{}, a)
}

// AddressFrom returns the address of the client for whom a resolver runs; the zero Addr if it is not known.
func AddressFrom(ctx context.Context) netip.Addr {
	a, _ := ctx.Value(addressKey{}).(netip.Addr)
	return a
}

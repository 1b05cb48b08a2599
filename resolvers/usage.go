package resolvers

import (
	"context"

	"github.com/sluice-gateway/sluice/graph/model"
	"github.com/sluice-gateway/sluice/operation"
)

// Budgets tell whoever a context belongs to about its budgets. A gateway does.
type Budgets interface {
	Budgets(ctx context.Context) ([]operation.FieldBudget, error)
}

func fieldBudgets(all []operation.FieldBudget) []model.FieldBudget {
	list := make([]model.FieldBudget, len(all))
	for i, b := range all {
		list[i] = model.FieldBudget{
			Field:    b.Field,
			Quotas:   quotas(b.Quotas),
			Duration: notZero(b.Limits.Duration),
			Rate:     notZero(b.Limits.Rate),
		}
	}
	return list
}

func quotas(all []operation.QuotaState) []model.Quota {
	list := make([]model.Quota, len(all))
	for i, q := range all {
		list[i] = model.Quota{
			Events:    q.Events,
			Per:       model.Window(q.Window.String()),
			Remaining: q.Left,
			ResetAt:   q.ResetAt,
		}
	}
	return list
}

// notZero is nil for the zero value.
func notZero[T comparable](value T) *T {
	if value == *new(T) {
		return nil
	}
	return &value
}

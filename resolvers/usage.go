package resolvers

import (
	"context"
	"errors"
	"time"

	"github.com/sluice-gateway/sluice/analytics/ledger"
	"github.com/sluice-gateway/sluice/analytics/ledger/billing"
	"github.com/sluice-gateway/sluice/analytics/ledger/ledgerdb"
	"github.com/sluice-gateway/sluice/analytics/rollup"
	"github.com/sluice-gateway/sluice/auth"
	"github.com/sluice-gateway/sluice/graph/model"
	"github.com/sluice-gateway/sluice/operation"
)

// Codes of errors about usage.
const (
	codeUsageOff = "USAGE_NOT_KEPT"
	codeNotFound = "NOT_FOUND"
)

// errUsageOff says that there is nothing to read.
func errUsageOff() error {
	return operation.Errorf(codeUsageOff, "this gateway keeps no usage: it runs with --usage off")
}

// mostUsage is how many rows one answer has at most.
const mostUsage = 10_000

// errRows says that there are more.
var errRows = errors.New("resolvers: too many rows of usage")

// Budgets tell whoever a context belongs to about its budgets: *gateway.Gateway.
type Budgets interface {
	Budgets(ctx context.Context) ([]operation.FieldBudget, error)
}

// usage reads what consumers have had. From and to are full hours, or to is now.
func (r *Resolver) usage(ctx context.Context, asked question, q ledger.Query, to *time.Time, step model.UsageStep) ([]model.Usage, error) {
	if r.Usage == nil {
		return nil, errUsageOff()
	}
	q.To = time.Now().UTC()
	if to != nil {
		q.To = to.UTC()
	}
	q.From = q.From.UTC()
	switch {
	case !isHour(q.From) || to != nil && !isHour(q.To):
		return nil, operation.Errorf(operation.CodeBadUserInput, "usage is kept by the hour: give full hours of UTC, such as 2026-11-01T13:00:00Z")
	case q.To.Before(q.From):
		return nil, operation.Errorf(operation.CodeBadUserInput, "the range ends before it begins: give a later end")
	}
	steps := map[model.UsageStep]ledger.Step{
		model.UsageStepHour: ledger.Hour, model.UsageStepDay: ledger.Day, model.UsageStepMonth: ledger.Month,
	}
	asked = asked.about(q.Consumer, step, cut(rollup.Hour, q.From), cut(rollup.Hour, q.To))
	list, err := shared(ctx, &r.turns, asked, func(ctx context.Context) ([]model.Usage, error) {
		list := []model.Usage{}
		err := ledger.Sum(ctx, r.Usage, q, steps[step], func(e ledger.Entry) error {
			if len(list) == mostUsage {
				return errRows
			}
			list = append(list, model.NewUsage(e))
			return nil
		})
		return list, err
	})
	if errors.Is(err, errRows) {
		return nil, operation.Errorf(operation.CodeBadUserInput, "there are more than %d rows: ask for less time, longer steps or one consumer, or export it", mostUsage)
	}
	return list, unavailable(err)
}

func isHour(t time.Time) bool { return t.Equal(t.Truncate(time.Hour)) }

// invoices makes those of a month; for a viewer's own question, the one of its consumer.
func (r *Resolver) invoices(ctx context.Context, asked question, month, consumer string) ([]model.Invoice, error) {
	if r.Usage == nil {
		return nil, errUsageOff()
	}
	begin, err := ledger.ParseMonth(month)
	if err != nil {
		return nil, operation.Errorf(operation.CodeBadUserInput, "%v", err)
	}
	issuer := ledger.Kept(asked.issuer)
	list, err := shared(ctx, &r.turns, asked.about(month, consumer), func(ctx context.Context) ([]model.Invoice, error) {
		list := []model.Invoice{}
		err := r.Prices.Invoices(ctx, r.Usage, begin, ledger.Kept(consumer), func(i *billing.Invoice) error {
			if !asked.own || i.Issuer == issuer && len(i.Lines) > 0 {
				list = append(list, model.NewInvoice(i))
			}
			return nil
		})
		return list, err
	})
	return list, unavailable(err)
}

// unavailable tells a client that the database is away.
func unavailable(err error) error {
	if errors.Is(err, ledgerdb.ErrUnavailable) {
		return coded(operation.TryAgain.Code, "usage cannot be read at the moment; try again", err)
	}
	return err
}

// consumer is who asks for what its application has had. An end user of it may not.
func consumer(ctx context.Context) (*auth.Viewer, error) {
	viewer, err := auth.ViewerFrom(ctx)
	if err == nil && viewer.IsEndUser() {
		err = operation.Errorf(operation.CodeForbidden, "an end user does not see what the application has had: ask with credentials of its own")
	}
	return viewer, err
}

// myInvoice is that of whoever asks, or nil where its plans have no prices.
func (r *Resolver) myInvoice(ctx context.Context, month string) (*model.Invoice, error) {
	viewer, err := consumer(ctx)
	if err != nil {
		return nil, err
	}
	mine, err := r.invoices(ctx, questionOf(viewer, "myInvoice"), month, viewer.Consumer)
	if err != nil || len(mine) == 0 {
		return nil, err
	}
	return &mine[0], nil
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

// mapped is a list of what each element becomes; it is never nil.
func mapped[T, M any](list []T, become func(T) M) []M {
	all := make([]M, len(list))
	for i, element := range list {
		all[i] = become(element)
	}
	return all
}

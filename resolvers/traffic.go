package resolvers

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/sluice-gateway/sluice/analytics"
	"github.com/sluice-gateway/sluice/analytics/rollup"
	"github.com/sluice-gateway/sluice/graph/model"
	"github.com/sluice-gateway/sluice/operation"
)

var steps = map[model.Step]rollup.Step{
	model.StepSecond: rollup.Second, model.StepMinute: rollup.Minute, model.StepHour: rollup.Hour, model.StepDay: rollup.Day,
}

// trafficQuery reads a range and a filter.
func trafficQuery(r model.Range, filter *model.TrafficFilter) (rollup.Query, error) {
	q := rollup.Query{Step: steps[r.Step], To: time.Now().UTC()}
	last, from, to := r.Last.Value(), r.From.Value(), r.To.Value()
	if (last == nil) == (from == nil) || last != nil && to != nil {
		return q, operation.Errorf(operation.CodeBadUserInput, "give a range either by last, or by from and perhaps to")
	}
	if to != nil {
		q.To = to.UTC()
	}
	if last != nil {
		if *last <= 0 {
			return q, operation.Errorf(operation.CodeBadUserInput, "last is a time above 0, such as 5m")
		}
		q.From = q.Step.Start(q.To.Add(-*last))
	} else {
		q.From = from.UTC()
	}
	if filter != nil {
		q.Where = where(filter)
	}
	return q, nil
}

// cut is the begin of the first step that is not before a time, in seconds: a range asks for the same steps as
// another if both of its ends are cut to the same.
func cut(step rollup.Step, t time.Time) int64 { return step.Start(t.Add(step.Length() - 1)).Unix() }

func where(f *model.TrafficFilter) rollup.Where {
	w := rollup.Where{
		Operation: orZero(f.Operation.Value()), Document: orZero(f.Document.Value()), Field: orZero(f.Field.Value()),
		Topic: orZero(f.Topic.Value()), Consumer: orZero(f.Consumer.Value()), Issuer: f.Issuer.Value(), Plan: orZero(f.Plan.Value()),
		Transport: orZero(f.Transport.Value()), Client: orZero(f.Client.Value()), Country: orZero(f.Country.Value()),
	}
	if kind := f.Kind.Value(); kind != nil {
		w.Kind = strings.ToLower(string(*kind))
	}
	return w
}

// mostShares is how many Top may be asked for.
const mostShares = 100

// traffic reads sums by time; for a viewer's own question, those of its consumer. What is wrong with the
// query is told to the client.
func traffic[T, M any](ctx context.Context, r *Resolver, asked question, rangeArg model.Range, filter *model.TrafficFilter, read func(rollup.Reader, context.Context, rollup.Query) ([]T, error), become func(T) M) ([]M, error) {
	if r.Rollups == nil {
		return nil, operation.Errorf(codeUsageOff, "this gateway keeps no traffic: it runs with --traffic off")
	}
	q, err := trafficQuery(rangeArg, filter)
	if err != nil {
		return nil, err
	}
	if asked.own {
		issuer := analytics.Kept(asked.issuer)
		q.Where.Consumer, q.Where.Issuer = analytics.Kept(asked.consumer), &issuer
	}
	var list []T
	if err = q.Check(); err == nil { // what is cut may be right
		asked = asked.about(q.Step, cut(q.Step, q.From), cut(q.Step, q.To), q.Where)
		list, err = shared(ctx, &r.turns, asked, func(ctx context.Context) ([]T, error) { return read(r.Rollups, ctx, q) })
	}
	if errors.Is(err, rollup.ErrQuery) {
		_, what, _ := strings.Cut(err.Error(), rollup.ErrQuery.Error()+": ")
		return nil, coded(operation.CodeBadUserInput, what, err)
	}
	if err != nil {
		return nil, unavailable(err)
	}
	return mapped(list, become), nil
}

package policy

import (
	"strconv"
	"strings"
	"time"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/sluice-gateway/sluice/limits"
)

// compileBudget reads the @budget of a field, which may stand there several times. Together they are
// one budget: every quota holds, and duration and rate are given once.
func compileBudget(schema *ast.Schema, def *ast.Definition, field *ast.FieldDefinition) (limits.Budget, error) {
	var b limits.Budget
	for _, d := range field.Directives.ForNames("budget") {
		if def != schema.Query && def != schema.Mutation && def != schema.Subscription {
			return b, complain(d, def, field, "only what a client asks for by itself, a field of a root type, has a budget")
		}
		part, wrong := readBudget(d)
		switch {
		case wrong != "":
			return b, complain(d, def, field, "%s", wrong)
		case part.Duration > 0 && b.Duration > 0:
			return b, complain(d, def, field, "duration is given twice")
		case part.Rate > 0 && b.Rate > 0:
			return b, complain(d, def, field, "rate is given twice")
		case part.Duration > 0 && def != schema.Subscription:
			return b, complain(d, def, field, "only a subscription lasts; --request-timeout bounds queries and mutations")
		case part.Rate > 0 && def != schema.Subscription:
			return b, complain(d, def, field, "only a subscription has a rate; give events with per: SECOND")
		}
		b.Quotas = append(b.Quotas, part.Quotas...)
		b.Duration += part.Duration
		b.Rate += part.Rate
		if err := b.Check(); err != nil {
			return b, complain(d, def, field, "%s", strings.TrimPrefix(err.Error(), "limits: "))
		}
	}
	return b, nil
}

// readBudget reads one @budget, and says what is wrong with it.
func readBudget(d *ast.Directive) (b limits.Budget, wrong string) {
	given := func(name string) (string, bool) {
		a := d.Arguments.ForName(name)
		if a == nil || a.Value == nil || a.Value.Kind == ast.NullValue {
			return "", false
		}
		return a.Value.Raw, true
	}
	events, hasEvents := given("events")
	per, hasPer := given("per")
	if hasEvents != hasPer {
		return b, "events and per are given together"
	}
	if hasEvents {
		n, err := strconv.ParseInt(events, 10, 64)
		if err != nil || n < 1 {
			return b, "events must be 1 or more; where there is no limit, leave it out"
		}
		window, err := limits.ParseWindow(per)
		if err != nil {
			return b, err.Error()
		}
		b.Quotas = []limits.Quota{{Events: n, Window: window}}
	}
	if duration, ok := given("duration"); ok {
		d, err := time.ParseDuration(duration)
		if err != nil || d <= 0 {
			return b, "duration " + strconv.Quote(duration) + " is no time such as 30s, 15m or 1h"
		}
		b.Duration = d
	}
	if rate, ok := given("rate"); ok {
		r, err := strconv.ParseFloat(rate, 64)
		if err != nil || r <= 0 {
			return b, "rate must be above 0; where there is no limit, leave it out"
		}
		b.Rate = r
	}
	if b.None() {
		return b, "it limits nothing: give events and per, duration, or rate"
	}
	return b, ""
}

// A RootBudget is what @budget says of one field of Query, Mutation or Subscription.
type RootBudget struct {
	Of, Field string // "Subscription", "priceChanged"
	Budget    limits.Budget
}

// RootBudgets are those of all root fields, in the order of the schema. Most say nothing.
func (s *Schema) RootBudgets() []RootBudget {
	var all []RootBudget
	for _, root := range []*ast.Definition{s.ast.Query, s.ast.Mutation, s.ast.Subscription} {
		if root == nil {
			continue
		}
		for _, field := range root.Fields {
			if !strings.HasPrefix(field.Name, "__") {
				all = append(all, RootBudget{root.Name, field.Name, s.objects[root.Name].fields[field.Name].Budget})
			}
		}
	}
	return all
}

// RootFields says whether there is a root field of a name, such as "priceChanged" or
// "Subscription.priceChanged", and whether every one of that name lasts: is a subscription's.
func (s *Schema) RootFields(name string) (found, last bool) {
	last = true
	for _, root := range []*ast.Definition{s.ast.Query, s.ast.Mutation, s.ast.Subscription} {
		if root == nil {
			continue
		}
		field, ok := strings.CutPrefix(name, root.Name+".")
		if (ok || !strings.Contains(name, ".")) && root.Fields.ForName(field) != nil {
			found = true
			last = last && root == s.ast.Subscription
		}
	}
	return found, found && last
}

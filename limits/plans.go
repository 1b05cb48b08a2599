package limits

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Terms are what a plan says about one field: what is given takes the place of what the schema says;
// nil leaves it.
type Terms struct {
	Quotas   *[]Quota       // empty: no quota
	Duration *time.Duration // 0: for ever
	Rate     *float64       // 0: as they come
}

// Apply returns a budget under the terms.
func (t Terms) Apply(b Budget) Budget {
	if t.Quotas != nil {
		b.Quotas = *t.Quotas
	}
	if t.Duration != nil {
		b.Duration = *t.Duration
	}
	if t.Rate != nil {
		b.Rate = *t.Rate
	}
	return b
}

// A Plan is what a consumer has bought. The zero Plan adds nothing to what the schema says.
type Plan struct {
	Name string
	// Fields are the plan's terms by field: "priceChanged", or "Subscription.priceChanged" where
	// another root type has a field of that name.
	Fields map[string]Terms
	// Sessions and Operations are how many a consumer may have at a time on one node; 0 leaves it to
	// the limits of viewers, math.MaxInt means any number.
	Sessions, Operations int
	// Postpaid consumers go on when the counter cannot be reached; what they have is counted by their
	// nodes. All others stop.
	Postpaid bool
	// StopUnrecorded consumers have nothing that cannot be recorded: they stop while the ledger of usage
	// can keep no more. All others go on, and what they have waits to be recorded.
	StopUnrecorded bool
}

// Budget is the budget of a field under the plan; of is its type, schema what the schema says.
func (p *Plan) Budget(of, field string, schema Budget) Budget {
	if terms, ok := p.Fields[of+"."+field]; ok {
		return terms.Apply(schema)
	}
	return p.Fields[field].Apply(schema)
}

// Plans are all that can be bought. They are never changed: new ones take their place.
type Plans struct {
	byName             map[string]*Plan
	standard, stranger *Plan
}

// ErrNoPlan reports a plan that is not among those there are.
var ErrNoPlan = errors.New("limits: no such plan")

// NewPlans makes a set of plans. standard is the name of the plan of consumers who have bought none,
// stranger that of anonymous ones; empty: for consumers a plan that adds nothing, for anonymous
// ones that of consumers. Its error names every plan that cannot be.
func NewPlans(list []*Plan, standard, stranger string) (*Plans, error) {
	p := &Plans{byName: make(map[string]*Plan, len(list))}
	var bad []error
	for _, plan := range list {
		if p.byName[plan.Name] != nil {
			bad = append(bad, fmt.Errorf("plan %q stands there twice", plan.Name))
		}
		p.byName[plan.Name] = plan
		for _, field := range slices.Sorted(maps.Keys(plan.Fields)) {
			if err := plan.Fields[field].Apply(Budget{}).Check(); err != nil {
				bad = append(bad, fmt.Errorf("plan %q, %s: %w", plan.Name, field, err))
			}
		}
	}
	named := func(name string, otherwise *Plan) *Plan {
		if name == "" {
			return otherwise
		}
		if p.byName[name] == nil {
			bad = append(bad, fmt.Errorf("%w: %q", ErrNoPlan, name))
		}
		return p.byName[name]
	}
	p.standard = named(standard, &Plan{})
	p.stranger = named(stranger, p.standard)
	return p, errors.Join(bad...)
}

// Of returns the plan of a consumer: by its name, or the standard one for none. The error is
// ErrNoPlan for a name that is not known; the standard plan is returned beside it.
func (p *Plans) Of(name string) (*Plan, error) {
	if name == "" {
		return p.standard, nil
	}
	if plan := p.byName[name]; plan != nil {
		return plan, nil
	}
	return p.standard, fmt.Errorf("%w: %q", ErrNoPlan, name)
}

// Stranger is the plan of anonymous consumers.
func (p *Plans) Stranger() *Plan { return p.stranger }

// All are the plans that were listed, in the order of their names.
func (p *Plans) All() []*Plan {
	var all []*Plan
	for _, name := range slices.Sorted(maps.Keys(p.byName)) {
		all = append(all, p.byName[name])
	}
	return all
}

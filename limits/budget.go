package limits

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"
)

// A Budget is how much a consumer may have of a field. The zero Budget is no limit at all.
type Budget struct {
	// Quotas are events per window, over all operations of the consumer on the field, on all nodes;
	// every one of them holds. For a query or mutation, an event is a request.
	Quotas []Quota
	// Duration is how long one operation may last; 0: for ever.
	Duration time.Duration
	// Rate is how many events a second one operation gets at most; 0: as they come.
	Rate float64
}

// MaxQuotas is how many quotas a budget has at most: each costs an atomic for every event.
const MaxQuotas = 4

// Check returns an error that says what is wrong with b, or nil.
func (b Budget) Check() error {
	if len(b.Quotas) > MaxQuotas {
		return fmt.Errorf("limits: a budget of %d quotas; it may have %d", len(b.Quotas), MaxQuotas)
	}
	for i, q := range b.Quotas {
		if err := q.Check(); err != nil {
			return err
		}
		if slices.ContainsFunc(b.Quotas[:i], func(other Quota) bool { return other.Window == q.Window }) {
			return fmt.Errorf("limits: two quotas for the window %v; give one", q.Window)
		}
	}
	switch {
	case b.Duration < 0:
		return errors.New("limits: a duration below 0")
	case b.Rate < 0, math.IsNaN(b.Rate), math.IsInf(b.Rate, 0):
		return errors.New("limits: a rate that is no number of events a second")
	}
	return nil
}

// None reports whether the budget limits nothing.
func (b Budget) None() bool { return len(b.Quotas) == 0 && b.Duration == 0 && b.Rate == 0 }

// Equal reports whether two budgets are the same.
func (b Budget) Equal(other Budget) bool {
	return slices.Equal(b.Quotas, other.Quotas) && b.Duration == other.Duration && b.Rate == other.Rate
}

package billing

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
)

// A Rate is a price for so many of something: 0.20 per 1000. The zero Rate costs nothing.
type Rate struct {
	Price Money
	Per   int64 // 0 means 1
}

func (r Rate) per() int64 { return max(r.Per, 1) }

// A Tier is the rate of a part of a month's events.
type Tier struct {
	To int64 // of this many events, counted from the month's first; 0: of all that there are
	Rate
}

// A Plan is what a plan costs.
type Plan struct {
	Currency string // three capital letters
	Month    Money  // once in a month that has usage
	Events   []Tier // graduated: each event costs what its own tier says
	Minutes  Rate   // of being connected, by the millisecond
	Requests Rate   // queries and mutations
}

// Prices are those of plans by name. Usage of a plan without a price stands on an invoice as unpriced.
type Prices map[string]Plan

var currency = regexp.MustCompile(`^[A-Z]{3}$`)

// Check says everything that is wrong with the prices.
func (p Prices) Check() error {
	var bad []error
	for _, name := range slices.Sorted(maps.Keys(p)) {
		if err := p[name].check(); err != nil {
			bad = append(bad, fmt.Errorf("%s: %w", name, err))
		}
	}
	return errors.Join(bad...)
}

func (p Plan) check() error {
	var bad []error
	if !currency.MatchString(p.Currency) {
		bad = append(bad, fmt.Errorf("currency: %q is not three capital letters such as EUR", p.Currency))
	}
	rates := []Rate{{Price: p.Month}, p.Minutes, p.Requests}
	before := int64(0)
	for i, tier := range p.Events {
		rates = append(rates, tier.Rate)
		last := i == len(p.Events)-1
		if last != (tier.To == 0) {
			bad = append(bad, errors.New("events: every tier but the last says up to how many events it goes, and the last says nothing"))
		} else if !last && tier.To <= before {
			bad = append(bad, fmt.Errorf("events: a tier to %d cannot come behind one to %d", tier.To, before))
		}
		before = tier.To
	}
	for _, r := range rates {
		if r.Price < 0 || r.Per < 0 {
			bad = append(bad, errors.New("no price is negative, nor what it is for"))
			break
		}
	}
	return errors.Join(bad...)
}

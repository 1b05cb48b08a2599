package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"github.com/sluice-gateway/sluice/analytics/ledger/billing"
)

// checkPrices reads the section of prices for its mistakes alone: the gateway needs no prices, and sluice
// usage reads them when it does.
func (*Config) checkPrices(node ast.Node) error {
	_, err := readPrices(node)
	return err
}

// loadPrices reads the section of prices of a configuration file that was read before; without one, or
// without a file, there are none.
func loadPrices(path string) (billing.Prices, error) {
	if path == "" {
		return nil, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	tree, err := parser.ParseBytes(text, 0)
	if err != nil {
		return nil, fmt.Errorf("%s cannot be read any longer", path)
	}
	for _, doc := range tree.Docs {
		settings, ok := doc.Body.(ast.MapNode)
		if !ok {
			continue
		}
		for all := settings.MapRange(); all.Next(); {
			if all.Key().GetToken().Value == "prices" {
				return readPrices(all.Value())
			}
		}
	}
	return nil, nil
}

// readPrices reads the section of prices: names of plans, and under each what it costs.
//
//	prices:
//	  metered:
//	    currency: EUR
//	    month: 29
//	    events:
//	      - {to: 100000, price: 0}
//	      - {price: 0.20, per: 1000}
//	    minutes: {price: 0.003}
//	    requests: {price: 0.50, per: 1000000}
func readPrices(node ast.Node) (billing.Prices, error) {
	section, ok := node.(ast.MapNode)
	if !ok {
		return nil, errors.New("prices: write `plan:` and under it what it costs")
	}
	prices := make(billing.Prices)
	var bad []error
	for all := section.MapRange(); all.Next(); {
		name := all.Key().GetToken().Value
		var plan planPrices
		if err := yaml.NodeToValue(all.Value(), &plan, yaml.DisallowUnknownField()); err != nil {
			what, _, _ := strings.Cut(err.Error(), "\n") // the lines after it quote the file
			bad = append(bad, fmt.Errorf("prices: %s: %s; a plan has currency and, if wanted, month: 29, "+
				"events, minutes and requests: {price: 0.20, per: 1000}, and events may be a list of tiers: [{to: 1000, price: 0}, {price: 0.20, per: 1000}]",
				name, quoted.ReplaceAllString(what, "…")))
			continue
		}
		prices[name] = plan.read()
	}
	if err := prices.Check(); err != nil {
		bad = append(bad, fmt.Errorf("prices: %w", err))
	}
	return prices, errors.Join(bad...)
}

// planPrices is a billing.Plan as the file writes it.
type planPrices struct {
	Currency string    `yaml:"currency"`
	Month    amount    `yaml:"month"`
	Events   tiers     `yaml:"events"`
	Minutes  rateOfUse `yaml:"minutes"`
	Requests rateOfUse `yaml:"requests"`
}

func (p planPrices) read() billing.Plan {
	plan := billing.Plan{
		Currency: p.Currency, Month: billing.Money(p.Month), Minutes: p.Minutes.read(), Requests: p.Requests.read(),
	}
	for _, t := range p.Events {
		plan.Events = append(plan.Events, billing.Tier{To: t.To, Rate: rateOfUse{t.Price, t.Per}.read()})
	}
	return plan
}

type rateOfUse struct {
	Price amount `yaml:"price"`
	Per   int64  `yaml:"per"`
}

func (r rateOfUse) read() billing.Rate {
	return billing.Rate{Price: billing.Money(r.Price), Per: r.Per}
}

type tier struct {
	To    int64  `yaml:"to"`
	Price amount `yaml:"price"`
	Per   int64  `yaml:"per"`
}

// tiers is a list of tiers that may be written as one.
type tiers []tier

// UnmarshalYAML implements yaml.InterfaceUnmarshaler.
func (t *tiers) UnmarshalYAML(unmarshal func(any) error) error {
	var more []tier
	if err := unmarshal(&more); err == nil {
		*t = more
		return nil
	}
	var one tier
	err := unmarshal(&one)
	*t = tiers{one}
	return err
}

// An amount is money, read from its digits and never as a float.
type amount billing.Money

// UnmarshalYAML implements yaml.NodeUnmarshaler.
func (a *amount) UnmarshalYAML(node ast.Node) error {
	m, err := billing.ParseMoney(node.GetToken().Value)
	*a = amount(m)
	return err
}

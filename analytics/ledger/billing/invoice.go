package billing

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/sluice-gateway/sluice/analytics/ledger"
)

// A Consumer is whom an invoice is for.
type Consumer struct {
	Issuer string `json:"issuer"` // of its tokens; empty for keys
	Name   string `json:"consumer"`
}

func (c Consumer) compare(other Consumer) int {
	return cmp.Or(cmp.Compare(c.Issuer, other.Issuer), cmp.Compare(c.Name, other.Name))
}

// A Line is one kind of usage under one plan: Amount is Quantity × Price / Per, rounded.
type Line struct {
	Plan     string `json:"plan"`
	Item     string `json:"item"` // month, events, connected or requests
	Unit     string `json:"unit"` // what Quantity counts: month, event, ms or request
	Quantity int64  `json:"quantity"`
	Price    Money  `json:"price"`
	Per      int64  `json:"per"` // so many units
	Currency string `json:"currency"`
	Amount   Money  `json:"amount"`
}

// An Invoice is what a consumer owes for a month.
type Invoice struct {
	Month string `json:"month"` // such as 2026-11
	Consumer
	Lines    []Line           `json:"lines"`
	Totals   map[string]Money `json:"totals"`   // by currency, the exact sums of the lines
	Unpriced []string         `json:"unpriced"` // plans that have usage and no price
}

// NewInvoice makes an invoice of what a consumer has had under each plan in a month.
func (p Prices) NewInvoice(month time.Time, of Consumer, usage map[string]ledger.Usage) (*Invoice, error) {
	invoice := &Invoice{
		Month: month.UTC().Format("2006-01"), Consumer: of,
		Lines: []Line{}, Totals: make(map[string]Money), Unpriced: []string{},
	}
	for _, name := range slices.Sorted(maps.Keys(usage)) {
		plan, ok := p[name]
		if !ok {
			invoice.Unpriced = append(invoice.Unpriced, name)
			continue
		}
		for _, line := range plan.lines(usage[name]) {
			line.Plan, line.Currency = name, plan.Currency
			if err := invoice.add(line); err != nil {
				return nil, fmt.Errorf("%s, plan %s, %s: %w", of.Name, name, line.Item, err)
			}
		}
	}
	return invoice, nil
}

func (i *Invoice) add(line Line) (err error) {
	if line.Amount, err = line.Price.times(line.Quantity, line.Per); err != nil {
		return err
	}
	if i.Totals[line.Currency], err = i.Totals[line.Currency].plus(line.Amount); err != nil {
		return err
	}
	i.Lines = append(i.Lines, line)
	return nil
}

// millisPerMinute turns a price of minutes into one of milliseconds, the ledger's unit.
const millisPerMinute = 60_000

// lines are what a plan says about usage, without what costs nothing for want of a price.
func (p Plan) lines(u ledger.Usage) []Line {
	lines := []Line{{Item: "month", Unit: "month", Quantity: 1, Price: p.Month, Per: 1}}
	before := int64(0)
	for _, tier := range p.Events {
		n := u.Events - before
		if tier.To > 0 {
			n = min(n, tier.To-before)
		}
		if n > 0 || n < 0 && before == 0 { // less than nothing is a correction, at the first tier's price
			lines = append(lines, Line{Item: "events", Unit: "event", Quantity: n, Price: tier.Price, Per: tier.per()})
		}
		before = tier.To
	}
	lines = append(lines,
		Line{Item: "connected", Unit: "ms", Quantity: u.ConnectedMillis, Price: p.Minutes.Price, Per: p.Minutes.per() * millisPerMinute},
		Line{Item: "requests", Unit: "request", Quantity: u.Requests, Price: p.Requests.Price, Per: p.Requests.per()})
	return slices.DeleteFunc(lines, func(l Line) bool { return l.Item != "events" && l.Price == 0 || l.Quantity == 0 })
}

// Invoices makes the invoices of a month, which any of its times names, in the order of issuer and name,
// and calls each for them; consumer is empty for all. Anonymous usage, which nobody pays, has none.
func (p Prices) Invoices(ctx context.Context, r ledger.Reader, month time.Time, consumer string, each func(*Invoice) error) error {
	month = ledger.Month.Start(month)
	usage := make(map[Consumer]map[string]ledger.Usage)
	q := ledger.Query{From: month, To: month.AddDate(0, 1, 0), Consumer: consumer}
	err := r.Hours(ctx, q, func(e ledger.Entry) error {
		of := Consumer{e.Issuer, e.Consumer}
		if of.Name == "" {
			return nil
		}
		if usage[of] == nil {
			usage[of] = make(map[string]ledger.Usage)
		}
		usage[of][e.Plan] = usage[of][e.Plan].Plus(e.Usage)
		return nil
	})
	if err != nil {
		return err
	}
	for _, of := range slices.SortedFunc(maps.Keys(usage), Consumer.compare) {
		invoice, err := p.NewInvoice(month, of, usage[of])
		if err != nil {
			return fmt.Errorf("billing: %w", err)
		}
		if err := each(invoice); err != nil {
			return err
		}
	}
	return nil
}

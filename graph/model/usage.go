package model

import (
	"maps"
	"slices"
	"time"

	"github.com/sluice-gateway/sluice/analytics/ledger"
	"github.com/sluice-gateway/sluice/analytics/ledger/billing"
)

// NewUsage is what is shown of an entry of the ledger.
func NewUsage(e ledger.Entry) Usage {
	return Usage{
		At: e.Hour, Consumer: orNull(e.Consumer), Issuer: orNull(e.Issuer), Plan: orNull(e.Plan), Field: e.Field,
		Events: e.Events, Bytes: e.Bytes, Requests: e.Requests,
		ConnectedSeconds: seconds(e.ConnectedMillis),
	}
}

func seconds(millis int64) float64 { return float64(millis) / 1000 }

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// NewInvoice is what is shown of an invoice.
func NewInvoice(i *billing.Invoice) Invoice {
	shown := Invoice{
		Month: i.Month, Consumer: i.Name, Issuer: orNull(i.Issuer), Unpriced: i.Unpriced,
		Lines: make([]InvoiceLine, len(i.Lines)), Totals: []Amount{},
	}
	for n, l := range i.Lines {
		shown.Lines[n] = InvoiceLine{
			Plan: l.Plan, Item: l.Item, Quantity: l.Quantity, Unit: l.Unit,
			Price: l.Price.String(), Per: l.Per, Currency: l.Currency, Amount: l.Amount.String(),
		}
	}
	for _, currency := range slices.Sorted(maps.Keys(i.Totals)) {
		shown.Totals = append(shown.Totals, Amount{Currency: currency, Amount: i.Totals[currency].String()})
	}
	return shown
}

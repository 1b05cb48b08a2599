package billing

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
)

// An Exporter writes invoices as a file, one after the other. Close ends the file; it does not close what
// it is written to.
type Exporter interface {
	Write(*Invoice) error
	Close() error
}

// NewExporter makes the exporter of a format, csv or json. CSV has the invoices' lines, behind them a line
// for each total and each plan without a price; JSON is one list of invoices.
func NewExporter(format string, w io.Writer) (Exporter, error) {
	switch format {
	case "csv":
		c := &csvExporter{csv.NewWriter(w)}
		return c, c.w.Write([]string{
			"month", "issuer", "consumer", "plan", "item", "unit", "quantity", "price", "per", "currency", "amount",
		})
	case "json":
		return &jsonExporter{w: w, before: "[\n", end: "[]\n"}, nil
	}
	return nil, fmt.Errorf("%q is neither csv nor json", format)
}

type csvExporter struct{ w *csv.Writer }

func (c *csvExporter) Write(i *Invoice) error {
	row := func(rest ...string) error { return c.w.Write(append([]string{i.Month, i.Issuer, i.Name}, rest...)) }
	for _, l := range i.Lines {
		err := row(l.Plan, l.Item, l.Unit, strconv.FormatInt(l.Quantity, 10), l.Price.String(), strconv.FormatInt(l.Per, 10), l.Currency, l.Amount.String())
		if err != nil {
			return err
		}
	}
	for _, plan := range i.Unpriced {
		if err := row(plan, "unpriced", "", "", "", "", "", ""); err != nil {
			return err
		}
	}
	for _, currency := range slices.Sorted(maps.Keys(i.Totals)) {
		if err := row("", "total", "", "", "", "", currency, i.Totals[currency].String()); err != nil {
			return err
		}
	}
	return nil
}

func (c *csvExporter) Close() error {
	c.w.Flush()
	return c.w.Error()
}

type jsonExporter struct {
	w           io.Writer
	before, end string
}

func (j *jsonExporter) Write(i *Invoice) error {
	text, err := json.Marshal(i)
	if err != nil {
		return err
	}
	_, err = io.WriteString(j.w, j.before+string(text))
	j.before, j.end = ",\n", "\n]\n"
	return err
}

func (j *jsonExporter) Close() error {
	_, err := io.WriteString(j.w, j.end)
	return err
}

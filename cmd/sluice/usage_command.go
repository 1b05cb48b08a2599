package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/sluice-gateway/sluice/analytics/ledger"
	"github.com/sluice-gateway/sluice/analytics/ledger/billing"
	"github.com/sluice-gateway/sluice/analytics/ledger/ledgerdb"
	"github.com/sluice-gateway/sluice/store"
)

const usageUsage = `sluice usage reads what consumers have had from the gateway's database, also while the gateway runs.

  sluice usage export --from 2026-11-01 --to 2026-12-01   prints usage by hour, as CSV
  sluice usage invoice --month 2026-11                    prints what every consumer owes, as JSON

sluice usage <command> --help lists the flags of a command. The database, and the prices of plans in the
configuration file's section prices, are the gateway's, read as the gateway reads them. Times are in UTC.
What a running gateway has counted in its latest seconds is not in the database yet.
`

// A usageCommand is what one call of sluice usage works with.
type usageCommand struct {
	env      func(string) (string, bool)
	out      io.Writer // for what was asked for, and nothing else: it can be piped
	notes    io.Writer // for everybody who reads along
	settings []string  // flags of the gateway that were given
}

// runUsage is sluice usage. Its error is a usageError, flag.ErrHelp, or says what went wrong.
func runUsage(ctx context.Context, args []string, env func(string) (string, bool), out, notes io.Writer) error {
	u := &usageCommand{env: env, out: out, notes: notes}
	name := "help"
	if len(args) > 0 {
		name, args = args[0], args[1:]
	}
	switch name {
	case "export":
		return u.export(ctx, args)
	case "invoice":
		return u.invoice(ctx, args)
	case "help", "-h", "-help", "--help":
		fmt.Fprint(notes, usageUsage)
		return flag.ErrHelp
	}
	return usageError{fmt.Errorf("there is no command %q; sluice usage help lists them", "sluice usage "+name)}
}

func (u *usageCommand) export(ctx context.Context, args []string) error {
	f := u.flagSet("export")
	var from, to moment
	f.Var(&from, "from", "`hour` of the first usage: 2026-11-01 or 2026-11-01T13:00:00Z")
	f.Var(&to, "to", "`hour` before which it ends; none: now")
	step := f.String("step", string(ledger.Hour), "add up by hour, day or `month`")
	format := f.String("format", "csv", "csv or `json`")
	consumer := f.String("consumer", "", "export only the usage of this `application`")
	if err := u.parse(f, args); err != nil {
		return err
	}
	by, err := ledger.ParseStep(*step)
	if err != nil {
		return usageError{fmt.Errorf("--step: %w", err)}
	}
	if from.IsZero() {
		return usageError{errors.New("sluice usage export: say from when on: --from 2026-11-01")}
	}
	if to.IsZero() {
		to.Time = time.Now()
	}
	out := bufio.NewWriter(u.out)
	exporter, err := ledger.NewExporter(*format, out, by)
	if err != nil {
		return usageError{fmt.Errorf("--format: %w", err)}
	}
	q := ledger.Query{From: from.Time, To: to.Time, Consumer: *consumer}
	return u.with(ctx, func(_ *Config, s *ledgerdb.Store) error {
		err := ledger.Sum(ctx, s, q, by, exporter.Write)
		if errors.Is(err, ledger.ErrRange) {
			return usageError{errors.New("--to is before --from")}
		}
		return finish(err, exporter, out)
	})
}

func (u *usageCommand) invoice(ctx context.Context, args []string) error {
	f := u.flagSet("invoice")
	var month moment
	f.Func("month", "the `month`: 2026-11", func(text string) (err error) {
		month.Time, err = ledger.ParseMonth(text)
		return err
	})
	format := f.String("format", "json", "json or `csv`")
	consumer := f.String("consumer", "", "only the invoice of this `application`")
	if err := u.parse(f, args); err != nil {
		return err
	}
	if month.IsZero() {
		return usageError{errors.New("sluice usage invoice: say which month: --month 2026-11")}
	}
	out := bufio.NewWriter(u.out)
	exporter, err := billing.NewExporter(*format, out)
	if err != nil {
		return usageError{fmt.Errorf("--format: %w", err)}
	}
	return u.with(ctx, func(c *Config, s *ledgerdb.Store) error {
		prices, err := loadPrices(c.file)
		if err != nil {
			return err
		}
		if len(prices) == 0 {
			return usageError{errors.New("there are no prices: write them into the section prices of the file that --config names")}
		}
		if time.Now().Before(month.AddDate(0, 1, 0)) {
			fmt.Fprintf(u.notes, "Note: %s is not over yet.\n", month.Format("2006-01"))
		}
		return finish(prices.Invoices(ctx, s, month.Time, *consumer, exporter.Write), exporter, out)
	})
}

// finish ends a file. One that is not whole is not ended: nobody takes it for one that is.
func finish(err error, exporter io.Closer, out *bufio.Writer) error {
	if err == nil {
		err = exporter.Close()
	}
	return errors.Join(err, out.Flush())
}

// with does something with the ledger of the database that the configuration names.
func (u *usageCommand) with(ctx context.Context, do func(*Config, *ledgerdb.Store) error) (err error) {
	c, err := Load(u.settings, u.env)
	if err != nil {
		return usageError{err}
	}
	if c.Database == store.Memory {
		return usageError{errors.New("a database in memory is the gateway's alone")}
	}
	if _, err := os.Stat(c.Database); err != nil && !store.IsURL(c.Database) {
		return usageError{fmt.Errorf("there is no database %s: name the gateway's by --database", c.Database)}
	}
	s, err := ledgerdb.Open(ctx, c.Database)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	return do(c, s)
}

// flagSet makes the flags that both commands have: settings of the gateway, which are handed on to where
// the gateway reads its own.
func (u *usageCommand) flagSet(command string) *flag.FlagSet {
	f := flag.NewFlagSet("sluice usage "+command, flag.ContinueOnError)
	f.SetOutput(io.Discard) // its errors are returned, and told once
	gateway := new(Config).flags()
	for _, name := range []string{"config", "database"} {
		f.Func(name, gateway.Lookup(name).Usage, func(value string) error {
			u.settings = append(u.settings, "--"+name+"="+value)
			return nil
		})
	}
	return f
}

func (u *usageCommand) parse(f *flag.FlagSet, args []string) error {
	err := f.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprintln(u.notes, f.Name())
		f.SetOutput(u.notes)
		f.PrintDefaults()
		return err
	case err != nil:
		return usageError{fmt.Errorf("%s: %w", f.Name(), err)}
	case f.NArg() > 0:
		return usageError{fmt.Errorf("%s takes no argument %q", f.Name(), f.Arg(0))}
	}
	return nil
}

// A moment is a setting: a full hour in UTC.
type moment struct{ time.Time }

// String implements flag.Value.
func (m *moment) String() string {
	if m.IsZero() {
		return ""
	}
	return m.Format(time.RFC3339)
}

// Set implements flag.Value.
func (m *moment) Set(text string) (err error) {
	m.Time, err = ledger.ParseHour(text)
	return err
}

package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/analytics/ledger"
	"github.com/sluice-gateway/sluice/analytics/ledger/ledgerdb"
)

// A usageReader calls sluice usage on a database and a configuration file of its own.
type usageReader struct {
	t                *testing.T
	database, config string
	notes            bytes.Buffer // of the latest call
}

const somePrices = `
prices:
  metered:
    currency: EUR
    month: 29
    events:
      - {to: 10, price: 0}
      - {price: 0.20, per: 1000}
    minutes: {price: 0.003}
    requests: {price: "0.50", per: 1000000}
  flat: {currency: USD, month: 10.5, events: {price: 0.000001}}
`

// newUsageReader fills a database: two consumers, every third hour of November 2026 and of the days beside it.
func newUsageReader(t *testing.T) *usageReader {
	t.Helper()
	u := &usageReader{t: t, database: filepath.Join(t.TempDir(), "shop.db"), config: filepath.Join(t.TempDir(), "sluice.yaml")}
	u.write(somePrices)
	s, err := ledgerdb.Open(t.Context(), u.database)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	b := &ledger.Batch{ID: "a", Node: "n", Sequence: 1, At: time.Date(2026, time.December, 3, 0, 0, 0, 0, time.UTC)}
	for at := time.Date(2026, time.October, 31, 0, 0, 0, 0, time.UTC); at.Before(b.At); at = at.Add(3 * time.Hour) {
		for plan, consumer := range map[string]string{"metered": "shop", "flat": "till"} {
			b.Entries = append(b.Entries, ledger.Entry{
				Key: ledger.Key{Consumer: consumer, Plan: plan, Field: "Subscription.tick"}, Hour: at,
				Usage: ledger.Usage{Events: 7, Bytes: 70, ConnectedMillis: 1001, Requests: 1},
			})
		}
	}
	if _, err := s.Import(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	return u
}

func (u *usageReader) write(config string) {
	u.t.Helper()
	if err := os.WriteFile(u.config, []byte(config), 0o600); err != nil {
		u.t.Fatal(err)
	}
}

func (u *usageReader) try(args ...string) (string, error) {
	u.t.Helper()
	var out bytes.Buffer
	u.notes.Reset()
	settings := map[string]string{"SLUICE_DATABASE": u.database, "SLUICE_CONFIG": u.config}
	if len(args) > 0 && args[0] != "help" {
		args = append(args, "--config", u.config)
	}
	err := runUsage(u.t.Context(), args, func(name string) (string, bool) {
		value, ok := settings[name]
		return value, ok
	}, &out, &u.notes)
	return out.String(), err
}

func (u *usageReader) run(args ...string) string {
	u.t.Helper()
	out, err := u.try(args...)
	if err != nil {
		u.t.Fatalf("sluice usage %q: %v", args, err)
	}
	return out
}

// events sums the column of an export in CSV.
func events(t *testing.T, out string) (n, rows int) {
	t.Helper()
	all, err := csv.NewReader(strings.NewReader(out)).ReadAll()
	if err != nil || len(all) == 0 || all[0][6] != "events" {
		t.Fatalf("%s (%v)", out, err)
	}
	for _, row := range all[1:] {
		one, err := strconv.Atoi(row[6])
		if err != nil {
			t.Fatal(err)
		}
		n, rows = n+one, rows+1
	}
	return n, rows
}

func TestADayOfTheExportIsTheSumOfItsHours(t *testing.T) {
	u := newUsageReader(t)
	for step, want := range map[string]int{"hour": 2 * 8 * 30, "day": 2 * 30, "month": 2} {
		n, rows := events(t, u.run("export", "--from", "2026-11-01", "--to", "2026-12-01", "--step", step))
		if n != 7*2*8*30 || rows != want {
			t.Errorf("by %s there are %d events in %d rows, want %d in %d", step, n, rows, 7*2*8*30, want)
		}
	}
	if n, _ := events(t, u.run("export", "--from", "2026-11-02T03:00:00Z", "--to", "2026-11-02T08:00:00+02:00", "--consumer", "till")); n != 7 {
		t.Errorf("one hour of one consumer has %d events, want 7", n)
	}
	var list []map[string]any
	out := u.run("export", "--from", "2026-11-30", "--to", "2026-12-01", "--format", "json", "--step", "day")
	if err := json.Unmarshal([]byte(out), &list); err != nil || len(list) != 2 || list[0]["consumer"] != "shop" || list[1]["events"] != float64(56) {
		t.Errorf("%s (%v)", out, err)
	}
}

func TestInvoices(t *testing.T) {
	u := newUsageReader(t)
	const want = "month,issuer,consumer,plan,item,unit,quantity,price,per,currency,amount\n" +
		"2026-11,,shop,metered,month,month,1,29.000000,1,EUR,29.000000\n" +
		"2026-11,,shop,metered,events,event,10,0.000000,1,EUR,0.000000\n" +
		"2026-11,,shop,metered,events,event,1670,0.200000,1000,EUR,0.334000\n" +
		"2026-11,,shop,metered,connected,ms,240240,0.003000,60000,EUR,0.012012\n" +
		"2026-11,,shop,metered,requests,request,240,0.500000,1000000,EUR,0.000120\n" +
		"2026-11,,shop,,total,,,,,EUR,29.346132\n"
	for range 2 {
		if out := u.run("invoice", "--month", "2026-11", "--consumer", "shop", "--format", "csv"); out != want {
			t.Errorf("the invoice is\n%s, want\n%s", out, want)
		}
	}
	var list []struct {
		Consumer string
		Totals   map[string]string
	}
	out := u.run("invoice", "--month", "2026-11")
	if err := json.Unmarshal([]byte(out), &list); err != nil || len(list) != 2 || list[1].Consumer != "till" || list[1].Totals["USD"] != "10.501680" {
		t.Errorf("%s (%v)", out, err)
	}
	u.run("invoice", "--month", "2999-01")
	if !strings.Contains(u.notes.String(), "not over yet") {
		t.Errorf("the notes are %q", &u.notes)
	}
}

func TestMistakesOfUsage(t *testing.T) {
	u := newUsageReader(t)
	for _, c := range []struct {
		name, want string
		args       []string
	}{
		{"an unknown command", "no command", []string{"exports"}},
		{"no begin", "--from", []string{"export"}},
		{"no day", "2026-11-01", []string{"export", "--from", "yesterday"}},
		{"half an hour", "full hour", []string{"export", "--from", "2026-11-01T00:30:00Z"}},
		{"an end before the begin", "--to is before --from", []string{"export", "--from", "2026-11-02", "--to", "2026-11-01"}},
		{"an unknown step", "--step", []string{"export", "--from", "2026-11-02", "--step", "week"}},
		{"an unknown format", "--format", []string{"export", "--from", "2026-11-02", "--format", "xml"}},
		{"no month", "--month", []string{"invoice"}},
		{"a day for a month", "2026-11", []string{"invoice", "--month", "2026-11-01"}},
		{"a format of invoices that is none", "--format", []string{"invoice", "--month", "2026-11", "--format", "xml"}},
		{"an argument", "no argument", []string{"invoice", "--month", "2026-11", "shop"}},
		{"a database that is not there", "no database", []string{"export", "--from", "2026-11-02", "--database", "/no/such.db"}},
		{"a database in memory", "in memory", []string{"export", "--from", "2026-11-02", "--database", ":memory:"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, err := u.try(c.args...)
			var mistake usageError
			if !errors.As(err, &mistake) || !strings.Contains(err.Error(), c.want) || out != "" {
				t.Errorf("it printed %q, %v; want a usageError with %q", out, err, c.want)
			}
		})
	}
	for _, args := range [][]string{{}, {"help"}, {"export", "--help"}} {
		if _, err := u.try(args...); !errors.Is(err, flag.ErrHelp) || u.notes.Len() == 0 {
			t.Errorf("%q: %v, %q", args, err, &u.notes)
		}
	}
}

func TestMistakesOfPricesAreToldWhereTheyStand(t *testing.T) {
	for _, c := range []struct{ name, config, want string }{
		{"a list", "prices: [1]", "write `plan:`"},
		{"an unknown member", "prices: {a: {currency: EUR, hunter2: 1}}", "unknown field"},
		{"no amount", "prices: {a: {currency: EUR, month: hunter2}}", "not an amount"},
		{"a float with an exponent", "prices: {a: {currency: EUR, month: 1e3}}", "not an amount"},
		{"seven digits", "prices: {a: {currency: EUR, requests: {price: 0.0000001}}}", "not an amount"},
		{"no currency", "prices: {a: {month: 1}}", "currency"},
		{"tiers that fall", "prices: {a: {currency: EUR, events: [{to: 5, price: 1}, {to: 4, price: 1}, {price: 1}]}}", "cannot come behind"},
		{"no prices at all", "demo: false", "there are no prices"},
	} {
		t.Run(c.name, func(t *testing.T) {
			u := newUsageReader(t)
			u.write(c.config)
			_, err := u.try("invoice", "--month", "2026-11")
			var mistake usageError
			if !errors.As(err, &mistake) || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the error is %v, want a usageError with %q", err, c.want)
			}
		})
	}
}

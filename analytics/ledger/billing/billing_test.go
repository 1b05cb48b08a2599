package billing

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sluice-gateway/sluice/analytics/ledger"
	"github.com/sluice-gateway/sluice/analytics/ledger/ledgerdb"
	"github.com/sluice-gateway/sluice/internal/pgtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var november = time.Date(2026, time.November, 1, 0, 0, 0, 0, time.UTC)

func money(t *testing.T, text string) Money {
	t.Helper()
	m, err := ParseMoney(text)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestMoney(t *testing.T) {
	for text, want := range map[string]string{
		"0": "0.000000", "12.5": "12.500000", "-0.000001": "-0.000001", "999999999999.999999": "999999999999.999999", "007": "7.000000",
	} {
		if m, err := ParseMoney(text); err != nil || m.String() != want {
			t.Errorf("%s is %s (%v), want %s", text, m, err, want)
		}
	}
	for _, text := range []string{"", "-", ".5", "5.", "1e3", "+1", "1,5", " 1", "0.0000001", "1000000000000", "0x1", "٣"} {
		if m, err := ParseMoney(text); err == nil {
			t.Errorf("%q is %s", text, m)
		}
	}
	if got := Money(math.MinInt64).String(); got != "-9223372036854.775808" {
		t.Errorf("the least amount is %s", got)
	}
}

func FuzzMoney(f *testing.F) {
	f.Add("12.50")
	f.Add("-0.000001")
	f.Fuzz(func(t *testing.T, text string) {
		m, err := ParseMoney(text)
		if err != nil {
			return
		}
		if again, err := ParseMoney(m.String()); err != nil || again != m {
			t.Errorf("%q is %s, which is %s (%v)", text, m, again, err)
		}
	})
}

func TestAmountsAreRoundedHalfAwayFromZero(t *testing.T) {
	for _, c := range []struct {
		price         Money
		quantity, per int64
		want          Money
	}{
		{1, 1, 2, 1},
		{1, -1, 2, -1},
		{1, 1, 3, 0},
		{1, 2, 3, 1},
		{5, 3, 10, 2},
		{5, 1, 11, 0},
		{math.MaxInt64, 1, 1, math.MaxInt64},
		{math.MaxInt64, 3, 3, math.MaxInt64},
	} {
		if got, err := c.price.times(c.quantity, c.per); got != c.want || err != nil {
			t.Errorf("%d × %d / %d is %d (%v), want %d", c.quantity, c.price, c.per, got, err, c.want)
		}
	}
	if _, err := Money(math.MaxInt64).times(2, 1); !errors.Is(err, ErrTooMuch) {
		t.Errorf("the error is %v, want ErrTooMuch", err)
	}
	if _, err := Money(math.MaxInt64).plus(1); !errors.Is(err, ErrTooMuch) {
		t.Errorf("the error is %v, want ErrTooMuch", err)
	}
	for range 1000 { // no amount is further than half a millionth from the true one
		price, quantity, per := rand.Int64N(1<<30), rand.Int64N(1<<30)-1<<29, 1+rand.Int64N(1000)
		got, err := Money(price).times(quantity, per)
		exact := big.NewRat(price, per)
		exact.Mul(exact, new(big.Rat).SetInt64(quantity))
		off := exact.Sub(exact, new(big.Rat).SetInt64(int64(got)))
		if err != nil || off.Abs(off).Cmp(big.NewRat(1, 2)) > 0 {
			t.Fatalf("%d × %d / %d is %d, off by %s (%v)", quantity, price, per, got, off, err)
		}
	}
}

func somePrices(t *testing.T) Prices {
	return Prices{
		"metered": {
			Currency: "EUR", Month: money(t, "29"),
			Events: []Tier{
				{To: 1000},
				{To: 5000, Rate: Rate{money(t, "0.20"), 1000}},
				{Rate: Rate{money(t, "0.1"), 1000}},
			},
			Minutes:  Rate{money(t, "0.003"), 0},
			Requests: Rate{money(t, "0.5"), 1_000_000},
		},
		"dollars": {Currency: "USD", Events: []Tier{{Rate: Rate{Price: 7}}}},
		"flat":    {Currency: "EUR", Month: money(t, "10")},
	}
}

func TestAnInvoice(t *testing.T) {
	for _, c := range []struct {
		name  string
		usage map[string]ledger.Usage
		lines string // item quantity amount
		total string
	}{
		{
			"events of the first tier alone",
			map[string]ledger.Usage{"metered": {Events: 1000}},
			"month 1 29.000000, events 1000 0.000000", "map[EUR:29.000000]",
		},
		{
			"each event costs what its own tier says",
			map[string]ledger.Usage{"metered": {Events: 7001}},
			"month 1 29.000000, events 1000 0.000000, events 4000 0.800000, events 2001 0.200100", "map[EUR:30.000100]",
		},
		{
			"minutes by the millisecond, and requests",
			map[string]ledger.Usage{"metered": {ConnectedMillis: 90_001, Requests: 3}},
			"month 1 29.000000, connected 90001 0.004500, requests 3 0.000002", "map[EUR:29.004502]",
		},
		{
			"a correction costs less than nothing",
			map[string]ledger.Usage{"dollars": {Events: -3}},
			"events -3 -0.000021", "map[USD:-0.000021]",
		},
		{
			"two plans in two currencies",
			map[string]ledger.Usage{"flat": {Events: 5}, "dollars": {Events: 1}},
			"events 1 0.000007, month 1 10.000000", "map[EUR:10.000000 USD:0.000007]",
		},
		{"a plan without a price", map[string]ledger.Usage{"free": {Events: 5}}, "", "map[]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			invoice, err := somePrices(t).NewInvoice(november, Consumer{Name: "shop"}, c.usage)
			if err != nil {
				t.Fatal(err)
			}
			var lines []string
			for _, l := range invoice.Lines {
				lines = append(lines, fmt.Sprintf("%s %d %s", l.Item, l.Quantity, l.Amount))
			}
			if got := strings.Join(lines, ", "); got != c.lines || fmt.Sprint(invoice.Totals) != c.total {
				t.Errorf("the lines are %q and the totals %v, want %q and %s", got, invoice.Totals, c.lines, c.total)
			}
		})
	}
}

func TestPricesThatCannotBe(t *testing.T) {
	for _, c := range []struct {
		name, want string
		plan       Plan
	}{
		{"no currency", "three capital letters", Plan{}},
		{"a negative price", "negative", Plan{Currency: "EUR", Month: -1}},
		{"tiers that fall", "cannot come behind", Plan{Currency: "EUR", Events: []Tier{{To: 5}, {To: 5}, {}}}},
		{"a last tier that ends", "the last says nothing", Plan{Currency: "EUR", Events: []Tier{{To: 5}}}},
		{"a first tier that does not end", "the last says nothing", Plan{Currency: "EUR", Events: []Tier{{}, {}}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := (Prices{"p": c.plan}).Check(); err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "p: ") {
				t.Errorf("the error is %v, want one with %q", err, c.want)
			}
		})
	}
	if err := somePrices(t).Check(); err != nil {
		t.Error(err)
	}
}

// batchesOf reads every batch back, and sums it as if it were the ledger.
func batchesOf(t *testing.T, s *ledgerdb.Store, month time.Time) map[Consumer]map[string]ledger.Usage {
	t.Helper()
	usage := make(map[Consumer]map[string]ledger.Usage)
	for {
		claimed, err := s.Claim(t.Context(), 10, 0)
		if err != nil {
			t.Fatal(err)
		}
		if len(claimed) == 0 {
			return usage
		}
		for _, b := range claimed {
			for _, e := range b.Entries {
				if !ledger.Month.Start(e.Hour).Equal(month) {
					continue
				}
				of := Consumer{e.Issuer, e.Consumer}
				if usage[of] == nil {
					usage[of] = make(map[string]ledger.Usage)
				}
				usage[of][e.Plan] = usage[of][e.Plan].Plus(e.Usage)
			}
		}
		if err := s.Sent(t.Context(), claimed); err != nil {
			t.Fatal(err)
		}
	}
}

// A month is written in batches of all sizes and orders, some of them twice; the invoice from the hours is
// that from the batches, to the last digit, and in every database.
func TestAnInvoiceIsReplayedToTheLastDigit(t *testing.T) {
	random := rand.New(rand.NewPCG(6, rand.Uint64()))
	var batches []*ledger.Batch
	for n := range 60 {
		b := &ledger.Batch{ID: fmt.Sprint(n), Node: "n", Sequence: int64(n), At: november.AddDate(0, 2, 0)}
		for range random.IntN(30) {
			b.Entries = append(b.Entries, ledger.Entry{
				Key: ledger.Key{
					Issuer: []string{"", "id"}[random.IntN(2)], Consumer: []string{"shop", "till"}[random.IntN(2)],
					Plan: []string{"metered", "dollars", "free"}[random.IntN(3)], Field: []string{"Query.a", "Subscription.b"}[random.IntN(2)],
				},
				Hour:  november.Add(time.Duration(random.IntN(32*24)-24) * time.Hour), // some are of the months beside it
				Usage: ledger.Usage{Events: random.Int64N(1e6) - 10, ConnectedMillis: random.Int64N(1e9), Requests: random.Int64N(1e6)},
			})
		}
		batches = append(batches, b)
	}
	var first []*Invoice
	for _, dsn := range []string{":memory:", filepath.Join(t.TempDir(), "usage.db"), pgtest.Start(t)} {
		s, err := ledgerdb.Open(t.Context(), dsn)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = s.Close() }()
		random.Shuffle(len(batches), func(i, j int) { batches[i], batches[j] = batches[j], batches[i] })
		for _, b := range append(batches, batches[:20]...) {
			if _, err := s.Import(t.Context(), b); err != nil {
				t.Fatal(err)
			}
		}
		var made []*Invoice
		err = somePrices(t).Invoices(t.Context(), s, november.AddDate(0, 0, 20), "", func(i *Invoice) error {
			made = append(made, i)
			return nil
		})
		if err != nil || len(made) != 4 {
			t.Fatalf("%d invoices (%v), want 4", len(made), err)
		}
		if first == nil {
			first = made
		}
		replayed := batchesOf(t, s, november)
		for n, i := range made {
			again, err := somePrices(t).NewInvoice(november, i.Consumer, replayed[i.Consumer])
			if err != nil || !reflect.DeepEqual(i, again) || !reflect.DeepEqual(i, first[n]) {
				t.Errorf("the invoice of %+v is\n%+v, from the batches\n%+v, from the first database\n%+v (%v)", i.Consumer, i, again, first[n], err)
			}
		}
	}
}

func TestExport(t *testing.T) {
	invoice, err := somePrices(t).NewInvoice(november, Consumer{"id", "shop"}, map[string]ledger.Usage{"flat": {Events: 1}, "free": {Events: 1}})
	if err != nil {
		t.Fatal(err)
	}
	const names = "month,issuer,consumer,plan,item,unit,quantity,price,per,currency,amount\n"
	const text = `{"month":"2026-11","issuer":"id","consumer":"shop","lines":[{"plan":"flat","item":"month","unit":"month","quantity":1,` +
		`"price":"10.000000","per":1,"currency":"EUR","amount":"10.000000"}],"totals":{"EUR":"10.000000"},"unpriced":["free"]}`
	for _, c := range []struct {
		name, format string
		invoices     []*Invoice
		want         string
	}{
		{"CSV without invoices has its columns", "csv", nil, names},
		{"CSV", "csv", []*Invoice{invoice}, names + "2026-11,id,shop,flat,month,month,1,10.000000,1,EUR,10.000000\n" +
			"2026-11,id,shop,free,unpriced,,,,,,\n2026-11,id,shop,,total,,,,,EUR,10.000000\n"},
		{"JSON without invoices is an empty list", "json", nil, "[]\n"},
		{"JSON", "json", []*Invoice{invoice, invoice}, "[\n" + text + ",\n" + text + "\n]\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out bytes.Buffer
			x, err := NewExporter(c.format, &out)
			if err != nil {
				t.Fatal(err)
			}
			for _, i := range c.invoices {
				if err := x.Write(i); err != nil {
					t.Fatal(err)
				}
			}
			if err := x.Close(); err != nil || out.String() != c.want {
				t.Errorf("%s (%v), want\n%s", &out, err, c.want)
			}
			if c.format == "json" && !json.Valid(out.Bytes()) {
				t.Error("it is no JSON")
			}
		})
	}
	if _, err := NewExporter("xml", nil); err == nil {
		t.Error("xml is a format")
	}
}

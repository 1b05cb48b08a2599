// Package ledgertest is the contract of the ledger's stores as tests.
package ledgertest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/analytics/ledger"
)

// A Store is everything that the ledger and its readers ask of one.
type Store interface {
	ledger.Store
	ledger.Reader
	Claim(ctx context.Context, limit int, lease time.Duration) ([]ledger.Batch, error)
	Sent(ctx context.Context, batches []ledger.Batch) error
}

// Noon is an hour of the suite.
var Noon = time.Date(2026, time.November, 21, 12, 0, 0, 0, time.UTC)

// Run runs the suite; open returns an empty store each time, which it closes when the test ends.
func Run(t *testing.T, open func(*testing.T) Store) {
	for _, c := range []struct {
		name string
		test func(*testing.T, Store)
	}{
		{"a batch is added to the sums", addsUp},
		{"the same batch changes nothing the second time", countsOnce},
		{"the same batch from many at once counts once", countsOnceTogether},
		{"many batches at once all count", countsAll},
		{"a batch with a key twice counts both", countsTwins},
		{"the largest figures are exact", countsExactly},
		{"hours come in order, in pages, by range, consumer and issuer", reads},
		{"a range that ends before it begins is refused", refusesRanges},
		{"an error of who reads ends the reading", endsReading},
		{"what is old is forgotten, and nothing else", prunes},
		{"an old batch that comes again changes no hour that is kept", prunesForGood},
		{"a batch is claimed by one, until it was sent", claims},
		{"what was claimed and not sent is claimed again", claimsAgain},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, open(t)) })
	}
}

// Batch makes a batch of entries, made at the end of the latest hour.
func Batch(id string, entries ...ledger.Entry) *ledger.Batch {
	at := time.Time{}
	for _, e := range entries {
		if end := e.Hour.Add(59 * time.Minute); end.After(at) {
			at = end
		}
	}
	return &ledger.Batch{ID: id, Node: "node", Sequence: 1, At: at, Entries: entries}
}

// Entry makes an entry of a consumer's events in the hour so many after Noon.
func Entry(consumer string, hour int, events int64) ledger.Entry {
	return ledger.Entry{
		Key:   ledger.Key{Consumer: consumer, Plan: "free", Field: "Subscription.tick"},
		Hour:  Noon.Add(time.Duration(hour) * time.Hour),
		Usage: ledger.Usage{Events: events, Bytes: 10 * events, ConnectedMillis: 3 * events, Requests: 1},
	}
}

func add(t *testing.T, s Store, b *ledger.Batch, want bool) {
	t.Helper()
	if added, err := s.Import(t.Context(), b); added != want || err != nil {
		t.Fatalf("import %s: %v, %v; want %v", b.ID, added, err, want)
	}
}

// All returns what a query finds.
func All(t *testing.T, r ledger.Reader, q ledger.Query) []ledger.Entry {
	t.Helper()
	var all []ledger.Entry
	err := r.Hours(t.Context(), q, func(e ledger.Entry) error { all = append(all, e); return nil })
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// ever is a query for everything.
var ever = ledger.Query{From: Noon.AddDate(-10, 0, 0), To: Noon.AddDate(10, 0, 0)}

func expect(t *testing.T, got []ledger.Entry, want ...ledger.Entry) {
	t.Helper()
	if len(got) != len(want) || len(want) > 0 && !reflect.DeepEqual(got, want) {
		t.Fatalf("the entries are\n%+v, want\n%+v", got, want)
	}
}

func addsUp(t *testing.T, s Store) {
	add(t, s, Batch("a", Entry("shop", 0, 1), Entry("shop", 1, 2)), true)
	add(t, s, Batch("b", Entry("shop", 0, 40), Entry("till", 0, 5)), true)
	both := Entry("shop", 0, 41)
	both.Requests = 2
	expect(t, All(t, s, ever), both, Entry("till", 0, 5), Entry("shop", 1, 2))
}

func countsOnce(t *testing.T, s Store) {
	add(t, s, Batch("a", Entry("shop", 0, 1)), true)
	add(t, s, Batch("a", Entry("shop", 0, 1)), false)
	add(t, s, Batch("a", Entry("shop", 0, 99), Entry("till", 3, 9)), false)
	expect(t, All(t, s, ever), Entry("shop", 0, 1))
}

func countsOnceTogether(t *testing.T, s Store) {
	var all sync.WaitGroup
	var mu sync.Mutex // guards news
	news := 0
	for range 8 {
		all.Go(func() {
			added, err := s.Import(t.Context(), Batch("a", Entry("shop", 0, 1)))
			mu.Lock()
			defer mu.Unlock()
			if added {
				news++
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if news != 1 {
		t.Errorf("%d calls have added it, want 1", news)
	}
	expect(t, All(t, s, ever), Entry("shop", 0, 1))
}

func countsAll(t *testing.T, s Store) {
	const nodes, batches = 4, 10
	var all sync.WaitGroup
	for node := range nodes {
		all.Go(func() {
			for n := range batches {
				entries := []ledger.Entry{Entry("a", 0, 1), Entry("b", 0, 1), Entry("c", 0, 1)}
				rand.Shuffle(3, func(i, j int) { entries[i], entries[j] = entries[j], entries[i] })
				if _, err := s.Import(t.Context(), Batch(fmt.Sprint(node, "/", n), entries...)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	for _, e := range All(t, s, ever) {
		if e.Events != nodes*batches || e.Requests != nodes*batches {
			t.Errorf("%s has %+v, want %d events", e.Consumer, e.Usage, nodes*batches)
		}
	}
}

func countsTwins(t *testing.T, s Store) {
	add(t, s, Batch("a", Entry("shop", 0, 1), Entry("shop", 0, 2)), true)
	if all := All(t, s, ever); len(all) != 1 || all[0].Events != 3 {
		t.Errorf("the entries are %+v, want one with 3 events", all)
	}
}

func countsExactly(t *testing.T, s Store) {
	const most = 1<<62 - 1 // a float has 53 bits
	e := Entry("shop", 0, 0)
	e.Usage = ledger.Usage{Events: most, Bytes: most, ConnectedMillis: most, Requests: most}
	add(t, s, Batch("a", e), true)
	one := Entry("shop", 0, 0)
	one.Usage = ledger.Usage{Events: 1, Bytes: 1, ConnectedMillis: -1, Requests: 1}
	add(t, s, Batch("b", one), true)
	e.Usage = e.Plus(one.Usage)
	expect(t, All(t, s, ever), e)
}

func reads(t *testing.T, s Store) {
	var want []ledger.Entry
	for hour := range 3 {
		for _, issuer := range []string{"", "https://id.example"} {
			for n := range 400 {
				e := Entry(fmt.Sprintf("Ä%03d", n), hour, int64(n+1))
				e.Issuer = issuer
				want = append(want, e)
			}
		}
	}
	shuffled := append([]ledger.Entry(nil), want...)
	rand.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
	for n := 0; n < len(shuffled); n += 600 {
		add(t, s, Batch(fmt.Sprint(n), shuffled[n:n+600]...), true)
	}
	expect(t, All(t, s, ever), want...)
	expect(t, All(t, s, ledger.Query{From: Noon.Add(time.Hour), To: Noon.Add(2 * time.Hour)}), want[800:1600]...)
	expect(t, All(t, s, ledger.Query{From: Noon.Add(time.Minute), To: Noon.Add(time.Hour)}))

	one := ever
	one.Consumer = "Ä007"
	expect(t, All(t, s, one), want[7], want[407], want[807], want[1207], want[1607], want[2007])
	one.Issuer = new("")
	expect(t, All(t, s, one), want[7], want[807], want[1607])
	one.Consumer, one.From, one.To = "", Noon, Noon.Add(time.Hour)
	expect(t, All(t, s, one), want[:400]...)
}

func refusesRanges(t *testing.T, s Store) {
	err := s.Hours(t.Context(), ledger.Query{From: Noon, To: Noon.Add(-1)}, func(ledger.Entry) error { return nil })
	if !errors.Is(err, ledger.ErrRange) {
		t.Errorf("the error is %v, want ErrRange", err)
	}
}

func endsReading(t *testing.T, s Store) {
	add(t, s, Batch("a", Entry("shop", 0, 1), Entry("shop", 1, 2)), true)
	stop, calls := errors.New("stop"), 0
	err := s.Hours(t.Context(), ever, func(ledger.Entry) error { calls++; return stop })
	if !errors.Is(err, stop) || calls != 1 {
		t.Errorf("%d calls, %v; want one, and its error", calls, err)
	}
}

func prunes(t *testing.T, s Store) {
	for hour := range 4 {
		add(t, s, Batch(fmt.Sprint(hour), Entry("shop", hour, 1), Entry("till", hour, 1)), true)
	}
	if err := s.Prune(t.Context(), Noon.Add(2*time.Hour)); err != nil {
		t.Fatal(err)
	}
	expect(t, All(t, s, ever), Entry("shop", 2, 1), Entry("till", 2, 1), Entry("shop", 3, 1), Entry("till", 3, 1))
	add(t, s, Batch("2", Entry("shop", 2, 1)), false)
}

func prunesForGood(t *testing.T, s Store) {
	old := Batch("old", Entry("shop", 0, 1))
	add(t, s, old, true)
	add(t, s, Batch("new", Entry("shop", 2, 1)), true)
	for range 2 {
		if err := s.Prune(t.Context(), Noon.Add(2*time.Hour)); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Import(t.Context(), old); err != nil {
			t.Fatal(err)
		}
		kept := ledger.Query{From: Noon.Add(2 * time.Hour), To: ever.To}
		expect(t, All(t, s, kept), Entry("shop", 2, 1))
	}
}

func claim(t *testing.T, s Store, lease time.Duration, want ...string) []ledger.Batch {
	t.Helper()
	claimed, err := s.Claim(t.Context(), 2, lease)
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, b := range claimed {
		ids = append(ids, b.ID)
	}
	if !reflect.DeepEqual(ids, want) {
		t.Fatalf("%q were claimed, want %q", ids, want)
	}
	return claimed
}

func claims(t *testing.T, s Store) {
	for hour, id := range []string{"a", "b", "c"} {
		add(t, s, Batch(id, Entry("shop", hour, 1)), true)
	}
	first := claim(t, s, time.Hour, "a", "b")
	if want := *Batch("a", Entry("shop", 0, 1)); !reflect.DeepEqual(first[0], want) {
		t.Errorf("the batch is\n%+v, want\n%+v", first[0], want)
	}
	second := claim(t, s, time.Hour, "c")
	claim(t, s, time.Hour)
	for _, batches := range [][]ledger.Batch{first, second} {
		if err := s.Sent(t.Context(), batches); err != nil {
			t.Fatal(err)
		}
	}
	claim(t, s, time.Hour)
	add(t, s, Batch("a", Entry("shop", 0, 1)), false)
	claim(t, s, time.Hour)
}

func claimsAgain(t *testing.T, s Store) {
	add(t, s, Batch("a", Entry("shop", 0, 1)), true)
	claim(t, s, 0, "a")
	if err := s.Sent(t.Context(), claim(t, s, 0, "a")); err != nil {
		t.Fatal(err)
	}
	claim(t, s, 0)
}

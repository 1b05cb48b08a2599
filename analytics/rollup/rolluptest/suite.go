// Package rolluptest is the contract of the stores of package rollup as tests.
package rolluptest

import (
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/analytics"
	"github.com/sluice-gateway/sluice/analytics/rollup"
)

// A Store is everything that a Roller and who reads ask of one.
type Store interface {
	rollup.Store
	rollup.Reader
}

// Noon is a time of the suite.
var Noon = time.Date(2025, time.November, 21, 12, 0, 0, 0, time.UTC)

// Run runs the suite; open returns an empty store each time, which it closes when the test ends.
func Run(t *testing.T, open func(*testing.T) Store) {
	for _, c := range []struct {
		name string
		test func(*testing.T, Store)
	}{
		{"what nodes add is added up", addsUp},
		{"the same batch changes nothing the second time", countsOnce},
		{"the same batch from many at once counts once", countsOnceTogether},
		{"many nodes at once all count", countsAll},
		{"a batch with the same twice counts both", countsTwins},
		{"the largest figures are exact", countsExactly},
		{"names are kept as they are", keepsNames},
		{"every figure comes back", keepsFigures},
		{"a node that was forgotten begins anew", forgetsNodes},
		{"steps are read apart, from a time and before another", readsSteps},
		{"whose operations are wanted, and which", filters},
		{"a filter that finds many series", filtersMany},
		{"the first of every dimension", tops},
		{"the first in every order", orders},
		{"endings by step and code", readsEndings},
		{"latencies by step and field", readsLatencies},
		{"gauges are averages over their step", readsGauges},
		{"what cannot be answered is refused", refuses},
		{"a step is forgotten when its time is over, and nothing else", prunes},
		{"much is forgotten, by many at once", prunesMuch},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, open(t)) })
	}
}

// shop are labels of the suite.
var shop = analytics.Labels{
	Kind: "subscription", Operation: "Prices", Document: "0badcafe", Field: "Subscription.priceChanged", Topic: "price.{id}",
	Consumer: "shop", Issuer: "https://id.example", Plan: "gold", Transport: "websocket", Client: "web", Version: "2", Country: "DE",
}

// Batch makes a node's batch of entries.
func Batch(node string, sequence int64, entries ...rollup.Entry) *rollup.Batch {
	b := &rollup.Batch{Node: node, Sequence: sequence, At: Noon, Entries: entries}
	for _, e := range entries {
		if e.At.After(b.At) {
			b.At = e.At
		}
	}
	return b
}

// Entry makes an entry of so many events, in the step so many after Noon.
func Entry(s rollup.Step, n int, l analytics.Labels, events int64) rollup.Entry {
	at := s.Start(Noon).Add(time.Duration(n) * s.Length())
	return rollup.Entry{Step: s, At: at, Labels: l, Counts: rollup.Counts{Events: events, Bytes: 10 * events, Started: 1}}
}

func add(t *testing.T, s Store, batches ...*rollup.Batch) {
	t.Helper()
	for _, b := range batches {
		if err := s.Add(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
}

// around is a query for the steps around Noon.
func around(s rollup.Step) rollup.Query {
	from := s.Start(Noon)
	return rollup.Query{Step: s, From: from.Add(-1000 * s.Length()), To: from.Add(1000 * s.Length())}
}

func series(t *testing.T, s Store, q rollup.Query) []rollup.Point {
	t.Helper()
	points, err := s.Series(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	return points
}

// Sum is all that a query finds.
func Sum(t *testing.T, r rollup.Reader, q rollup.Query) rollup.Counts {
	t.Helper()
	points, err := r.Series(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	var sum rollup.Counts
	for _, p := range points {
		sum = sum.Plus(p.Counts)
	}
	return sum
}

// expect compares lists, which are the same when both are empty.
func expect[T any](t *testing.T, what string, got []T, want ...T) {
	t.Helper()
	if len(got)+len(want) > 0 && !reflect.DeepEqual(got, want) {
		t.Errorf("%s:\n%+v, want\n%+v", what, got, want)
	}
}

func shuffle[T any](all []T) {
	rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
}

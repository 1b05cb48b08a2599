package rolluptest

import (
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/analytics"
	"github.com/sluice-gateway/sluice/analytics/rollup"
)

func addsUp(t *testing.T, s Store) {
	add(t, s,
		Batch("a", 1, Entry(rollup.Second, 0, shop, 1), Entry(rollup.Minute, 0, shop, 1)),
		Batch("a", 2, Entry(rollup.Second, 1, shop, 2), Entry(rollup.Minute, 0, shop, 2)),
		Batch("b", 1, Entry(rollup.Second, 1, shop, 40), Entry(rollup.Minute, 0, shop, 40)))
	expect(t, "seconds", series(t, s, around(rollup.Second)),
		rollup.Point{At: Noon, Counts: rollup.Counts{Events: 1, Bytes: 10, Started: 1}},
		rollup.Point{At: Noon.Add(time.Second), Counts: rollup.Counts{Events: 42, Bytes: 420, Started: 2}})
	expect(t, "minutes", series(t, s, around(rollup.Minute)),
		rollup.Point{At: Noon, Counts: rollup.Counts{Events: 43, Bytes: 430, Started: 3}})
	expect(t, "hours", series(t, s, around(rollup.Hour)))
}

// full is a batch with something for every table.
func full(node string, sequence int64) *rollup.Batch {
	e := Entry(rollup.Second, 0, shop, 1)
	e.Endings = map[string]int64{"INTERNAL": 1}
	b := Batch(node, sequence, e)
	b.Timings = []rollup.Timing{{Step: rollup.Second, At: Noon, Field: shop.Field, Sketch: analytics.Sketch{300: 1}}}
	b.Levels = []rollup.Level{{Step: rollup.Second, At: Noon, Name: "sessions", Millis: 1000}}
	return b
}

// expectFull fails unless so many full batches have counted.
func expectFull(t *testing.T, s Store, n int64) {
	t.Helper()
	q := around(rollup.Second)
	expect(t, "points", series(t, s, q), rollup.Point{At: Noon, Counts: rollup.Counts{Events: n, Bytes: 10 * n, Started: n}})
	endings, err := s.Endings(t.Context(), q)
	expect(t, "endings", endings, rollup.Ending{At: Noon, Code: "INTERNAL", N: n})
	timings, err2 := s.Latencies(t.Context(), q)
	expect(t, "latencies", timings, rollup.Timing{Step: rollup.Second, At: Noon, Field: shop.Field, Sketch: analytics.Sketch{300: uint64(n)}})
	gauges, err3 := s.Gauges(t.Context(), q)
	expect(t, "gauges", gauges, rollup.Gauge{At: Noon, Name: "sessions", Average: float64(n)})
	if err != nil || err2 != nil || err3 != nil {
		t.Error(err, err2, err3)
	}
}

func countsOnce(t *testing.T, s Store) {
	add(t, s, full("a", 5), full("a", 5))
	expectFull(t, s, 1)
	add(t, s, full("a", 4))
	expectFull(t, s, 1)
	add(t, s, full("a", 7), full("b", 1), full("a", 7), full("b", 1))
	expectFull(t, s, 3)
}

func countsOnceTogether(t *testing.T, s Store) {
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if err := s.Add(t.Context(), full("a", 1)); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	expectFull(t, s, 1)
}

func countsAll(t *testing.T, s Store) {
	const nodes, batches, names = 4, 8, 20
	var all sync.WaitGroup
	for node := range nodes {
		all.Go(func() {
			for n := range batches {
				b := full(fmt.Sprint("node", node), int64(n+1))
				for i := range names {
					l := shop
					l.Operation = fmt.Sprint(i)
					e := Entry(rollup.Minute, i%3, l, 1)
					e.Endings = map[string]int64{"A": 1, "B": 1}
					b.Entries = append(b.Entries, e)
					b.Levels = append(b.Levels, rollup.Level{Step: rollup.Hour, At: Noon, Name: fmt.Sprint(i), Millis: 1})
				}
				shuffle(b.Entries)
				shuffle(b.Levels)
				if err := s.Add(t.Context(), b); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if sum := Sum(t, s, around(rollup.Minute)); sum.Events != nodes*batches*names {
		t.Errorf("%d events, want %d", sum.Events, nodes*batches*names)
	}
	expectFull(t, s, nodes*batches)
}

func countsTwins(t *testing.T, s Store) {
	b := full("a", 1)
	b.Entries = append(b.Entries, b.Entries...)
	b.Timings = append(b.Timings, b.Timings...)
	b.Levels = append(b.Levels, b.Levels...)
	add(t, s, b)
	expectFull(t, s, 2)
}

func countsExactly(t *testing.T, s Store) {
	const most = 1<<62 - 1 // a float has 53 bits
	e := Entry(rollup.Day, 0, shop, 0)
	e.Counts = rollup.Counts{Events: most, Bytes: most, ConnectedMillis: most}
	one := e
	one.Counts = rollup.Counts{Events: 1, Bytes: 1, ConnectedMillis: 1}
	add(t, s, Batch("a", 1<<62, e), Batch("a", 1<<62+1, one))
	if got, want := Sum(t, s, around(rollup.Day)), e.Counts.Plus(one.Counts); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func keepsNames(t *testing.T, s Store) {
	names := []string{"", "a", "A", "ab", "Ä", "'; DROP TABLE rollup_point; --", `"\u0041"`, "🦊", "a b\n\t", strings.Repeat("x", 256), "null", "0", "[1]"}
	b := Batch("a", 1)
	for i, name := range names {
		e := Entry(rollup.Minute, 0, analytics.Labels{Operation: name, Document: name, Kind: name, Field: name}, int64(1000-i))
		if name != "" {
			e.Endings = map[string]int64{name: 1}
		}
		b.Entries = append(b.Entries, e)
		b.Timings = append(b.Timings, rollup.Timing{Step: rollup.Minute, At: Noon, Field: name, Sketch: analytics.Sketch{300: 1}})
		b.Levels = append(b.Levels, rollup.Level{Step: rollup.Minute, At: Noon, Name: name, Millis: 60_000})
	}
	add(t, s, b)
	q := around(rollup.Minute)
	rows, err := s.Top(t.Context(), q, rollup.ByOperation, rollup.OfEvents, 100)
	if err != nil || len(rows) != len(names) {
		t.Fatalf("%d rows (%v), want %d", len(rows), err, len(names))
	}
	for i, name := range names {
		if want := b.Entries[i].Labels; rows[i].Labels != want {
			t.Errorf("the labels are %+q, want %+q", rows[i].Labels, want)
		}
		q.Where = rollup.Where{Operation: name}
		if n := Sum(t, s, q).Events; name != "" && n != int64(1000-i) {
			t.Errorf("%q has %d events, want %d", name, n, 1000-i)
		}
	}
	endings, err := s.Endings(t.Context(), around(rollup.Minute))
	if err != nil || len(endings) != len(names)-1 {
		t.Errorf("%d endings (%v), want %d", len(endings), err, len(names)-1)
	}
	timings, err := s.Latencies(t.Context(), around(rollup.Minute))
	if err != nil || len(timings) != len(names) {
		t.Errorf("%d latencies (%v), want %d", len(timings), err, len(names))
	}
	gauges, err := s.Gauges(t.Context(), around(rollup.Minute))
	if err != nil || len(gauges) != len(names) {
		t.Errorf("%d gauges (%v), want %d", len(gauges), err, len(names))
	}
}

func keepsFigures(t *testing.T, s Store) {
	var want rollup.Counts
	figures := reflect.ValueOf(&want).Elem()
	n := int64(0)
	for i := range figures.NumField() {
		field := figures.Field(i)
		if field.Kind() != reflect.Array {
			n++
			field.SetInt(n)
			continue
		}
		for j := range field.Len() {
			n++
			field.Index(j).SetInt(n)
		}
	}
	e := Entry(rollup.Hour, 0, shop, 0)
	e.Counts = want
	add(t, s, Batch("a", 1, e))
	expect(t, "points", series(t, s, around(rollup.Hour)), rollup.Point{At: Noon, Counts: want})
	rows, err := s.Top(t.Context(), around(rollup.Hour), rollup.ByPlan, rollup.OfDrops, 1)
	if err != nil {
		t.Fatal(err)
	}
	expect(t, "rows", rows, rollup.Row{Labels: analytics.Labels{Plan: "gold"}, Counts: want})
}

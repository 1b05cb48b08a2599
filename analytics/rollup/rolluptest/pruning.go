package rolluptest

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/analytics"
	"github.com/sluice-gateway/sluice/analytics/rollup"
)

// aged is a batch with a row in every table, for each of so many steps before Noon.
func aged(node string, s rollup.Step, n int) *rollup.Batch {
	b := Batch(node, int64(s))
	for i := range n {
		e := Entry(s, -i, shop, 1)
		e.Endings = map[string]int64{"INTERNAL": 1}
		b.Entries = append(b.Entries, e)
		b.Timings = append(b.Timings, rollup.Timing{Step: s, At: e.At, Field: "S.a", Sketch: analytics.Sketch{300: 1}})
		b.Levels = append(b.Levels, rollup.Level{Step: s, At: e.At, Name: "sessions", Millis: int64(s) * 1000})
	}
	return b
}

// expectSteps fails unless there are so many steps of one length in every table.
func expectSteps(t *testing.T, s Store, q rollup.Query, want int) {
	t.Helper()
	points, err1 := s.Series(t.Context(), q)
	endings, err2 := s.Endings(t.Context(), q)
	timings, err3 := s.Latencies(t.Context(), q)
	gauges, err4 := s.Gauges(t.Context(), q)
	if err1 != nil || err2 != nil || err3 != nil || err4 != nil {
		t.Fatal(err1, err2, err3, err4)
	}
	if len(points) != want || len(endings) != want || len(timings) != want || len(gauges) != want {
		t.Errorf("of a %s: %d points, %d endings, %d latencies, %d gauges, want %d", q.Step, len(points), len(endings), len(timings), len(gauges), want)
	}
}

func prunes(t *testing.T, s Store) {
	for _, step := range rollup.Steps {
		add(t, s, aged("a", step, 20))
	}
	prune := func(keep rollup.Keep) {
		t.Helper()
		if err := s.Prune(t.Context(), Noon, keep); err != nil {
			t.Fatal(err)
		}
	}
	prune(rollup.Keep{})
	for _, step := range rollup.Steps {
		expectSteps(t, s, around(step), 20)
	}
	prune(rollup.Keep{Second: 9 * time.Second, Minute: 4 * time.Minute, Hour: 2 * time.Hour})
	expectSteps(t, s, around(rollup.Second), 10) // with the one that it was 9 s ago
	expectSteps(t, s, around(rollup.Minute), 5)
	expectSteps(t, s, around(rollup.Hour), 3)
	expectSteps(t, s, around(rollup.Day), 20)

	// A step is kept for as long as the shorter ones.
	prune(rollup.Keep{Second: time.Second, Minute: 1, Hour: 1, Day: 1})
	expectSteps(t, s, around(rollup.Second), 2)
	expectSteps(t, s, around(rollup.Minute), 2) // a second ago it was another one
	expectSteps(t, s, around(rollup.Hour), 2)
	expectSteps(t, s, around(rollup.Day), 1)
}

func prunesMuch(t *testing.T, s Store) {
	const names = 60
	b := Batch("a", 1)
	for n := range 100 {
		for i := range names {
			l := shop
			l.Operation = fmt.Sprint(i)
			b.Entries = append(b.Entries, Entry(rollup.Second, -n, l, 1))
		}
	}
	add(t, s, b)
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			if err := s.Prune(t.Context(), Noon, rollup.Keep{Second: 9 * time.Second}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if sum := Sum(t, s, around(rollup.Second)); sum.Events != 10*names {
		t.Errorf("%d events are left, want %d", sum.Events, 10*names)
	}
}

func forgetsNodes(t *testing.T, s Store) {
	add(t, s, full("a", 5))
	for hours, want := range []int64{1, 1} { // after 0 and 24 hours it is known
		if err := s.Prune(t.Context(), Noon.Add(time.Duration(24*hours)*time.Hour), rollup.Keep{Second: rollup.Forever}); err != nil {
			t.Fatal(err)
		}
		add(t, s, full("a", 5))
		expectFull(t, s, want)
	}
	if err := s.Prune(t.Context(), Noon.Add(24*time.Hour+time.Second), rollup.Keep{Second: rollup.Forever}); err != nil {
		t.Fatal(err)
	}
	add(t, s, full("a", 1))
	expectFull(t, s, 2)
}

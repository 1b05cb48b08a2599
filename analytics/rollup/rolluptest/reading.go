package rolluptest

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/analytics"
	"github.com/sluice-gateway/sluice/analytics/rollup"
)

func readsSteps(t *testing.T, s Store) {
	b := Batch("a", 1)
	for _, step := range rollup.Steps {
		for n := range 5 {
			b.Entries = append(b.Entries, Entry(step, n, shop, int64(step)+int64(n)))
		}
	}
	shuffle(b.Entries)
	add(t, s, b)
	for _, step := range rollup.Steps {
		from := step.Start(Noon)
		for _, c := range []struct {
			name     string
			from, to time.Duration
			want     []int64 // which of the steps
		}{
			{"all", 0, 5 * step.Length(), []int64{0, 1, 2, 3, 4}},
			{"one", step.Length(), 2 * step.Length(), []int64{1}},
			{"a range that begins and ends within steps", step.Length() + 1, 3*step.Length() + 1, []int64{2, 3}},
			{"a range within a step", 1, step.Length(), nil},
			{"none", step.Length(), step.Length(), nil},
			{"what was before", -5 * step.Length(), 0, nil},
		} {
			var got []int64
			for _, p := range series(t, s, rollup.Query{Step: step, From: from.Add(c.from), To: from.Add(c.to)}) {
				n := p.Events - int64(step)
				if want := from.Add(time.Duration(n) * step.Length()); p.At != want {
					t.Errorf("%s: the point is at %v, want %v", step, p.At, want)
				}
				got = append(got, n)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("%s, %s: %v, want %v", step, c.name, got, c.want)
			}
		}
	}
}

func filters(t *testing.T, s Store) {
	other := analytics.Labels{
		Kind: "query", Operation: "Stock", Document: "00c0ffee", Field: "Query.stock", Topic: "stock.{id}", Consumer: "till",
		Plan: "free", Transport: "http", Client: "ios", Version: "1", Country: "FR",
	}
	till := shop
	till.Consumer, till.Issuer = "till", "https://other.example"
	for n, step := range rollup.Steps {
		add(t, s, Batch("a", int64(n+1), Entry(step, 0, shop, 1), Entry(step, 0, other, 10), Entry(step, 1, till, 100)))
	}
	for _, c := range []struct {
		where rollup.Where
		want  int64
	}{
		{rollup.Where{}, 111},
		{rollup.Where{Kind: "subscription"}, 101},
		{rollup.Where{Operation: "Stock"}, 10},
		{rollup.Where{Document: "0badcafe"}, 101},
		{rollup.Where{Field: "Query.stock"}, 10},
		{rollup.Where{Topic: "price.{id}"}, 101},
		{rollup.Where{Consumer: "shop"}, 1},
		{rollup.Where{Consumer: "till"}, 110},
		{rollup.Where{Consumer: "till", Issuer: new("")}, 10},
		{rollup.Where{Consumer: "till", Issuer: new("https://other.example")}, 100},
		{rollup.Where{Issuer: new("https://id.example")}, 1},
		{rollup.Where{Plan: "free"}, 10},
		{rollup.Where{Transport: "websocket"}, 101},
		{rollup.Where{Client: "ios"}, 10},
		{rollup.Where{Country: "DE"}, 101},
		{rollup.Where{Country: "DE", Consumer: "till"}, 100},
		{rollup.Where{Country: "FR", Consumer: "shop"}, 0},
		{rollup.Where{Operation: "nobody's"}, 0},
	} {
		for _, step := range rollup.Steps {
			q := around(step)
			q.Where = c.where
			if got := Sum(t, s, q).Events; got != c.want {
				t.Errorf("%s, %+v: %d events, want %d", step, c.where, got, c.want)
			}
		}
	}
}

func filtersMany(t *testing.T, s Store) {
	const many = 500
	for n, step := range rollup.Steps {
		b := Batch("a", int64(n+1))
		for i := range many {
			l := shop
			l.Client, l.Country = fmt.Sprint(i), []string{"DE", "FR"}[i%2]
			e := Entry(step, 0, l, int64(i))
			e.Endings = map[string]int64{"INTERNAL": 1}
			b.Entries = append(b.Entries, e)
		}
		add(t, s, b)
		q := around(step)
		q.Where.Country = "FR"
		if sum := Sum(t, s, q); sum.Events != many*many/4 || sum.Started != many/2 {
			t.Errorf("%s: %+v", step, sum)
		}
		rows, err := s.Top(t.Context(), q, rollup.ByClient, rollup.OfEvents, 2)
		if err != nil || len(rows) != 2 || rows[0].Labels.Client != "499" || rows[1].Labels.Client != "497" {
			t.Errorf("%s: %+v (%v)", step, rows, err)
		}
		endings, err := s.Endings(t.Context(), q)
		if err != nil || len(endings) != 1 || endings[0].N != many/2 {
			t.Errorf("%s: %+v (%v)", step, endings, err)
		}
	}
}

func tops(t *testing.T, s Store) {
	var other analytics.Labels
	other.Operation = "Stock"
	third := shop
	third.Version, third.Consumer, third.Subject = "3", "till", "ann"
	add(t, s, Batch("a", 1, Entry(rollup.Hour, 0, shop, 5), Entry(rollup.Hour, 1, other, 7), Entry(rollup.Hour, 2, third, 5)))
	for by, want := range map[rollup.Dimension][]analytics.Labels{
		rollup.ByOperation: {{Operation: "Prices", Document: "0badcafe", Kind: "subscription", Field: "Subscription.priceChanged"}, {Operation: "Stock"}},
		rollup.ByConsumer: {
			{}, {Consumer: "shop", Issuer: "https://id.example", Plan: "gold"}, {Consumer: "till", Issuer: "https://id.example", Plan: "gold"},
		},
		rollup.ByPlan:      {{Plan: "gold"}, {}},
		rollup.ByField:     {{Field: "Subscription.priceChanged"}, {}},
		rollup.ByTopic:     {{Topic: "price.{id}"}, {}},
		rollup.ByClient:    {{}, {Client: "web", Version: "2"}, {Client: "web", Version: "3"}},
		rollup.ByTransport: {{Transport: "websocket"}, {}},
		rollup.ByCountry:   {{Country: "DE"}, {}},
	} {
		for n := 1; n <= 4; n++ {
			rows, err := s.Top(t.Context(), around(rollup.Hour), by, rollup.OfEvents, n)
			if err != nil {
				t.Fatal(err)
			}
			var got []analytics.Labels
			for _, row := range rows {
				got = append(got, row.Labels)
			}
			expect(t, fmt.Sprintf("the first %d by %s", n, by), got, want[:min(n, len(want))]...)
		}
	}
	q := around(rollup.Hour)
	q.Where.Consumer = "till"
	rows, err := s.Top(t.Context(), q, rollup.ByCountry, rollup.OfEvents, 10)
	if err != nil {
		t.Fatal(err)
	}
	expect(t, "of one consumer", rows, rollup.Row{Labels: analytics.Labels{Country: "DE"}, Counts: rollup.Counts{Events: 5, Bytes: 50, Started: 1}})
}

func orders(t *testing.T, s Store) {
	b := Batch("a", 1)
	for order, c := range map[rollup.Order]rollup.Counts{
		rollup.OfEvents:     {Events: 9},
		rollup.OfBytes:      {Bytes: 9},
		rollup.OfOperations: {Started: 9},
		rollup.OfRefusals:   {Refused: 9},
		rollup.OfFailures:   {Failed: 9},
		rollup.OfDrops:      {Dropped: [analytics.Drops]int64{4, 0, 0, 0, 0, 5}},
		rollup.OfConnected:  {ConnectedMillis: 9},
	} {
		b.Entries = append(b.Entries, rollup.Entry{Step: rollup.Day, At: rollup.Day.Start(Noon), Labels: analytics.Labels{Plan: string(order)}, Counts: c})
	}
	add(t, s, b)
	for _, order := range rollup.Orders {
		rows, err := s.Top(t.Context(), around(rollup.Day), rollup.ByPlan, order, 1)
		if err != nil || len(rows) != 1 || rows[0].Labels.Plan != string(order) {
			t.Errorf("the first in %s is %+v (%v)", order, rows, err)
		}
	}
}

func readsEndings(t *testing.T, s Store) {
	ended := func(n int, l analytics.Labels, endings map[string]int64) rollup.Entry {
		e := Entry(rollup.Minute, n, l, 1)
		e.Endings = endings
		return e
	}
	till := shop
	till.Consumer = "till"
	add(t, s,
		Batch("a", 1, ended(0, shop, map[string]int64{"INTERNAL": 1, "BUDGET_TIME": 2}), ended(0, till, map[string]int64{"INTERNAL": 10})),
		Batch("b", 1, ended(0, shop, map[string]int64{"INTERNAL": 100}), ended(3, shop, map[string]int64{"AUTH": 4})))
	at := func(n int) time.Time { return Noon.Add(time.Duration(n) * time.Minute) }
	all, err := s.Endings(t.Context(), around(rollup.Minute))
	expect(t, "all", all, rollup.Ending{At: at(0), Code: "BUDGET_TIME", N: 2}, rollup.Ending{At: at(0), Code: "INTERNAL", N: 111}, rollup.Ending{At: at(3), Code: "AUTH", N: 4})
	q := around(rollup.Minute)
	q.Where.Consumer = "till"
	theirs, err2 := s.Endings(t.Context(), q)
	expect(t, "of one consumer", theirs, rollup.Ending{At: at(0), Code: "INTERNAL", N: 10})
	if err != nil || err2 != nil {
		t.Error(err, err2)
	}
}

func readsLatencies(t *testing.T, s Store) {
	timing := func(n int, field string, sketch analytics.Sketch) rollup.Timing {
		return rollup.Timing{Step: rollup.Minute, At: Noon.Add(time.Duration(n) * time.Minute), Field: field, Sketch: sketch}
	}
	a, b := Batch("a", 1), Batch("b", 1)
	a.Timings = []rollup.Timing{timing(0, "S.a", analytics.Sketch{300: 1, 301: 2}), timing(1, "S.b", analytics.Sketch{400: 7})}
	b.Timings = []rollup.Timing{timing(0, "S.a", analytics.Sketch{301: 3}), timing(0, "S.b", analytics.Sketch{400: 1})}
	add(t, s, a, b)
	all, err := s.Latencies(t.Context(), around(rollup.Minute))
	expect(t, "all", all, timing(0, "S.a", analytics.Sketch{300: 1, 301: 5}), timing(0, "S.b", analytics.Sketch{400: 1}), timing(1, "S.b", analytics.Sketch{400: 7}))
	q := around(rollup.Minute)
	q.Where.Field = "S.b"
	one, err2 := s.Latencies(t.Context(), q)
	expect(t, "of one field", one, timing(0, "S.b", analytics.Sketch{400: 1}), timing(1, "S.b", analytics.Sketch{400: 7}))
	if err != nil || err2 != nil {
		t.Error(err, err2)
	}
}

func readsGauges(t *testing.T, s Store) {
	level := func(n int, name string, millis int64) rollup.Level {
		return rollup.Level{Step: rollup.Minute, At: Noon.Add(time.Duration(n) * time.Minute), Name: name, Millis: millis}
	}
	a, b := Batch("a", 1), Batch("b", 1)
	a.Levels = []rollup.Level{level(0, "sessions/sse", 3*60_000), level(1, "sessions/sse", 30_000), level(0, "debt", -60_000)}
	b.Levels = []rollup.Level{level(0, "sessions/sse", 4*60_000)}
	add(t, s, a, b)
	all, err := s.Gauges(t.Context(), around(rollup.Minute))
	if err != nil {
		t.Fatal(err)
	}
	expect(t, "all", all, rollup.Gauge{At: Noon, Name: "debt", Average: -1}, rollup.Gauge{At: Noon, Name: "sessions/sse", Average: 7},
		rollup.Gauge{At: Noon.Add(time.Minute), Name: "sessions/sse", Average: 0.5})

	// A day that is not over is averaged over what there was of it.
	now := time.Now().UTC()
	today := rollup.Day.Start(now)
	passed := now.Sub(today)
	c := &rollup.Batch{Node: "c", Sequence: 1, At: now}
	c.Levels = []rollup.Level{{Step: rollup.Day, At: today, Name: "sessions/sse", Millis: 5 * passed.Milliseconds()}}
	add(t, s, c)
	days, err := s.Gauges(t.Context(), rollup.Query{Step: rollup.Day, From: today, To: today.Add(24 * time.Hour)})
	if slack := time.Minute; passed > slack && passed < 24*time.Hour-slack {
		if err != nil || len(days) != 1 || math.Abs(days[0].Average-5) > 0.2 {
			t.Errorf("today: %+v (%v), want 5", days, err)
		}
	}
}

func refuses(t *testing.T, s Store) {
	fine := around(rollup.Minute)
	backwards, long, odd := fine, fine, fine
	backwards.To = fine.From.Add(-1)
	long.To = fine.From.Add(5000*time.Minute + 1)
	odd.Step = 7
	for _, c := range []struct {
		name string
		q    rollup.Query
		want error
	}{
		{"a range that ends before it begins", backwards, rollup.ErrRange},
		{"a range that is too long", long, rollup.ErrRange},
		{"a step that is none", odd, rollup.ErrQuery},
	} {
		_, err1 := s.Series(t.Context(), c.q)
		_, err2 := s.Top(t.Context(), c.q, rollup.ByField, rollup.OfEvents, 1)
		_, err3 := s.Endings(t.Context(), c.q)
		_, err4 := s.Latencies(t.Context(), c.q)
		_, err5 := s.Gauges(t.Context(), c.q)
		for _, err := range []error{err1, err2, err3, err4, err5} {
			if !errors.Is(err, c.want) || !errors.Is(err, rollup.ErrQuery) {
				t.Errorf("%s: the error is %v", c.name, err)
			}
		}
	}
	for name, top := range map[string]func() ([]rollup.Row, error){
		"no dimension":  func() ([]rollup.Row, error) { return s.Top(t.Context(), fine, "colour", rollup.OfEvents, 1) },
		"no order":      func() ([]rollup.Row, error) { return s.Top(t.Context(), fine, rollup.ByField, "beauty", 1) },
		"no rows":       func() ([]rollup.Row, error) { return s.Top(t.Context(), fine, rollup.ByField, rollup.OfEvents, 0) },
		"too many rows": func() ([]rollup.Row, error) { return s.Top(t.Context(), fine, rollup.ByField, rollup.OfEvents, 1001) },
	} {
		if _, err := top(); !errors.Is(err, rollup.ErrQuery) {
			t.Errorf("%s: the error is %v", name, err)
		}
	}
	fine.Where.Consumer = "shop"
	_, err1 := s.Latencies(t.Context(), fine)
	_, err2 := s.Gauges(t.Context(), fine)
	if !errors.Is(err1, rollup.ErrQuery) || !errors.Is(err2, rollup.ErrQuery) {
		t.Errorf("of a consumer: %v, %v", err1, err2)
	}
}

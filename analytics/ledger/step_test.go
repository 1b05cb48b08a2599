package ledger

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// hours is a Reader of a list.
type hours []Entry

func (h hours) Hours(_ context.Context, q Query, each func(Entry) error) error {
	for _, e := range h {
		if e.Hour.Before(q.From) || !e.Hour.Before(q.To) {
			continue
		}
		if err := each(e); err != nil {
			return err
		}
	}
	return nil
}

var autumn = time.Date(2026, time.October, 30, 22, 0, 0, 0, time.UTC)

// someHours are of 3 days and two months, in order.
func someHours() hours {
	var h hours
	for n := range 72 {
		for _, consumer := range []string{"shop", "till"} {
			h = append(h, Entry{
				Key: Key{Consumer: consumer, Plan: "free", Field: "Subscription.tick"}, Hour: autumn.Add(time.Duration(n) * time.Hour),
				Usage: Usage{rand.Int64N(1 << 50), rand.Int64N(1 << 50), rand.Int64N(1 << 50), rand.Int64N(1 << 50)},
			})
		}
	}
	return h
}

func TestADayAndAMonthAreTheSumsOfTheirHours(t *testing.T) {
	h := someHours()
	for step, starts := range map[Step]int{Hour: 72, Day: 4, Month: 2} {
		want := make(map[place]Usage)
		for _, e := range h {
			at := place{e.Key, step.Start(e.Hour)}
			want[at] = want[at].Plus(e.Usage)
		}
		var got []Entry
		err := Sum(t.Context(), h, Query{From: autumn, To: autumn.AddDate(1, 0, 0)}, step, func(e Entry) error {
			got = append(got, e)
			return nil
		})
		if err != nil || len(got) != 2*starts || len(want) != 2*starts || !slices.IsSortedFunc(got, Entry.compare) {
			t.Fatalf("by %s there are %d entries (%v), want %d, in order", step, len(got), err, 2*starts)
		}
		for _, e := range got {
			if e.Usage != want[place{e.Key, e.Hour}] {
				t.Errorf("by %s, %v is %+v, want %+v", step, e.Hour, e.Usage, want[place{e.Key, e.Hour}])
			}
		}
	}
}

func TestWhoSumsUpMayStop(t *testing.T) {
	stop := errors.New("stop")
	for _, step := range []Step{Hour, Month} {
		err := Sum(t.Context(), someHours(), Query{To: autumn.AddDate(1, 0, 0)}, step, func(Entry) error { return stop })
		if !errors.Is(err, stop) {
			t.Errorf("by %s: %v", step, err)
		}
	}
}

func TestSteps(t *testing.T) {
	at := time.Date(2026, time.November, 21, 23, 59, 59, 999, time.FixedZone("", -3600)) // the 22nd in UTC
	for step, want := range map[Step]string{Hour: "2026-11-22T00:00:00Z", Day: "2026-11-22T00:00:00Z", Month: "2026-11-01T00:00:00Z"} {
		if got := step.Start(at).Format(time.RFC3339Nano); got != want {
			t.Errorf("the %s starts at %s, want %s", step, got, want)
		}
		if parsed, err := ParseStep(string(step)); parsed != step || err != nil {
			t.Errorf("%q is %q (%v)", step, parsed, err)
		}
	}
	if _, err := ParseStep("week"); err == nil {
		t.Error("a week is a step")
	}
}

func TestExport(t *testing.T) {
	e := Entry{
		Key: Key{Issuer: "https://id", Consumer: `Ann "A", Ltd`, Plan: "free", Field: "Query.a"}, Hour: autumn,
		Usage: Usage{Events: 1<<62 - 1, Bytes: 2, ConnectedMillis: 3, Requests: 4},
	}
	const names = "start,step,issuer,consumer,plan,field,events,bytes,connected_ms,requests\n"
	for _, c := range []struct {
		name, format string
		entries      []Entry
		want         string
	}{
		{"CSV without entries has its columns", "csv", nil, names},
		{"CSV", "csv", []Entry{e}, names + `2026-10-30T22:00:00Z,hour,https://id,"Ann ""A"", Ltd",free,Query.a,4611686018427387903,2,3,4` + "\n"},
		{"JSON without entries is an empty list", "json", nil, "[]\n"},
		{"JSON", "json", []Entry{e, e}, strings.ReplaceAll("[\nX,\nX\n]\n", "X", `{"start":"2026-10-30T22:00:00Z","step":"hour","issuer":"https://id",`+
			`"consumer":"Ann \"A\", Ltd","plan":"free","field":"Query.a","events":4611686018427387903,"bytes":2,"connected_ms":3,"requests":4}`)},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out bytes.Buffer
			x, err := NewExporter(c.format, &out, Hour)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range c.entries {
				if err := x.Write(e); err != nil {
					t.Fatal(err)
				}
			}
			if err := x.Close(); err != nil || out.String() != c.want {
				t.Errorf("%s (%v), want\n%s", &out, err, c.want)
			}
		})
	}
	if _, err := NewExporter("xml", nil, Hour); err == nil {
		t.Error("xml is a format")
	}
}

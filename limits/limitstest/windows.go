package limitstest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/limits"
)

func windowEnds(t *testing.T, b *bench) {
	for _, w := range []limits.Window{limits.Second, limits.Minute, limits.Hour, limits.Day, limits.Month} {
		q := limits.Quota{Events: 5, Window: w}
		_, _, end := w.Bounds(b.Now(), time.UTC)
		if n := b.drain(q); n != 5 {
			t.Fatalf("%v: %d events, want 5", w, n)
		}
		b.Advance(end.Sub(b.Now()) - time.Microsecond)
		b.next++
		if l := b.lease(q, 1, fmt.Sprint("late ", w)); l.Events != 0 || l.Ends != time.Microsecond || !l.ResetAt.Equal(end) {
			t.Errorf("%v: in the last moment: %+v", w, l)
		}
		b.Advance(time.Microsecond)
		_, _, next := w.Bounds(end, time.UTC)
		b.usage(q, limits.Usage{Left: 5, ResetAt: next})
		if n := b.drain(q); n != 5 {
			t.Errorf("%v: %d events in the next one, want 5", w, n)
		}
	}
}

func afterTheWindow(t *testing.T, b *bench) {
	q := limits.Quota{Events: 160, Window: limits.Minute}
	before := b.lease(q, 10, "x")
	b.lease(q, 9, "y")
	b.Advance(before.Ends)
	if again := b.lease(q, 10, "x"); again.Events != 10 || again.Window != before.Window || again.Ends != 0 {
		t.Errorf("%+v", again)
	}
	after := b.lease(q, 1, "z")
	if after.Window == before.Window || after.Left != 159 {
		t.Errorf("%+v", after)
	}
	b.settle("x", 2)
	b.giveBack("x", 3)
	want := limits.Usage{Granted: 1, Outstanding: 1, Left: 159}
	b.usage(q, want)
	for range 4 { // "y" cannot be kept for ever
		b.Advance(ttl / 2)
		_ = b.Nodes[0].Settle(t.Context(), key, "y", 9)
		b.settle("z", 0)
	}
	b.gone("settle", b.Nodes[0].Settle(t.Context(), key, "y", 9))
	q.Window = limits.Hour
	b.usage(q, limits.Usage{Left: 160})
}

func timeZone(t *testing.T, b *bench) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	q := limits.Quota{Events: 5, Window: limits.Day}
	for _, day := range []struct {
		start time.Time
		hours time.Duration
	}{
		{time.Date(2026, time.March, 29, 0, 0, 0, 0, berlin), 23},
		{time.Date(2026, time.October, 25, 0, 0, 0, 0, berlin), 25},
		{time.Date(2026, time.October, 26, 0, 0, 0, 0, berlin), 24},
	} {
		b := newBench(t, b.make, Options{Start: day.start, Location: berlin, LeaseTTL: ttl})
		if l := b.lease(q, 1, "x"); l.Ends != day.hours*time.Hour {
			t.Errorf("the day of %v has %v", day.start, l.Ends)
		}
		b.drain(q)
		b.Advance(day.hours*time.Hour - time.Microsecond)
		if n := b.drain(q); n != 0 {
			t.Errorf("%d events more in the last moment of %v", n, day.start)
		}
		b.Advance(time.Microsecond)
		if n := b.drain(q); n != 5 {
			t.Errorf("%d events after %v, want 5", n, day.start)
		}
	}
}

func apart(t *testing.T, b *bench) {
	windows := []limits.Window{
		limits.Second, limits.Minute, limits.Hour, limits.Day, limits.Month,
		limits.SlidingSecond, limits.SlidingMinute, limits.SlidingHour, limits.SlidingDay, limits.SlidingMonth,
	}
	for i, w := range windows {
		q := limits.Quota{Events: int64(i) + 2, Window: w}
		b.lease(q, 1, fmt.Sprint(w))
	}
	for i, w := range windows {
		b.usage(limits.Quota{Events: int64(i) + 2, Window: w}, limits.Usage{Granted: 1, Outstanding: 1, Left: int64(i) + 1})
	}
	other, err := b.Nodes[1].Usage(t.Context(), key+"!", limits.Quota{Events: 2, Window: limits.Day})
	if err != nil || other.Granted != 0 {
		t.Errorf("%+v, %v", other, err)
	}
}

// hostile are texts that a store of keys may take for something else.
var hostile = []string{
	"}", "{", "{}", "}{", "{x}", "a}b", "*", "?", "%7D", "+", " ", "%20", "a b", "a+b", "a%b", "a:b", "a:", ":due", "}:due", "due",
	"\x00", "a\x00b", "\r\n", "\xff\xfe", "\u00fc", "'", `"`, `\`, "l:x", "w:x", "b:SLIDING_DAY:1:1", "now", "0", "-1", "1e99", "nan", "nil",
	strings.Repeat("x", limits.MaxID), strings.Repeat("}", limits.MaxID),
}

func hostileNames(t *testing.T, b *bench) {
	for _, w := range []limits.Window{limits.Day, limits.SlidingDay} {
		b := newBench(t, b.make, Options{Start: noon, Location: time.UTC, LeaseTTL: ttl})
		q := limits.Quota{Events: 1 << 20, Window: w}
		for i, key := range hostile { // first all are granted, so that one that is another's shows
			for _, id := range hostile {
				l, err := b.Nodes[0].Lease(t.Context(), limits.Request{Key: key, Quota: q, Want: int64(i) + 2, ID: id, Node: id})
				if err != nil || l.Events != int64(i)+2 || l.Key != key || l.ID != id {
					t.Fatalf("lease %q of %q: %+v, %v", id, key, l, err)
				}
			}
		}
		for i, key := range hostile {
			b.spendHostile(q, key, int64(i))
		}
	}
}

// spendHostile settles one event of every lease of key and returns another.
func (b *bench) spendHostile(q limits.Quota, key string, n int64) {
	ctx := b.t.Context()
	for _, id := range hostile {
		if err := b.Nodes[1].Settle(ctx, key, id, n); err != nil {
			b.t.Fatalf("settle %q of %q: %v", id, key, err)
		}
		if err := b.Nodes[1].Return(ctx, key, id, n+1); err != nil {
			b.t.Fatalf("return %q of %q: %v", id, key, err)
		}
	}
	u, err := b.Nodes[2].Usage(ctx, key, q)
	if spent := int64(len(hostile)) * (n + 1); err != nil || u.Charged != spent || u.Outstanding != 0 || u.Left != q.Events-spent {
		b.t.Errorf("%q: %+v, %v", key, u, err)
	}
}

func nonsense(t *testing.T, b *bench) {
	good := limits.Request{Key: "k", Quota: limits.Quota{Events: 1, Window: limits.Day}, Want: 1, ID: "x"}
	for name, spoil := range map[string]func(r *limits.Request){
		"no key":                      func(r *limits.Request) { r.Key = "" },
		"a key that is too long":      func(r *limits.Request) { r.Key = strings.Repeat("x", limits.MaxKey+1) },
		"no id":                       func(r *limits.Request) { r.ID = "" },
		"an id that is too long":      func(r *limits.Request) { r.ID = strings.Repeat("x", limits.MaxID+1) },
		"a name that is too long":     func(r *limits.Request) { r.Node = strings.Repeat("x", limits.MaxID+1) },
		"nothing wanted":              func(r *limits.Request) { r.Want = 0 },
		"less than nothing wanted":    func(r *limits.Request) { r.Want = -1 },
		"a quota of nothing":          func(r *limits.Request) { r.Quota.Events = 0 },
		"a quota below nothing":       func(r *limits.Request) { r.Quota.Events = -1 },
		"a quota that is too large":   func(r *limits.Request) { r.Quota.Events = limits.MaxEvents + 1 },
		"no window":                   func(r *limits.Request) { r.Quota.Window = 0 },
		"an unknown window":           func(r *limits.Request) { r.Quota.Window = 99 },
		"a report about nothing":      func(r *limits.Request) { r.Reports = []limits.Report{{Spent: 1}} },
		"a report below nothing":      func(r *limits.Request) { r.Reports = []limits.Report{{ID: "y", Spent: -1}} },
		"more reports than there are": func(r *limits.Request) { r.Reports = make([]limits.Report, limits.MaxReports+1) },
	} {
		r := good
		spoil(&r)
		if l, err := b.Nodes[0].Lease(t.Context(), r); err == nil {
			t.Errorf("%s: %+v", name, l)
		}
	}
	for name, err := range map[string]error{
		"settle without a key": b.Nodes[0].Settle(t.Context(), "", "x", 1),
		"settle without an id": b.Nodes[0].Settle(t.Context(), "k", "", 1),
		"settle below nothing": b.Nodes[0].Settle(t.Context(), "k", "x", -1),
		"return below nothing": b.Nodes[0].Return(t.Context(), "k", "x", -1),
		"return without an id": b.Nodes[0].Return(t.Context(), "k", "", 1),
	} {
		if err == nil {
			t.Error(name, "is nothing to be refused")
		}
	}
	if _, err := b.Nodes[0].Usage(t.Context(), "k", limits.Quota{}); err == nil {
		t.Error("usage of no quota")
	}
}

package limits_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
	_ "time/tzdata" // the machine may have none

	"github.com/sluice-gateway/sluice/limits"
)

func TestWindowsAreReadAsTheyAreWritten(t *testing.T) {
	names := make(map[string]bool)
	for w := limits.Second; w <= limits.SlidingMonth; w++ {
		got, err := limits.ParseWindow(w.String())
		if err != nil || got != w || names[w.String()] {
			t.Errorf("%v: %v, %v", w, got, err)
		}
		names[w.String()] = true
	}
	for _, text := range []string{"", "day", "Day", " DAY", "DAYS", "SLIDING_", "SLIDING_WEEK", "WEEK", "INVALID_0", "\x00"} {
		if w, err := limits.ParseWindow(text); err == nil {
			t.Errorf("%q is %v", text, w)
		}
	}
	if got := fmt.Sprint(limits.Window(0), limits.Window(99)); got != "INVALID_0 INVALID_99" {
		t.Error(got)
	}
}

func FuzzParseWindow(f *testing.F) {
	f.Add("DAY")
	f.Add("SLIDING_MONTH")
	f.Fuzz(func(t *testing.T, text string) {
		if w, err := limits.ParseWindow(text); err == nil && w.String() != text {
			t.Errorf("%q is %v", text, w)
		}
	})
}

func TestQuotasAreChecked(t *testing.T) {
	for _, q := range []limits.Quota{
		{Events: 1, Window: limits.Second},
		{Events: limits.MaxEvents, Window: limits.SlidingMonth},
		{Events: limits.Unlimited, Window: limits.Day},
	} {
		if err := q.Check(); err != nil {
			t.Errorf("%+v: %v", q, err)
		}
	}
	for _, q := range []limits.Quota{
		{},
		{Events: 0, Window: limits.Day},
		{Events: -1, Window: limits.Day},
		{Events: limits.MaxEvents + 1, Window: limits.Day},
		{Events: limits.Unlimited - 1, Window: limits.Day},
		{Events: 1},
		{Events: 1, Window: limits.SlidingMonth + 1},
	} {
		if err := q.Check(); err == nil {
			t.Errorf("%+v is a quota", q)
		}
	}
}

func TestBoundsOnTheDaysThatAreDifferent(t *testing.T) {
	for _, test := range []struct {
		name, zone, at, start, end string
		window                     limits.Window
	}{
		{"a day", "UTC", "2026-05-13T12:00:00Z", "2026-05-13T00:00:00Z", "2026-05-14T00:00:00Z", limits.Day},
		{"its first moment", "UTC", "2026-05-13T00:00:00Z", "2026-05-13T00:00:00Z", "2026-05-14T00:00:00Z", limits.Day},
		{"its last moment", "UTC", "2026-05-12T23:59:59.999999999Z", "2026-05-12T00:00:00Z", "2026-05-13T00:00:00Z", limits.Day},
		{"a leap day", "UTC", "2028-02-29T12:00:00Z", "2028-02-29T00:00:00Z", "2028-03-01T00:00:00Z", limits.Day},
		{"February of a leap year", "UTC", "2028-02-29T12:00:00Z", "2028-02-01T00:00:00Z", "2028-03-01T00:00:00Z", limits.Month},
		{"February of 2100", "UTC", "2100-02-28T23:59:59Z", "2100-02-01T00:00:00Z", "2100-03-01T00:00:00Z", limits.Month},
		{"December", "UTC", "2026-12-31T23:59:59Z", "2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z", limits.Month},
		{"the end of a long month, from which the next would be skipped", "UTC", "2026-01-31T12:00:00Z", "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z", limits.Month},
		{"before 1970", "UTC", "1969-07-20T20:17:40.5Z", "1969-07-20T20:00:00Z", "1969-07-20T21:00:00Z", limits.Hour},
		{"a second before 1970", "UTC", "1969-07-20T20:17:40.5Z", "1969-07-20T20:17:40Z", "1969-07-20T20:17:41Z", limits.Second},
		{"a day of 23 hours", "Europe/Berlin", "2026-03-29T12:00:00+02:00", "2026-03-29T00:00:00+01:00", "2026-03-30T00:00:00+02:00", limits.Day},
		{"a day of 25 hours", "Europe/Berlin", "2026-10-25T02:30:00+01:00", "2026-10-25T00:00:00+02:00", "2026-10-26T00:00:00+01:00", limits.Day},
		{"an hour for the first time", "Europe/Berlin", "2026-10-25T02:30:00+02:00", "2026-10-25T02:00:00+02:00", "2026-10-25T02:00:00+01:00", limits.Hour},
		{"the same hour again", "Europe/Berlin", "2026-10-25T02:30:00+01:00", "2026-10-25T02:00:00+01:00", "2026-10-25T03:00:00+01:00", limits.Hour},
		{"an hour of half an hour's zone", "Asia/Kolkata", "2026-05-13T12:10:00+05:30", "2026-05-13T12:00:00+05:30", "2026-05-13T13:00:00+05:30", limits.Hour},
		{"an hour of a quarter's zone", "Asia/Kathmandu", "2026-05-13T12:10:00+05:45", "2026-05-13T12:00:00+05:45", "2026-05-13T13:00:00+05:45", limits.Hour},
		{"clocks go back by half an hour: before", "Australia/Lord_Howe", "2026-04-05T01:59:00+11:00", "2026-04-05T01:00:00+11:00", "2026-04-05T02:00:00+11:00", limits.Hour},
		{"clocks go back by half an hour: after", "Australia/Lord_Howe", "2026-04-05T01:31:00+10:30", "2026-04-05T01:30:00+10:30", "2026-04-05T02:00:00+10:30", limits.Hour},
		{"a day that begins at one", "America/Sao_Paulo", "2018-11-04T01:00:00-02:00", "2018-11-04T01:00:00-02:00", "2018-11-05T00:00:00-02:00", limits.Day},
		{"a day with an hour 23 more", "America/Sao_Paulo", "2018-02-17T23:30:00-03:00", "2018-02-17T00:00:00-02:00", "2018-02-18T00:00:00-03:00", limits.Day},
		{"another day that begins at one", "Asia/Beirut", "2018-03-25T12:00:00+03:00", "2018-03-25T01:00:00+03:00", "2018-03-26T00:00:00+03:00", limits.Day},
		{"the clocks go back past midnight", "America/St_Johns", "2010-11-06T23:30:00-03:30", "2010-11-07T00:00:00-02:30", "2010-11-08T00:00:00-03:30", limits.Day},
		{"the clocks have not gone back yet", "America/St_Johns", "2010-11-06T23:30:00-02:30", "2010-11-06T00:00:00-02:30", "2010-11-07T00:00:00-02:30", limits.Day},
		{"the day that Samoa left out", "Pacific/Apia", "2011-12-31T05:00:00+14:00", "2011-12-31T00:00:00+14:00", "2012-01-01T00:00:00+14:00", limits.Day},
		{"the end of a leap year, where zones go by rules", "Europe/Berlin", "2060-12-31T12:00:00+01:00", "2060-12-31T00:00:00+01:00", "2061-01-01T00:00:00+01:00", limits.Day},
		{"the day before", "Pacific/Apia", "2011-12-29T23:00:00-10:00", "2011-12-29T00:00:00-10:00", "2011-12-31T00:00:00+14:00", limits.Day},
	} {
		t.Run(test.name, func(t *testing.T) {
			zone := load(t, test.zone)
			id, start, end := test.window.Bounds(parse(t, test.at), zone)
			if !start.Equal(parse(t, test.start)) || !end.Equal(parse(t, test.end)) || id == "" {
				t.Errorf("%s to %s", start.Format(time.RFC3339Nano), end.Format(time.RFC3339Nano))
			}
		})
	}
}

var zones = []string{
	"UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Chatham",
	"America/St_Johns", "America/Sao_Paulo", "America/Havana", "Asia/Beirut", "Pacific/Apia", "Pacific/Kiritimati", "Africa/Casablanca",
	"Asia/Tehran", "Europe/Dublin",
}

// Windows follow each other without a gap and have ids of their own, whatever the clocks do.
func TestWindowsTileTheTime(t *testing.T) {
	for _, name := range zones {
		zone := load(t, name)
		random := rand.New(rand.NewPCG(5, 5))
		for w := limits.Second; w <= limits.Month; w++ {
			for range 200 {
				at := randomTime(random, zone)
				id, start, end := w.Bounds(at, zone)
				if at.Before(start) || !at.Before(end) {
					t.Fatalf("%s, %v: %v is not in %v to %v", name, w, at, start, end)
				}
				for _, inside := range []time.Time{start, end.Add(-1), start.Add(time.Duration(random.Int64N(int64(end.Sub(start)))))} {
					if other, s, e := w.Bounds(inside, zone); other != id || !s.Equal(start) || !e.Equal(end) {
						t.Fatalf("%s, %v: %v is in %v to %v, and %v in %v to %v", name, w, at, start, end, inside, s, e)
					}
				}
				after, s, _ := w.Bounds(end, zone)
				before, _, e := w.Bounds(start.Add(-1), zone)
				if !s.Equal(end) || !e.Equal(start) || after == id || before == id || after == before {
					t.Fatalf("%s, %v: before and after %s: %s, %s", name, w, id, before, after)
				}
			}
		}
	}
}

// A day begins when a calendar that is read every minute shows a date for the first time.
func TestDaysAndMonthsAreThoseOfACalendarThatIsRead(t *testing.T) {
	for _, name := range zones {
		zone := load(t, name)
		random := rand.New(rand.NewPCG(6, 6))
		for range 15 {
			at := nearAChange(random, zone)
			for w, back := range map[limits.Window]time.Duration{limits.Day: 75 * time.Hour, limits.Month: 63 * 24 * time.Hour} {
				if w == limits.Month && random.IntN(4) > 0 {
					continue
				}
				want := readStart(at, back, zone, func(t time.Time) int {
					year, month, day := t.Date()
					if w == limits.Month {
						day = 0
					}
					return (year*12+int(month))*40 + day
				})
				if _, start, _ := w.Bounds(at, zone); !start.Equal(want) {
					t.Errorf("%s, %v: that of %v begins at %v, want %v", name, w, at, start, want.In(zone))
				}
			}
		}
	}
}

// readStart reads a calendar every minute and returns when it first showed the latest date until at.
func readStart(at time.Time, back time.Duration, zone *time.Location, date func(time.Time) int) (start time.Time) {
	latest := 0
	for t := at.Add(-back).Truncate(time.Minute); !t.After(at); t = t.Add(time.Minute) {
		if d := date(t.In(zone)); d > latest {
			latest, start = d, t
		}
	}
	return start
}

func TestHoursAndMinutesAreOfTheirLength(t *testing.T) {
	for _, name := range zones {
		zone := load(t, name)
		random := rand.New(rand.NewPCG(7, 7))
		for range 500 {
			at := nearAChange(random, zone)
			for w, want := range map[limits.Window]time.Duration{limits.Second: time.Second, limits.Minute: time.Minute, limits.Hour: time.Hour} {
				_, start, end := w.Bounds(at, zone)
				_, before := start.Zone()
				_, after := end.Add(-1).Zone()
				if before != after {
					t.Errorf("%s, %v: the clocks change between %v and %v", name, w, start, end)
				}
				_, earlier := start.Add(-1).Zone()
				_, later := end.Zone()
				if length := end.Sub(start); length > want || length < want && earlier == before && later == after {
					t.Errorf("%s, %v: %v to %v", name, w, start, end)
				}
			}
		}
	}
}

func TestSlidingWindowsEndNow(t *testing.T) {
	at := time.Date(2026, time.March, 29, 12, 0, 0, 0, time.UTC)
	for w := limits.SlidingSecond; w <= limits.SlidingMonth; w++ {
		id, start, end := w.Bounds(at, load(t, "Europe/Berlin"))
		if id != w.String() || !end.Equal(at) || end.Sub(start) != w.Length() || w.Length() == 0 {
			t.Errorf("%v: %s, %v to %v", w, id, start, end)
		}
		parts := limits.WindowBuckets * w.Bucket()
		if parts < w.Length() || parts > w.Length()+time.Millisecond || w.Bucket()%time.Microsecond != 0 {
			t.Errorf("%v: buckets of %v", w, w.Bucket())
		}
	}
	if limits.Day.Length() != 0 || limits.Day.Bucket() != 0 || limits.SlidingMonth.Length() != 720*time.Hour {
		t.Error("a day has no fixed length, and a sliding month has 30 days")
	}
}

func BenchmarkBounds(b *testing.B) {
	zone := load(b, "Europe/Berlin")
	at := time.Date(2026, time.March, 29, 12, 0, 0, 0, time.UTC)
	for _, w := range []limits.Window{limits.Minute, limits.Day, limits.Month} {
		b.Run(w.String(), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				w.Bounds(at, zone)
			}
		})
	}
}

func randomTime(random *rand.Rand, zone *time.Location) time.Time {
	if random.IntN(2) == 0 {
		return nearAChange(random, zone)
	}
	return time.Unix(random.Int64N(130*365*86400), random.Int64N(1e9)).In(zone)
}

// nearAChange returns a time of 1990 to 2037 within two days of a change of the clocks, if there is one.
func nearAChange(random *rand.Rand, zone *time.Location) time.Time {
	t := time.Unix(631152000+random.Int64N(47*365*86400), 0).In(zone)
	if _, end := t.ZoneBounds(); !end.IsZero() {
		t = end
	}
	return t.Add(time.Duration(random.Int64N(int64(96*time.Hour))) - 48*time.Hour).In(zone)
}

func load(t testing.TB, name string) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

func parse(t testing.TB, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

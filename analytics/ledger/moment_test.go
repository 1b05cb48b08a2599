package ledger

import (
	"testing"
	"time"
)

func TestTimesOfUsage(t *testing.T) {
	for _, c := range []struct {
		name, text string
		parse      func(string) (time.Time, error)
		want       string // empty: an error
	}{
		{"a day is its first hour", "2026-11-01", ParseHour, "2026-11-01T00:00:00Z"},
		{"an hour", "2026-11-01T13:00:00Z", ParseHour, "2026-11-01T13:00:00Z"},
		{"an hour elsewhere", "2026-11-01T13:00:00+02:00", ParseHour, "2026-11-01T11:00:00Z"},
		{"half an hour", "2026-11-01T13:30:00Z", ParseHour, ""},
		{"an hour elsewhere that is half an hour of UTC", "2026-11-01T13:00:00+05:30", ParseHour, ""},
		{"a part of a second", "2026-11-01T13:00:00.000000001Z", ParseHour, ""},
		{"a day that is not", "2026-11-31", ParseHour, ""},
		{"a word", "yesterday", ParseHour, ""},
		{"a month is no day", "2026-11", ParseHour, ""},
		{"nothing", "", ParseHour, ""},
		{"a month", "2026-11", ParseMonth, "2026-11-01T00:00:00Z"},
		{"a day is no month", "2026-11-01", ParseMonth, ""},
		{"a month that is not", "2026-13", ParseMonth, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			at, err := c.parse(c.text)
			if (err != nil) != (c.want == "") || err == nil && at.Format(time.RFC3339Nano) != c.want {
				t.Errorf("%s is %s (%v), want %s", c.text, at.Format(time.RFC3339Nano), err, c.want)
			}
		})
	}
}

func FuzzParseHour(f *testing.F) {
	for _, text := range []string{"2026-11-01", "2026-11-01T13:00:00Z", "2026-11-01T13:00:00+05:30", "0000-01-01T00:00:00-23:59", "2026-11"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		at, err := ParseHour(text)
		if err != nil {
			return
		}
		if at.Location() != time.UTC || !at.Equal(Hour.Start(at)) {
			t.Errorf("%q is %v, which is no full hour", text, at)
		}
		if month, err := ParseMonth(at.Format("2006-01")); err != nil && at.Year() >= 0 && at.Year() <= 9999 || err == nil && !month.Equal(Month.Start(at)) {
			t.Errorf("%q is %v, whose month is %v (%v)", text, at, month, err)
		}
	})
}

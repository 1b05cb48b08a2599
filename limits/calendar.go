package limits

import "time"

// The offsets of time zones from UTC are smaller than this.
const farthest = 30 * time.Hour

// zone returns the offset from UTC at t, and a time around t in which the clocks do not change. A zero
// from or to is none. It may end although they do not change then.
func zone(t time.Time) (offset int, from, to time.Time) {
	_, offset = t.Zone()
	from, to = t.ZoneBounds()
	if from.After(t) {
		from = time.Time{}
	}
	if !to.IsZero() && !to.After(t) { // on the last day of a leap year: go.dev/issue/81583
		to = t.Add(time.Hour)
	}
	return offset, from, to
}

// partOfDay returns the hour or minute of t, by the clock that shows t.
func partOfDay(t time.Time, unit time.Duration) (start, end time.Time) {
	offset, from, to := zone(t)
	seconds, at := int64(unit/time.Second), t.Unix()
	past := (at + int64(offset)) % seconds
	if past < 0 {
		past += seconds
	}
	start = time.Unix(at-past, 0).In(t.Location())
	end = start.Add(unit)
	if from.After(start) && offsetAt(from.Add(-1)) != offset {
		start = from
	}
	if !to.IsZero() && to.Before(end) && offsetAt(to) != offset {
		end = to
	}
	return start, end
}

func offsetAt(t time.Time) int {
	_, offset := t.Zone()
	return offset
}

// dates returns the bounds of the day or the month of t. nth returns the date with which the nth
// after the one of the given date begins.
func dates(t time.Time, nth func(year int, month time.Month, day, n int) (int, time.Month, int)) (start, end time.Time) {
	year, month, day := t.Date()
	begin := func(n int) time.Time {
		y, m, d := nth(year, month, day, n)
		return firstOf(y, m, d, t.Location())
	}
	start, end = begin(0), begin(1)
	// Clocks that are set back past midnight show yesterday's date again, which is today all the same.
	for n := 2; !end.After(t); n++ {
		start, end = end, begin(n)
	}
	return start, end
}

// firstOf returns the first moment whose date in loc is the given one or a later one. time.Date
// promises no such thing where clocks change at midnight.
func firstOf(year int, month time.Month, day int, loc *time.Location) time.Time {
	midnight := time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Unix()
	t := time.Unix(midnight, 0).Add(-farthest).In(loc)
	for {
		offset, from, to := zone(t)
		first := time.Unix(midnight-int64(offset), 0).In(loc)
		if first.Before(from) {
			first = from
		}
		if to.IsZero() || first.Before(to) {
			return first
		}
		t = to
	}
}

package limits

import (
	"fmt"
	"slices"
	"strconv"
	"time"
)

// A Window says over how long a quota counts. The zero Window is not valid.
//
// A calendar window begins with its unit, such as a day at midnight, in the time zone of its counter.
// A sliding window is whatever the last second, minute, hour, day or 30 days were at any moment.
type Window uint8

// The windows.
const (
	Second Window = iota + 1
	Minute
	Hour
	Day
	Month
	SlidingSecond
	SlidingMinute
	SlidingHour
	SlidingDay
	SlidingMonth
)

var windowNames = [...]string{
	Second:        "SECOND",
	Minute:        "MINUTE",
	Hour:          "HOUR",
	Day:           "DAY",
	Month:         "MONTH",
	SlidingSecond: "SLIDING_SECOND",
	SlidingMinute: "SLIDING_MINUTE",
	SlidingHour:   "SLIDING_HOUR",
	SlidingDay:    "SLIDING_DAY",
	SlidingMonth:  "SLIDING_MONTH",
}

// ParseWindow reads what String writes: DAY, SLIDING_DAY and so on.
func ParseWindow(text string) (Window, error) {
	if i := slices.Index(windowNames[1:], text); i >= 0 {
		return Window(i + 1), nil
	}
	return 0, fmt.Errorf("limits: %.40q is no window; write SECOND, MINUTE, HOUR, DAY or MONTH, or SLIDING_ before one of them", text)
}

// String is the window's name. That of an invalid one says so.
func (w Window) String() string {
	if !w.valid() {
		return "INVALID_" + strconv.Itoa(int(w))
	}
	return windowNames[w]
}

func (w Window) valid() bool { return w >= Second && w <= SlidingMonth }

// Length is how long a sliding window is. A calendar window has no fixed length: 0.
func (w Window) Length() time.Duration {
	switch w {
	case SlidingSecond:
		return time.Second
	case SlidingMinute:
		return time.Minute
	case SlidingHour:
		return time.Hour
	case SlidingDay:
		return 24 * time.Hour
	case SlidingMonth:
		return 30 * 24 * time.Hour
	}
	return 0
}

// WindowBuckets is how many parts a sliding window is counted in.
const WindowBuckets = 60

// Bucket is a part of a sliding window: a sixtieth, in whole microseconds, rounded up. An event
// counts until WindowBuckets times a Bucket after the end of the Bucket in which it was spent: for the
// window's length at least. A calendar window has none: 0.
func (w Window) Bucket() time.Duration {
	const most = WindowBuckets*time.Microsecond - 1
	return (w.Length() + most) / (WindowBuckets * time.Microsecond) * time.Microsecond
}

// Bounds returns the window that t is in. Of a calendar window in loc the bounds are start, which is
// part of it, and end, which is part of the next one; no two have the same id. The id of a sliding
// window is its name, and its bounds are its length before t and t.
//
// Days and months begin with the first moment that has their date, so that one with a change of
// the clocks is longer or shorter. Hours and minutes are as long as ever: an hour that the clocks
// repeat is another one, and one in the middle of which they change ends there.
func (w Window) Bounds(t time.Time, loc *time.Location) (id string, start, end time.Time) {
	t = t.In(loc)
	switch w {
	case Second:
		start = time.Unix(t.Unix(), 0).In(loc)
		end = start.Add(time.Second)
	case Minute:
		start, end = partOfDay(t, time.Minute)
	case Hour:
		start, end = partOfDay(t, time.Hour)
	case Day:
		start, end = dates(t, func(year int, month time.Month, day, n int) (int, time.Month, int) {
			return year, month, day + n
		})
	case Month:
		start, end = dates(t, func(year int, month time.Month, _, n int) (int, time.Month, int) {
			return year, month + time.Month(n), 1
		})
	default:
		return w.String(), t.Add(-w.Length()), t
	}
	return w.String() + "/" + strconv.FormatInt(start.Unix(), 10), start, end
}

package ledger

import (
	"errors"
	"time"
)

// ParseHour reads when usage begins or ends: a day, which is its first hour, or a full hour of any offset
// from UTC. Its error says what to write.
func ParseHour(text string) (time.Time, error) {
	if day, err := time.Parse(time.DateOnly, text); err == nil {
		return day, nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil || !at.Equal(at.Truncate(time.Hour)) {
		return time.Time{}, errors.New("give a day such as 2026-11-01, or a full hour of UTC such as 2026-11-01T13:00:00Z")
	}
	return at.UTC(), nil
}

// ParseMonth reads a month, as its first hour. Its error says what to write.
func ParseMonth(text string) (time.Time, error) {
	month, err := time.Parse("2006-01", text)
	if err != nil {
		return time.Time{}, errors.New("give a month such as 2026-11")
	}
	return month, nil
}

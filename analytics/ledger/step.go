package ledger

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"
)

// A Step is a length of time that usage is added up over.
type Step string

// The steps.
const (
	Hour  Step = "hour"
	Day   Step = "day"
	Month Step = "month"
)

// ParseStep reads a step by its name.
func ParseStep(name string) (Step, error) {
	if s := Step(name); slices.Contains([]Step{Hour, Day, Month}, s) {
		return s, nil
	}
	return "", fmt.Errorf("%q is none of hour, day and month", name)
}

// Start is the begin of the step that a time is in.
func (s Step) Start(t time.Time) time.Time {
	t = t.UTC()
	switch s {
	case Month:
		return time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, time.UTC)
	case Day:
		return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
	}
	return hourOf(t)
}

// Sum adds the hours of a query up, and calls each for every key and step: an entry whose Hour is the
// begin of the step. A step that the query begins or ends within is added up as far as it is asked for.
// The order is that of Reader.Hours; the memory it takes is one step's entries.
func Sum(ctx context.Context, r Reader, q Query, s Step, each func(Entry) error) error {
	var start time.Time
	sums := make(map[Key]Usage)
	flush := func() error {
		entries := make([]Entry, 0, len(sums))
		for key, u := range maps.All(sums) {
			entries = append(entries, Entry{Key: key, Hour: start, Usage: u})
		}
		clear(sums)
		slices.SortFunc(entries, Entry.compare)
		for _, e := range entries {
			if err := each(e); err != nil {
				return err
			}
		}
		return nil
	}
	err := r.Hours(ctx, q, func(e Entry) error {
		if at := s.Start(e.Hour); !at.Equal(start) {
			if err := flush(); err != nil {
				return err
			}
			start = at
		}
		sums[e.Key] = sums[e.Key].Plus(e.Usage)
		return nil
	})
	if err != nil {
		return err
	}
	return flush()
}

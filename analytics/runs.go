package analytics

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// A Run is an operation that runs, as a Record tells it.
type Run struct {
	Number uint64    `json:"number"`
	Began  time.Time `json:"began"`
	Labels Labels    `json:"labels"`
	Counts Counts    `json:"counts"` // see Record.Counts
}

// A RunQuery says which operations are wanted.
type RunQuery struct {
	Whose  *Whose `json:"whose"`  // nil: everybody's
	Search string `json:"search"` // text that stands in a label, upper or lower case; empty: any
	Kind   string `json:"kind"`   // as in Labels; empty: any
	First  int    `json:"first"`  // how many at most: those that have had the most events
}

// Runs returns the operations that a query asks for, those with the most events first, and how many there
// are in all. Its time grows with the operations that run.
func (r *Recorder) Runs(q RunQuery) (runs []Run, total int) {
	search := strings.ToLower(q.Search)
	for _, record := range r.Running(q.Whose) {
		run := Run{Number: record.Number(), Began: record.Began(), Labels: record.Labels(), Counts: record.Counts()}
		if q.Kind != "" && run.Labels.Kind != q.Kind || !run.Labels.contain(search) {
			continue
		}
		total++
		at, _ := slices.BinarySearchFunc(runs, run, Run.Compare)
		if at >= q.First {
			continue
		}
		runs = slices.Insert(runs[:min(len(runs), q.First-1)], at, run)
	}
	return runs, total
}

// Compare orders runs: those with the most events first, and of these the oldest.
func (r Run) Compare(other Run) int {
	return cmp.Or(cmp.Compare(other.Counts.Events, r.Counts.Events), r.Began.Compare(other.Began), cmp.Compare(r.Number, other.Number))
}

// contain reports whether a text in lower case stands in one of the labels.
func (l *Labels) contain(text string) bool {
	if text == "" {
		return true
	}
	for _, label := range []string{
		l.Operation, l.Document, l.Field, l.Topic, l.Consumer, l.Subject, l.Plan, l.Transport, l.Client, l.Version, l.Country,
	} {
		if strings.Contains(strings.ToLower(label), text) {
			return true
		}
	}
	return false
}

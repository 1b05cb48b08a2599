package main

import "fmt"

// A pageResult is what one run of a page scenario measured. Rates are per second.
type pageResult struct {
	Scenario string  `json:"scenario"`
	Visitors int     `json:"visitors"`
	Pages    int     `json:"pages"`
	Throttle int     `json:"throttleMs"` // 0: the visitors polled
	Seconds  float64 `json:"seconds"`

	ServerCores  float64 `json:"serverCores"`
	LoadgenCores float64 `json:"loadgenCores"`
	OtherCores   float64 `json:"otherCores"`

	Executions float64 `json:"executions"` // of the pages' queries: polls that were answered, or runs of live queries
	Bytes      float64 `json:"bytes"`      // to all clients, with the heads of answers and frames
	Results    float64 `json:"results"`    // that reached clients
	Differing  float64 `json:"differing"`  // of one client's, those that differ from the one before
	Writes     int     `json:"writes"`     // that are timed

	P50 float64 `json:"p50ms"` // from the answer of a mutation until the last client sees it
	P99 float64 `json:"p99ms"`
	Max float64 `json:"maxms"`

	Stale    int64 `json:"stale"`    // results older than one before
	Unseen   int   `json:"unseen"`   // writes times clients, 5 s after the last write
	Skipped  int64 `json:"skipped"`  // polls that were due before the last one was answered
	Overload bool  `json:"overload"` // more than 5 % of the polls were
}

// String is the one line that a run prints.
func (r *pageResult) String() string {
	how := "polling"
	if r.Throttle > 0 {
		how = fmt.Sprintf("@live(throttle: %d)", r.Throttle)
	}
	text := fmt.Sprintf("%-9s %5d clients %4d pages, %s: server %.3f cores, %.1f executions/s, %.0f B/s to clients, %.0f results/s, %.2f/s differ for each, "+
		"%d writes, seen by the last client after p50 %.1f p99 %.1f max %.1f ms, loadgen %.2f cores, others %.2f cores, stale %d unseen %d skipped %d",
		r.Scenario, r.Visitors, r.Pages, how, r.ServerCores, r.Executions, r.Bytes, r.Results, r.Differing,
		r.Writes, r.P50, r.P99, r.Max, r.LoadgenCores, r.OtherCores, r.Stale, r.Unseen, r.Skipped)
	if r.Overload {
		text += ", OVERLOAD"
	}
	return text
}

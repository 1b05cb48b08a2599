package main

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// pageDuration is how long every run of a page scenario is measured: writes are 2 s apart.
const pageDuration = 10 * time.Second

// A pageRow is one line of the comparison of polling with @live.
type pageRow struct {
	scenario string
	title    string
}

var pageRows = []pageRow{
	{scenario: "poll", title: "one page for all, polled once a second"},
	{scenario: "live", title: "one page for all, `@live(throttle: 1000)`"},
	{scenario: "pollpages", title: "100 pages, polled once a second"},
	{scenario: "livepages", title: "100 pages, `@live(throttle: 1000)`"},
	{scenario: "livefast", title: "one page for all, `@live(throttle: 100)`, a change every 250 ms"},
}

// A pageResult is what loadgen wrote of a page scenario, as far as the report reads it. Rates are per
// second.
type pageResult struct {
	Scenario string `json:"scenario"`
	Round    int    `json:"round"`
	Failed   string `json:"failed,omitempty"`

	ServerCores  float64 `json:"serverCores"`
	LoadgenCores float64 `json:"loadgenCores"`
	OtherCores   float64 `json:"otherCores"`
	Executions   float64 `json:"executions"`
	Bytes        float64 `json:"bytes"`
	Results      float64 `json:"results"`
	Differing    float64 `json:"differing"`
	Writes       int64   `json:"writes"`
	P50          float64 `json:"p50ms"`
	P99          float64 `json:"p99ms"`
	Stale        int64   `json:"stale"`
	Unseen       int64   `json:"unseen"`
	Skipped      int64   `json:"skipped"`
	Overload     bool    `json:"overload"`
}

// pageReport is the comparison of polling with @live between marks of its own, then what lies behind it.
func pageReport(results []pageResult, chosen []pageRow, rounds int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "<!-- live-bench -->\n1,000 clients; medians of %d rounds of %v. While they look, prices on the pages change once in 2 s.\n\n", rounds, pageDuration)
	b.WriteString("| Polling against @live | server cores | executions/s | KiB/s to clients | results/s for one client | of them, different | change to last client, p50 | p99 |\n" +
		"|---|---|---|---|---|---|---|---|\n")
	for _, r := range chosen {
		fmt.Fprintf(&b, "| %s | %s |\n", r.title, strings.Join(r.figures(results), " | "))
	}
	b.WriteString("<!-- /live-bench -->\n\nBehind it. Changes, stale, unseen and skipped are sums over all rounds; the last three should be 0.\n\n" +
		"| scenario | runs | changes timed | results/s | loadgen cores | other cores | stale | unseen | skipped |\n|---|---|---|---|---|---|---|---|---|\n")
	for _, r := range chosen {
		runs := r.of(results)
		if len(runs) == 0 {
			continue
		}
		m := func(value func(pageResult) float64) string { return number(median(runs, value)) }
		sum := func(value func(pageResult) int64) (n int64) {
			for _, run := range runs {
				n += value(run)
			}
			return n
		}
		fmt.Fprintf(&b, "| %s | %d | %d | %s | %s | %s | %d | %d | %d |\n", r.scenario, len(runs),
			sum(func(r pageResult) int64 { return r.Writes }),
			m(func(r pageResult) float64 { return r.Results }),
			m(func(r pageResult) float64 { return r.LoadgenCores }), m(func(r pageResult) float64 { return r.OtherCores }),
			sum(func(r pageResult) int64 { return r.Stale }), sum(func(r pageResult) int64 { return r.Unseen }),
			sum(func(r pageResult) int64 { return r.Skipped }))
	}
	for _, r := range results {
		if r.Failed != "" {
			fmt.Fprintf(&b, "\nFailed: %s, round %d: %s\n", r.Scenario, r.Round, r.Failed)
		}
	}
	return b.String()
}

// of gives the runs of the row that did not fail.
func (r pageRow) of(results []pageResult) []pageResult {
	return slices.DeleteFunc(slices.Clone(results), func(one pageResult) bool {
		return one.Scenario != r.scenario || one.Failed != ""
	})
}

func (r pageRow) figures(results []pageResult) []string {
	runs := r.of(results)
	if len(runs) == 0 {
		return slices.Repeat([]string{"–"}, 7)
	}
	m := func(value func(pageResult) float64) float64 { return median(runs, value) }
	cores := fmt.Sprintf("%.3f", m(func(r pageResult) float64 { return r.ServerCores }))
	if overloaded(runs) {
		cores += " (overload)"
	}
	return []string{
		cores,
		number(m(func(r pageResult) float64 { return r.Executions })),
		number(m(func(r pageResult) float64 { return r.Bytes }) / 1024),
		number(m(func(r pageResult) float64 { return r.Results }) / clients),
		number(m(func(r pageResult) float64 { return r.Differing })),
		number(m(func(r pageResult) float64 { return r.P50 })) + " ms",
		number(m(func(r pageResult) float64 { return r.P99 })) + " ms",
	}
}

// clients is how many every page scenario has.
const clients = 1000

// overloaded reports whether most runs were.
func overloaded(runs []pageResult) bool {
	n := 0
	for _, run := range runs {
		if run.Overload {
			n++
		}
	}
	return 2*n > len(runs)
}

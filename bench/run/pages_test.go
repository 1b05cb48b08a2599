package main

import (
	"strings"
	"testing"
)

func TestThePageReportComparesMedians(t *testing.T) {
	results := []pageResult{
		{Scenario: "poll", ServerCores: 0.2, Executions: 990, Bytes: 1024 * 1500, Results: 990, Differing: 0.4, P50: 980, P99: 1010, Writes: 4},
		{Scenario: "poll", ServerCores: 0.3, Executions: 1000, Bytes: 1024 * 1700, Results: 1000, Differing: 0.5, P50: 990, P99: 1020, Writes: 5, Skipped: 1},
		{Scenario: "poll", ServerCores: 9, Failed: "a connection ended"},
		{Scenario: "live", ServerCores: 0.0125, Executions: 0.5, Bytes: 1024 * 700, Results: 500, Differing: 0.5, P50: 12, P99: 15},
		{Scenario: "pollpages", ServerCores: 1.9, Overload: true},
	}
	text := pageReport(results, pageRows, 2)
	for _, want := range []string{
		"| one page for all, polled once a second | 0.250 | 995 | 1,600 | 0.99 | 0.45 | 985 ms | 1,015 ms |",
		"| one page for all, `@live(throttle: 1000)` | 0.013 | 0.50 | 700 | 0.50 | 0.50 | 12.0 ms | 15.0 ms |",
		"| 100 pages, polled once a second | 1.900 (overload) |",
		"| 100 pages, `@live(throttle: 1000)` | – | – | – | – | – | – | – |",
		"| poll | 2 | 9 | 995 |",
		"Failed: poll, round 0: a connection ended",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("not in the report: %s", want)
		}
	}
	if !strings.HasPrefix(text, "<!-- live-bench -->\n") || strings.Count(text, "<!-- /live-bench -->\n") != 1 {
		t.Error("the table does not stand between its marks")
	}
	for table := range strings.SplitSeq(text, "\n\n") {
		lines := strings.Split(strings.TrimSpace(table), "\n")
		for _, line := range lines {
			if strings.HasPrefix(line, "|") && strings.Count(line, "|") != strings.Count(lines[0], "|") {
				t.Errorf("not as many columns as the head: %s", line)
			}
		}
	}
	if t.Failed() {
		t.Log(text)
	}
}

func TestScenariosOfBothComparisonsAreChosenByName(t *testing.T) {
	for _, c := range []struct {
		name, names  string
		chosen, live int
	}{
		{"none is all", "", len(rows), len(pageRows)},
		{"of both", "live,fanout,poll", 1, 2},
		{"of one", "livepages", 0, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			chosen, pages, err := choose(c.names)
			if err != nil || len(chosen) != c.chosen || len(pages) != c.live {
				t.Errorf("got %v, %v, %v", chosen, pages, err)
			}
		})
	}
	if _, _, err := choose("live,lively"); err == nil || !strings.Contains(err.Error(), "lively") {
		t.Errorf("got %v", err)
	}
}

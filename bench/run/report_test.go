package main

import (
	"strings"
	"testing"
	"time"
)

func TestTheReportComparesMedians(t *testing.T) {
	results := []result{
		{Server: "sluice", Scenario: "fanout", ServerMicros: 9},
		{Server: "sluice", Scenario: "fanout", ServerMicros: 1.5, Lost: 2},
		{Server: "sluice", Scenario: "fanout", ServerMicros: 1.9, Lost: 1},
		{Server: "sluice", Scenario: "fanout", ServerMicros: 0, Failed: "the server is gone"},
		{Server: "peer", Scenario: "fanout", ServerMicros: 24},
		{Server: "peer", Scenario: "fanout", ServerMicros: 20},
		{Server: "sluice", Scenario: "idle", KiBPerSession: 10},
		{Server: "sluice", Scenario: "connect", SessionsPerSecond: 9000},
		{Server: "peer", Scenario: "connect", SessionsPerSecond: 6000},
		{Server: "sluice", Scenario: "fanout5k", P99: 150, Overload: true},
		{Server: "peer", Scenario: "fanout5k", P99: 7000, Overload: true},
	}
	text := report(results, rows, 3, 5*time.Second)
	for _, want := range []string{
		"| fan-out to 1,000, saturated, 32 events in flight | 1.90 µs | 22.0 µs | 1/11.6 | <= 1/8 of peer ✓ | <= 2 ✓ |",
		"| resident memory per idle session (10,000) | 10.0 KiB | – | – | – | <= 12 ✓, then <= 8 ✗ |",
		"| sessions opened per second | 9,000 | 6,000 | 1.50 x | – | >= 8,000 ✓ |",
		"| p99, fan-out to 5,000, 20 events/s | 150 ms (overload) | 7,000 ms (overload) | 1/46.7 | – | <= 180 ✗ |",
		"| 100 topics x 50 subscribers x 3 documents, saturated | – | – | – | – | <= 8 |",
		"Failed: fanout on sluice, round 0: the server is gone",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("not in the report: %s", want)
		}
	}
	if !strings.Contains(text, "| fanout | sluice | 3 |") || !strings.Contains(text, "| 3 | 0 | 0 | 0 |") {
		t.Error("the details do not sum what was lost")
	}
	if t.Failed() {
		t.Log(text)
	}
	head, rule, _ := strings.Cut(text[strings.Index(text, "| scenario | server |"):], "\n")
	rule, _, _ = strings.Cut(rule, "\n")
	if strings.Count(head, "|") != strings.Count(rule, "|") {
		t.Error("the details' head and rule differ in columns")
	}
}

func TestPickKeepsTheOrderAndRefusesTheUnknown(t *testing.T) {
	name := func(s server) string { return s.name }
	got, err := pick(servers, "peer,sluice", name)
	if err != nil || len(got) != 2 || got[0].name != "sluice" {
		t.Errorf("got %v, %v", got, err)
	}
	if _, err := pick(servers, "peer,cosmo", name); err == nil || !strings.Contains(err.Error(), "cosmo") {
		t.Errorf("got %v", err)
	}
}

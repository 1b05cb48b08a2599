package main

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// A result is what loadgen wrote, as far as the report reads it, and whose it is.
type result struct {
	Server   string `json:"server"`
	Scenario string `json:"scenario"`
	Round    int    `json:"round"`
	Failed   string `json:"failed,omitempty"`

	DeliveriesPerSecond float64 `json:"deliveriesPerSecond"`
	BytesPerDelivery    float64 `json:"bytesPerDelivery"`
	PerRead             float64 `json:"perRead"`
	ServerMicros        float64 `json:"serverMicros"`
	ServerCores         float64 `json:"serverCores"`
	LoadgenMicros       float64 `json:"loadgenMicros"`
	LoadgenCores        float64 `json:"loadgenCores"`
	OtherCores          float64 `json:"otherCores"`
	P50                 float64 `json:"p50ms"`
	P99                 float64 `json:"p99ms"`
	Overload            bool    `json:"overload"`
	Lost                int64   `json:"lost"`
	Duplicated          int64   `json:"duplicated"`
	Undelivered         int64   `json:"undelivered"`
	Closed              int64   `json:"closed"`
	SessionsPerSecond   float64 `json:"sessionsPerSecond"`
	OpenMicros          float64 `json:"openMicros"`
	KiBPerSession       float64 `json:"kibPerSession"`
}

// A row is one line of the comparison: what it measures and what we want of it.
type row struct {
	scenario string
	title    string
	unit     string
	value    func(result) float64
	more     bool      // more is better
	load     bool      // whether it measures deliveries, so that overload spoils it
	over     float64   // ours must be at most the peer's divided by this; 0 for no such floor
	goals    []float64 // ours must be at most (with more: at least) this; a second one comes later
}

func serverMicros(r result) float64 { return r.ServerMicros }

var rows = []row{
	{scenario: "fanout", title: "fan-out to 1,000, saturated, 32 events in flight", unit: "µs", value: serverMicros, load: true, over: 8, goals: []float64{2}},
	{scenario: "fanout8", title: "fan-out to 1,000, saturated, 8 events in flight", unit: "µs", value: serverMicros, load: true, over: 8, goals: []float64{2}},
	{scenario: "fanout20", title: "fan-out to 1,000, 20 events/s", unit: "µs", value: serverMicros, load: true, over: 2.5, goals: []float64{10.5}},
	{scenario: "own", title: "2,000 subscribers, each its own topic, saturated", unit: "µs", value: serverMicros, load: true, over: 1.5, goals: []float64{22}},
	{scenario: "mixed", title: "100 topics x 50 subscribers x 3 documents, saturated", unit: "µs", value: serverMicros, load: true, goals: []float64{8}},
	{scenario: "sse", title: "fan-out to 1,000 over SSE, saturated, 32 in flight", unit: "µs", value: serverMicros, load: true, goals: []float64{2.2}},
	{scenario: "idle", title: "resident memory per idle session (10,000)", unit: "KiB", value: func(r result) float64 { return r.KiBPerSession }, goals: []float64{12, 8}},
	{scenario: "connect", title: "sessions opened per second", unit: "/s", value: func(r result) float64 { return r.SessionsPerSecond }, more: true, goals: []float64{8000}},
	{scenario: "fanout5k", title: "p99, fan-out to 5,000, 20 events/s", unit: "ms", value: func(r result) float64 { return r.P99 }, load: true, goals: []float64{180}},
}

// A cell is one server's median in one row.
type cell struct {
	value    float64
	measured bool
	overload bool
}

func (c cell) in(unit string) string {
	if !c.measured {
		return "–"
	}
	text := number(c.value)
	if unit != "/s" {
		text += " " + unit
	}
	if c.overload {
		text += " (overload)"
	}
	return text
}

func number(v float64) string {
	switch {
	case v >= 999.5:
		s := fmt.Sprintf("%.0f", v)
		for i := len(s) - 3; i > 0; i -= 3 {
			s = s[:i] + "," + s[i:]
		}
		return s
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

// of gives the runs of one server and scenario that did not fail.
func of(results []result, server, scenario string) []result {
	return slices.DeleteFunc(slices.Clone(results), func(r result) bool {
		return r.Server != server || r.Scenario != scenario || r.Failed != ""
	})
}

func median[T any](runs []T, value func(T) float64) float64 {
	if len(runs) == 0 {
		return 0
	}
	values := make([]float64, len(runs))
	for i, r := range runs {
		values[i] = value(r)
	}
	slices.Sort(values)
	return (values[(len(values)-1)/2] + values[len(values)/2]) / 2
}

func (r row) cell(results []result, server string) cell {
	runs := of(results, server, r.scenario)
	overloaded := 0
	for _, run := range runs {
		if run.Overload {
			overloaded++
		}
	}
	return cell{value: median(runs, r.value), measured: len(runs) > 0, overload: 2*overloaded > len(runs)}
}

// mark says whether a figure holds; it says nothing about one that was not measured.
func mark(ours cell, holds bool) string {
	switch {
	case !ours.measured:
		return ""
	case holds && !ours.overload:
		return " ✓"
	}
	return " ✗"
}

func (r row) floor(ours, peer cell) string {
	if r.over == 0 {
		return "–"
	}
	text := fmt.Sprintf("<= 1/%g of peer", r.over)
	if !peer.measured {
		return text
	}
	return text + mark(ours, ours.value <= peer.value/r.over)
}

func (r row) goal(ours cell) string {
	var texts []string
	for _, goal := range r.goals {
		sign, holds := "<=", ours.value <= goal
		if r.more {
			sign, holds = ">=", ours.value >= goal
		}
		text := number(goal)
		if goal < 1000 {
			text = fmt.Sprintf("%g", goal)
		}
		texts = append(texts, sign+" "+text+mark(ours, holds))
	}
	return strings.Join(texts, ", then ")
}

func (r row) ratio(ours, peer cell) string {
	if !ours.measured || !peer.measured || ours.value == 0 || peer.value == 0 {
		return "–"
	}
	if r.more {
		return fmt.Sprintf("%.2f x", ours.value/peer.value)
	}
	if ours.value > peer.value {
		return fmt.Sprintf("%.2f x", ours.value/peer.value)
	}
	return fmt.Sprintf("1/%.1f", peer.value/ours.value)
}

// report is the comparison, then what lies behind it.
func report(results []result, chosen []row, rounds int, duration time.Duration) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Medians of %d interleaved rounds of %v; µs are server CPU per delivery.\n\n", rounds, duration)
	b.WriteString("| scenario | sluice | plain gqlgen | ratio | must be | should be |\n|---|---|---|---|---|---|\n")
	for _, r := range chosen {
		ours, peer := r.cell(results, "sluice"), r.cell(results, "peer")
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s |\n",
			r.title, ours.in(r.unit), peer.in(r.unit), r.ratio(ours, peer), r.floor(ours, peer), r.goal(ours))
	}
	b.WriteString("\nBehind it. Lost, duplicated, undelivered and closed are sums over all rounds and should be 0;\n" +
		"other cores are Redis and whatever else ran on the machine: far above 0.1, a figure is disturbed.\n\n" +
		"| scenario | server | runs | deliveries/s | bytes | per read | server cores | loadgen µs | loadgen cores | other cores | p50 ms | p99 ms | sessions/s | µs a session opened | lost | dup. | undel. | closed |\n" +
		"|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|\n")
	for _, r := range chosen {
		for _, s := range servers {
			runs := of(results, s.name, r.scenario)
			if len(runs) == 0 {
				continue
			}
			m := func(value func(result) float64) string { return number(median(runs, value)) }
			sum := func(value func(result) int64) (n int64) {
				for _, run := range runs {
					n += value(run)
				}
				return n
			}
			load := []string{"–", "–", "–", "–", "–", "–", "–", "–", "–"}
			if r.load {
				load = []string{
					m(func(r result) float64 { return r.DeliveriesPerSecond }), m(func(r result) float64 { return r.BytesPerDelivery }),
					m(func(r result) float64 { return r.PerRead }), m(func(r result) float64 { return r.ServerCores }), m(func(r result) float64 { return r.LoadgenMicros }),
					m(func(r result) float64 { return r.LoadgenCores }), m(func(r result) float64 { return r.OtherCores }),
					m(func(r result) float64 { return r.P50 }), m(func(r result) float64 { return r.P99 }),
				}
			}
			fmt.Fprintf(&b, "| %s | %s | %d | %s | %s | %s | %d | %d | %d | %d |\n", r.scenario, s.name, len(runs), strings.Join(load, " | "),
				m(func(r result) float64 { return r.SessionsPerSecond }), m(func(r result) float64 { return r.OpenMicros }),
				sum(func(r result) int64 { return r.Lost }), sum(func(r result) int64 { return r.Duplicated }),
				sum(func(r result) int64 { return r.Undelivered }), sum(func(r result) int64 { return r.Closed }))
		}
	}
	for _, r := range results {
		if r.Failed != "" {
			fmt.Fprintf(&b, "\nFailed: %s on %s, round %d: %s\n", r.Scenario, r.Server, r.Round, r.Failed)
		}
	}
	return b.String()
}

package main

import (
	"fmt"
	"strings"
	"time"
)

// A result is what one run measured. Zero means not measured.
type result struct {
	Scenario  string  `json:"scenario"`
	Sessions  int     `json:"sessions"`
	Topics    int     `json:"topics"`
	Documents int     `json:"documents"`
	Seconds   float64 `json:"seconds"`

	Deliveries          int64   `json:"deliveries"`
	DeliveriesPerSecond float64 `json:"deliveriesPerSecond"`
	OfferedPerSecond    float64 `json:"offeredPerSecond,omitempty"`
	BytesPerDelivery    float64 `json:"bytesPerDelivery"`
	PerRead             float64 `json:"perRead"`       // deliveries in one read(2): what server and kernel had gathered
	ServerMicros        float64 `json:"serverMicros"`  // server CPU per delivery
	ServerCores         float64 `json:"serverCores"`   // server CPU per second
	LoadgenMicros       float64 `json:"loadgenMicros"` // the load generator's own CPU per delivery
	LoadgenCores        float64 `json:"loadgenCores"`
	OtherCores          float64 `json:"otherCores"` // the rest of the machine: Redis, and whatever disturbs

	P50      float64 `json:"p50ms"`
	P99      float64 `json:"p99ms"`
	Max      float64 `json:"maxms"`
	Overload bool    `json:"overload"` // less than 95 % of what was offered arrived in time

	Lost        int64 `json:"lost"`        // revisions that a session never saw, later ones it did
	Duplicated  int64 `json:"duplicated"`  // revisions seen twice or out of order
	Undelivered int64 `json:"undelivered"` // still missing after the load stopped and 5 s passed
	Closed      int   `json:"closed"`      // sessions that the server ended

	SessionsPerSecond float64 `json:"sessionsPerSecond"`
	OpenMicros        float64 `json:"openMicros"`        // server CPU per session opened
	LoadgenOpenMicros float64 `json:"loadgenOpenMicros"` // the load generator's own
	RSSBefore         int     `json:"rssBeforeKiB"`
	RSSAfter          int     `json:"rssAfterKiB"`
	KiBPerSession     float64 `json:"kibPerSession"`
}

// String is the one line that a run prints.
func (r *result) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%-8s %5d sessions %4d topics: ", r.Scenario, r.Sessions, r.Topics)
	if r.Seconds > 0 {
		fmt.Fprintf(&b, "%.0f deliveries/s of %.0f B, %.1f a read, server %.2f µs each (%.2f cores), loadgen %.2f µs (%.2f cores), others %.2f cores, p50 %.1f p99 %.1f max %.1f ms, ",
			r.DeliveriesPerSecond, r.BytesPerDelivery, r.PerRead, r.ServerMicros, r.ServerCores, r.LoadgenMicros, r.LoadgenCores, r.OtherCores, r.P50, r.P99, r.Max)
		if r.Overload {
			fmt.Fprintf(&b, "OVERLOAD (%.0f/s offered), ", r.OfferedPerSecond)
		}
	}
	fmt.Fprintf(&b, "opened %.0f/s (server %.0f µs each, loadgen %.0f), RSS %d -> %d KiB (%.1f a session), lost %d duplicated %d undelivered %d closed %d",
		r.SessionsPerSecond, r.OpenMicros, r.LoadgenOpenMicros, r.RSSBefore, r.RSSAfter, r.KiBPerSession, r.Lost, r.Duplicated, r.Undelivered, r.Closed)
	return b.String()
}

func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

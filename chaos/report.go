package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/sluice-gateway/sluice/chaos/check"
	"github.com/sluice-gateway/sluice/chaos/crowd"
	"github.com/sluice-gateway/sluice/chaos/faults"
)

// A report is what a run has shown.
type report struct {
	*plan
	began    []moment // of each fault
	failures []string
	progress crowd.Progress
	history  check.History
	found    []check.Finding
}

// A moment is when something began.
type moment struct {
	name string
	at   time.Time
}

func (r *report) begin(name string) { r.began = append(r.began, moment{name, time.Now()}) }

func (r *report) failed(name string, err error) {
	r.log("%s could not be done: %v", name, err)
	r.failures = append(r.failures, fmt.Sprintf("%s: %v", name, err))
}

// writeTransports prints what became of the subscribers of each transport.
func (r *report) writeTransports(out io.Writer) {
	fmt.Fprintln(out)
	tab := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(tab, "transport\tsubscribers\treceived\tresumed\tgaps told\tof these needless\tbreaches\t")
	seats := r.seats()
	for _, name := range crowd.Transports {
		if s := seats[name]; s != nil {
			fmt.Fprintf(tab, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t\n", name, s.subscribers, s.received, s.resumed, s.gaps, s.needless, s.breaches)
		}
	}
	_ = tab.Flush()
}

// write prints all of it.
func (r *report) write(out io.Writer) {
	tab := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(tab, "fault\ttimes\tno publishing for\tslowest event\tresumed\tgaps told\tof these needless\tbreaches\t")
	rows := r.rows()
	for _, f := range faults.All {
		if w := rows[f.Name]; w != nil {
			fmt.Fprintf(tab, "%s\t%d\t%.1f s\t%.1f s\t%d\t%d\t%d\t%d\t\n", f.Name, w.times, w.pause.Seconds(), w.slowest.Seconds(), w.resumed, w.gaps, w.needless, w.breaches)
		}
	}
	_ = tab.Flush()
	r.writeTransports(out)
	acknowledged, tries := 0, 0
	for _, p := range r.history.Published {
		tries += p.Tries
		if p.Acknowledged {
			acknowledged++
		}
	}
	fmt.Fprintf(out, "\nseed %d, appendfsync %s in %s: %d subscribers, %d topics, %d gateways; %d events published (%d acknowledged, %d tries), %d received\n",
		r.seed, r.fsync, cmp.Or(r.disk, os.TempDir()), r.subscribers, r.topics, r.nodes, len(r.history.Published), acknowledged, tries, r.progress.Received)
	counts := check.Count(r.found)
	for _, kind := range check.Kinds {
		fmt.Fprintf(out, "%-13s %d\n", kind, counts[kind])
	}
	for _, code := range slices.Sorted(maps.Keys(r.progress.Codes)) {
		fmt.Fprintf(out, "told %-24s %d\n", code, r.progress.Codes[code])
	}
	for _, failure := range r.failures {
		fmt.Fprintf(out, "could not be done: %s\n", failure)
	}
	const most = 20
	for i, f := range check.Breaches(r.found) {
		if i == most {
			fmt.Fprintln(out, "and more")
			break
		}
		fmt.Fprintf(out, "%s: %v\n", r.during(f.At), f)
	}
}

package main

import (
	"slices"
	"sort"
	"time"

	"github.com/sluice-gateway/sluice/chaos/check"
)

// A row is what happened between the beginnings of faults of one kind and of those that followed them.
type row struct {
	times, resumed, gaps, needless, breaches int
	pause                                    time.Duration // the longest in which nothing was acknowledged
	slowest                                  time.Duration // from when an event was acknowledged until the last client had it
}

// during is the name of what had begun last at a moment.
func (r *report) during(at time.Time) string {
	i := sort.Search(len(r.began), func(i int) bool { return r.began[i].at.After(at) })
	if i == 0 {
		return "before"
	}
	return r.began[i-1].name
}

func (r *report) rows() map[string]*row {
	rows := make(map[string]*row)
	of := func(name string) *row {
		if rows[name] == nil {
			rows[name] = new(row)
		}
		return rows[name]
	}
	for _, m := range r.began {
		of(m.name).times++
	}
	for _, c := range r.history.Clients {
		for _, e := range c.Entries {
			switch e.Kind {
			case check.Resumed:
				of(r.during(e.At)).resumed++
			case check.Gapped:
				of(r.during(e.At)).gaps++
			}
		}
	}
	for _, f := range r.found {
		if f.Kind == check.NeedlessGap {
			of(r.during(f.At)).needless++
		} else {
			of(r.during(f.At)).breaches++
		}
	}
	r.pauses(of)
	r.delays(of)
	return rows
}

// delays finds how long events took.
func (r *report) delays(of func(string) *row) {
	type event struct {
		topic string
		check.ID
	}
	sent := make(map[event]time.Time)
	for _, p := range r.history.Published {
		sent[event{p.Topic, p.ID}] = p.At
	}
	for _, c := range r.history.Clients {
		for _, e := range c.Entries {
			if at, ok := sent[event{c.Topic, e.ID}]; ok && e.Kind == check.Received {
				w := of(r.during(at))
				w.slowest = max(w.slowest, e.At.Sub(at))
			}
		}
	}
}

// pauses finds for how long nobody could publish.
func (r *report) pauses(of func(string) *row) {
	var acks []time.Time
	for _, p := range r.history.Published {
		if p.Acknowledged {
			acks = append(acks, p.At)
		}
	}
	slices.SortFunc(acks, time.Time.Compare)
	for i := 1; i < len(acks); i++ {
		w := of(r.during(acks[i-1]))
		w.pause = max(w.pause, acks[i].Sub(acks[i-1]))
	}
}

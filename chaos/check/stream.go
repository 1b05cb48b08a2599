package check

import (
	"fmt"

	"github.com/sluice-gateway/sluice/pubsub"
)

// stream checks a log: without a gap, in the order of each lane, and with all that it must still have.
func (r *run) stream(s *Stream) {
	t := r.topic(s.Topic)
	last, seen := make(map[int]int), make(map[ID]bool)
	var at pubsub.Position
	fault := func(kind string, e *Entry, detail string) {
		r.find(Finding{Kind: kind, Topic: s.Topic, ID: e.ID, At: e.At, Detail: detail})
	}
	for i := range s.Events {
		e := &s.Events[i]
		if wrong := follows(at, e.Position); wrong != "" {
			fault(Misplaced, e, "in the log, "+wrong)
		}
		at = e.Position
		r.alike(t, "", *e)
		switch {
		case t.published(e.ID) == nil:
			fault(Invented, e, "is in the log, and was never published")
		case seen[e.ID]:
			fault(Duplicated, e, "is in the log twice")
		case e.Number < last[e.Lane]:
			fault(Reordered, e, fmt.Sprintf("is after %d in the log", last[e.Lane]))
		}
		seen[e.ID] = true
		last[e.Lane] = max(last[e.Lane], e.Number)
	}
	r.missing(t, s, seen, last)
	if due := min(uint64(s.Kept), at.Offset); uint64(len(s.Events)) < due {
		r.find(Finding{Kind: Lost, Topic: s.Topic, Detail: fmt.Sprintf("the log has %d events and must have %d", len(s.Events), due)})
	}
}

// missing finds what the log lacks at its top, and inside unless somebody was told of a gap.
func (r *run) missing(t *topic, s *Stream, seen map[ID]bool, last map[int]int) {
	if len(s.Events) == 0 {
		return // it has expired, or was never compared
	}
	first := make(map[int]int) // of each lane in the log
	for _, e := range s.Events {
		if first[e.Lane] == 0 {
			first[e.Lane] = e.Number
		}
	}
	for number, l := range t.lanes {
		for _, p := range l.between(first[number], 0) {
			trimmed := first[number] == 0 // as far as is known
			if !seen[p.ID] && (p.Closing || !t.gapped && !trimmed) {
				r.find(Finding{Kind: Lost, Topic: t.name, ID: p.ID, At: p.At, Detail: fmt.Sprintf("is not in the log, whose last of this lane is %d", last[number])})
			}
		}
	}
}

package check

import (
	"fmt"

	"github.com/sluice-gateway/sluice/pubsub"
)

// A place is a position, as a key.
type place = pubsub.Position

// placeAll notes where events are, and finds what is not alike for all.
func (r *run) placeAll(name, client string, entries []Entry) {
	t := r.topic(name)
	for _, e := range entries {
		if e.Kind == Gapped {
			t.gapped = true
		}
		if e.Kind != Received {
			continue
		}
		if l := t.lanes[e.Lane]; l != nil {
			l.seen[e.Number] = true
		}
		if !e.Position.IsZero() {
			r.place(t, client, e)
		}
	}
}

// read notes what is in the log.
func (t *topic) read(log []Entry) {
	t.log = make(map[ID]place)
	for _, e := range log {
		t.log[e.ID] = e.Position
	}
}

func (r *run) place(t *topic, client string, e Entry) {
	other, taken := t.at[e.Position]
	switch {
	case taken && other != e.ID:
		r.find(Finding{
			Kind: Misplaced, Client: client, Topic: t.name, ID: e.ID, At: e.At,
			Detail: fmt.Sprintf("is at %v, where others have %d/%d", e.Position, other.Lane, other.Number),
		})
	case !taken:
		t.at[e.Position] = e.ID
		t.places[e.ID] = append(t.places[e.ID], e.Position)
	}
}

// alike finds an event that is at two places. It is asked when all gaps are known.
func (r *run) alike(t *topic, client string, e Entry) {
	places := t.places[e.ID]
	if e.Position.IsZero() || len(places) < 2 || e.Position == places[0] || t.retried(e.ID) {
		return
	}
	r.find(Finding{
		Kind: Misplaced, Client: client, Topic: t.name, ID: e.ID, At: e.At,
		Detail: fmt.Sprintf("is at %v, and at %v for others", e.Position, places[0]),
	})
}

// follows says in which way a position is not the next after another, or "".
func follows(last, next pubsub.Position) string {
	switch {
	case last.IsZero():
		return ""
	case next.IsZero():
		return fmt.Sprintf("has no position after %v", last)
	case next.Epoch != last.Epoch:
		return fmt.Sprintf("is at %v, in another epoch than %v", next, last)
	case next.Offset != last.Offset+1:
		return fmt.Sprintf("is at %v, right after %v", next, last)
	}
	return ""
}

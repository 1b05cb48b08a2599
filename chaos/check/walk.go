package check

import (
	"fmt"
	"slices"

	"github.com/sluice-gateway/sluice/pubsub"
)

// A walk goes through what happened to one client.
type walk struct {
	*run
	*topic
	client *Client
	last   map[int]int // of each lane, the number that came last
	holes  map[int]*hole
	era    int // how many gaps it was told of
	seen   map[ID]int
	at     pubsub.Position // of the last event; zero: the next may be anywhere
	began  bool            // it was there before the first event, and has had none
	holds  bool            // it has a cursor
	opened bool            // there was no event since it was told of a gap, or joined
	count  int
}

// A hole is the time after a gap, or before the first event, in which a lane may lack events.
type hole struct {
	gap    *Entry          // nil: before the first event
	from   pubsub.Position // of the event before
	needed bool
}

// walk checks a client and returns how many events it received.
func (r *run) walk(c *Client) int {
	w := &walk{run: r, topic: r.topic(c.Topic), client: c, last: make(map[int]int), holes: make(map[int]*hole), seen: make(map[ID]int)}
	var gaps []*hole
	for i := range c.Entries {
		switch e := &c.Entries[i]; e.Kind {
		case Began:
			w.began = true
		case Gapped:
			gaps = append(gaps, w.open(e))
		case Joined:
			if !w.holds && !w.opened {
				w.open(nil)
			}
		case Received:
			w.receive(e)
		}
	}
	w.end()
	for _, g := range gaps {
		if !g.needed {
			w.find(Finding{Kind: NeedlessGap, Client: c.Name, Topic: c.Topic, At: g.gap.At, Detail: "a gap was told, and the log has all that is missing"})
		}
	}
	return w.count
}

// open lets every lane lack events until its next one.
func (w *walk) open(gap *Entry) *hole {
	h := &hole{gap: gap, from: w.at}
	h.needed = w.log != nil && !w.at.IsZero() && !w.keeps(w.at) // that place is gone, or was never in this log
	for l := range w.lanes {
		if before := w.holes[l]; before != nil {
			before.needed = true // nobody knows in which of the two the next is missing
		}
		w.holes[l] = h
	}
	if gap != nil {
		w.era++
	}
	w.at, w.holds, w.began, w.opened = pubsub.Position{}, false, false, true
	return h
}

func (w *walk) receive(e *Entry) {
	w.count++
	if w.published(e.ID) == nil {
		w.fault(Invented, e, "was never published to this topic")
		return
	}
	w.alike(w.topic, w.client.Name, *e)
	w.follow(e)
	era, twice := w.seen[e.ID]
	w.seen[e.ID] = w.era
	again := w.era > 0 && w.retried(e.ID)
	switch {
	case twice && (era == w.era || !again):
		w.fault(Duplicated, e, "came before")
	case twice:
	case e.Number < w.last[e.Lane] && !again:
		w.fault(Reordered, e, fmt.Sprintf("came after %d", w.last[e.Lane]))
	case e.Number > w.last[e.Lane]:
		w.close(e.Lane, e.Number)
		w.last[e.Lane] = e.Number
	}
}

// follow checks that the position is the next one.
func (w *walk) follow(e *Entry) {
	switch wrong := follows(w.at, e.Position); {
	case wrong != "":
		w.fault(Misplaced, e, wrong)
	case w.began && e.Position.Offset > 1:
		w.fault(Misplaced, e, fmt.Sprintf("is the first, at %v", e.Position))
	}
	w.at, w.holds, w.began, w.opened = e.Position, !e.Position.IsZero(), false, false
}

// close finds what a lane lacks before a number; 0: at the end.
func (w *walk) close(of, before int) {
	h := w.holes[of]
	delete(w.holes, of)
	for _, p := range w.lanes[of].between(w.last[of], before) {
		switch _, came := w.seen[p.ID]; {
		case came:
		case h == nil || p.Closing:
			w.find(Finding{Kind: Lost, Client: w.client.Name, Topic: w.name, ID: p.ID, At: p.At, Detail: "is missing, and no gap was told"})
		default:
			h.needed = h.needed || !w.replayable(h, p.ID)
		}
	}
}

// replayable reports whether a log that has the place before a hole has an event too: then there was no need
// of a gap.
func (w *walk) replayable(h *hole, id ID) bool {
	_, there := w.log[id]
	return there && !h.from.IsZero() && w.keeps(h.from)
}

// keeps reports whether a place is in the log.
func (w *walk) keeps(at place) bool {
	id, ok := w.topic.at[at]
	return ok && w.log[id] == at
}

// end finds what a client that stayed lacks at its end.
func (w *walk) end() {
	var lanes []int
	for l := range w.lanes {
		lanes = append(lanes, l)
	}
	slices.Sort(lanes)
	for _, l := range lanes {
		if w.client.Stayed {
			w.close(l, 0)
		} else if h := w.holes[l]; h != nil {
			h.needed = true // nobody knows what it would have missed
		}
	}
}

func (w *walk) fault(kind string, e *Entry, detail string) {
	w.find(Finding{Kind: kind, Client: w.client.Name, Topic: w.name, ID: e.ID, At: e.At, Detail: detail})
}

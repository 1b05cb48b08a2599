package limits

import (
	"slices"
	"time"
)

// A holding is one lease as its account sees it.
type holding struct {
	id      string
	events  int64
	told    int64         // as spent, to the counter: it may have charged so much
	settled int64         // of that, what it certainly has
	spent   int64         // when it is over
	until   time.Time     // it may not be spent any more
	life    time.Duration // in a sliding window, from the last settlement
}

// holdings are the leases of an account. What is taken is taken from the oldest first. They do not
// know how much is left: the account does, and tells.
type holdings struct {
	window  string
	sliding bool
	open    []holding
	granted int64 // of this term
	closed  int64 // of it, what belonged to leases that were spent and returned
	over    []holding
}

// room is how many events may be given back. What is charged counts in a sliding window at that time,
// so it cannot be spent again later; in a calendar window it can.
func (h *holdings) room(left int64) int64 {
	if !h.sliding {
		return h.granted - left
	}
	n := h.granted - left - h.closed
	for _, o := range h.open {
		n -= o.told
	}
	return max(0, n)
}

// spent calls f for every open lease with what is spent of it. What was told stays so.
func (h *holdings) spent(left int64, f func(o *holding, spent int64)) {
	rest := h.granted - left - h.closed
	for i := range h.open {
		o := &h.open[i]
		n := max(o.told, min(rest, o.events))
		rest -= n
		f(o, n)
	}
}

// end makes every lease one to be returned. It returns how many of what is left are charged.
func (h *holdings) end(left int64) (stranded int64) {
	unspent := int64(0)
	h.spent(left, func(o *holding, spent int64) {
		o.spent = spent
		unspent += o.events - spent
		h.over = append(h.over, *o)
	})
	h.open, h.granted, h.closed, h.window = nil, 0, 0, ""
	return left - unspent
}

// reports tells of every open lease, and how many events a counter that has got them knows as not
// spent.
func (h *holdings) reports(left int64) (list []Report, outstanding int64) {
	h.spent(left, func(o *holding, spent int64) {
		o.told = spent
		list = append(list, Report{ID: o.id, Spent: spent, Done: spent == o.events})
		outstanding += o.events - spent
	})
	return list[:min(len(list), MaxReports)], outstanding
}

// reported notes what the counter has got. It returns how many events of leases that are done are
// charged.
func (h *holdings) reported(list []Report) (charged int64) {
	for _, r := range list {
		for i := range h.open {
			o := &h.open[i]
			if o.id != r.ID {
				continue
			}
			o.settled = max(o.settled, r.Spent)
			if r.Done {
				h.closed += o.events
				charged += o.events
				h.open = slices.Delete(h.open, i, i+1)
			}
			break
		}
	}
	return charged
}

// prolong notes that the counter has heard of a lease since a time: only in a sliding window does its
// life begin anew.
func (h *holdings) prolong(id string, since time.Time) {
	for i := range h.open {
		if o := &h.open[i]; o.id == id && o.life > 0 {
			o.until = since.Add(o.life)
		}
	}
}

// until is when the first lease may not be spent any more; zero: there is none.
func (h *holdings) until() (first time.Time) {
	for _, o := range h.open {
		if first.IsZero() || o.until.Before(first) {
			first = o.until
		}
	}
	return first
}

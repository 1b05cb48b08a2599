package share

import (
	"context"

	"github.com/sluice-gateway/sluice/internal/outbox"
	"github.com/sluice-gateway/sluice/pubsub"
)

const (
	// page is how many events are read from a log at once.
	page = 300
	// windowEvents and windowBytes bound what a replay keeps of one topic for members that come later.
	windowEvents = 1000
	windowBytes  = 4 << 20
)

// A window is a part of a topic's log, and what was made of it.
type window struct {
	after   pubsub.Position // the event before the first entry; zero: nothing was read
	entries []*entry
	bytes   int
	ended   bool // the log had no more when it was asked last
}

// An entry is an event of a log.
type entry struct {
	event  *pubsub.Event
	made   *result        // nil: nobody has executed it yet
	origin *outbox.Origin // nil: of what was made of it there is none yet
}

// find returns the entry that follows a position; nil without one at the window's end. It reports false
// where the window does not have the position.
func (w *window) find(at pubsub.Position) (next *entry, covered bool) {
	if at.Epoch != w.after.Epoch || at.Offset < w.after.Offset || at.Offset-w.after.Offset > uint64(len(w.entries)) {
		return nil, false
	}
	i := int(at.Offset - w.after.Offset)
	before := w.after
	if i > 0 {
		before = w.entries[i-1].event.Position
	}
	switch {
	case before != at:
		return nil, false
	case i == len(w.entries):
		return nil, true
	}
	return w.entries[i], true
}

// last is the position of the newest entry.
func (w *window) last() pubsub.Position {
	if n := len(w.entries); n > 0 {
		return w.entries[n-1].event.Position
	}
	return w.after
}

// add appends what a log has after a position. What does not follow the last entry takes its place.
func (w *window) add(after pubsub.Position, events []*pubsub.Event) {
	if w.last() != after {
		*w = window{after: after}
	}
	for _, e := range events {
		w.entries = append(w.entries, &entry{event: e})
		w.bytes += len(e.Payload)
	}
	w.ended = len(events) == 0
	for len(w.entries) > windowEvents || len(w.entries) > page && w.bytes > windowBytes {
		w.drop()
	}
}

// grow notes the size of what was made of an entry. What is before it gives way: its member has had that, and
// others read it again.
func (w *window) grow(e *entry, size int) {
	w.bytes += size
	for w.bytes > windowBytes && w.entries[0] != e {
		w.drop()
	}
}

// drop forgets the oldest entry.
func (w *window) drop() {
	e := w.entries[0]
	w.after = e.event.Position
	w.bytes -= len(e.event.Payload)
	if e.made != nil {
		w.bytes -= len(e.made.body)
	}
	w.entries[0] = nil
	w.entries = w.entries[1:]
}

// after returns the event that follows a place, of the topics' the one that was published first; nil: the
// logs have no more. An error is a *pubsub.GapError or the broker's.
func (r *replay) after(ctx context.Context, at Place) (next *entry, topic int, err error) {
	for i := range r.windows {
		candidate, err := r.following(ctx, i, at[i])
		switch {
		case err != nil:
			return nil, 0, err
		case candidate == nil:
		case next == nil || candidate.event.Published.Before(next.event.Published):
			next, topic = candidate, i
		}
	}
	return next, topic, nil
}

// following returns the event of a topic that follows a position.
func (r *replay) following(ctx context.Context, topic int, at pubsub.Position) (*entry, error) {
	w := &r.windows[topic]
	next, covered := w.find(at)
	if next != nil || covered && w.ended {
		return next, nil
	}
	past, err := r.groups.broker.Read(ctx, r.spec.Topics[topic], at, page)
	if err != nil {
		return nil, err
	}
	w.add(at, past.Events)
	next, _ = w.find(at)
	return next, nil
}

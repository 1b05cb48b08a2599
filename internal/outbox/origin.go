package outbox

import "time"

// An Origin is where an event comes from: one for all who are offered it.
type Origin struct {
	// At is when it was made; zero: nobody wants to know how long ago that was.
	At time.Time
	// Written is told how long after At the event was written: for each outbox of one event of a write,
	// of those that waited the longest. It is called by whoever writes, and must not block.
	Written func(after time.Duration)
	// Failed says that its body tells of errors.
	Failed bool
}

// A sample is an event of an outbox whose way to the peer is timed: the first to come when none is.
type sample struct {
	waiting *Origin // of an event that has not been taken; guarded by the outbox' mu
	behind  int     // how many items were before it when it came, less those taken since; as waiting
	taken   *Origin // of one that is being written: of whoever takes
}

// noteLocked makes an event the sample, with the items before it that wait, unless there is one.
func (s *sample) noteLocked(o *Origin, waiting int) {
	if o != nil && s.waiting == nil && o.Written != nil && !o.At.IsZero() {
		s.waiting, s.behind = o, waiting
	}
}

// giveWayLocked notes that an event gave way to another, or to none.
func (s *sample) giveWayLocked(old, to *Origin) {
	if old != nil && s.waiting == old {
		s.waiting = to
	}
}

// takeLocked notes that so many items were taken.
func (s *sample) takeLocked(items int) {
	if s.waiting == nil {
		return
	}
	if s.behind -= items; s.behind < 0 {
		s.taken, s.waiting = s.waiting, nil
	}
}

// Written says that what Take gave is written. Whoever takes calls it.
func (o *Outbox) Written() {
	if origin := o.sample.taken; origin != nil {
		o.sample.taken = nil
		origin.Written(time.Since(origin.At))
	}
}

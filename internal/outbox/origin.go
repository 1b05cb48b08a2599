package outbox

import "time"

// An Origin is where an event comes from: one for all who are offered it.
type Origin struct {
	// At is when it was made; zero: nobody wants to know how long ago that was.
	At time.Time
	// Written is told how long after At the event was written: for each outbox of one event of a write, of those
	// that waited the longest, and 20 times a second at most. It is called by whoever writes, and must not block.
	Written func(after time.Duration)
	// Failed says that its body tells of errors.
	Failed bool
	// Replayed says that the event is not new: its topic's log has it for who has missed it.
	Replayed bool
	// Cursor is where a client that has the event can go on after it: letters and digits, '-' and '_', which
	// nobody may change; nil: nowhere.
	Cursor []byte
}

// sampleEvery is how much younger an event of an outbox must be than the one that was timed before: who is sent thousands a
// second would spend more on telling the time than on writing.
const sampleEvery = 50 * time.Millisecond

// A sample is an event of an outbox whose way to the peer is timed: the first to come when none is. It is
// known by what it is, not by its place: events give way, and others take their places.
type sample struct {
	// Of an event that waits; guarded by the outbox' mu.
	stream *Stream // nil: there is none
	origin *Origin
	body   *byte // the first byte of its body; nil: it stands in the stream's line

	at    int64   // the Origin.At of the last one, Unix nanoseconds
	taken *Origin // of one that was framed and is being written: of whoever takes
}

// noteLocked makes an event that was queued the sample, unless there is one.
func (p *sample) noteLocked(s *Stream, e *Event) {
	if p.stream == nil && e.Origin != nil {
		p.setLocked(s, e)
	}
}

func (p *sample) setLocked(s *Stream, e *Event) {
	if e.Origin.Written == nil || e.Origin.At.IsZero() {
		return
	}
	at := e.Origin.At.UnixNano()
	if since := at - p.at; since > 0 && since < int64(sampleEvery) {
		return
	}
	p.at = at
	p.stream, p.origin = s, e.Origin
	if s.bare(e) {
		p.body = &e.Body[0]
	}
}

// bodyTakenLocked notes that an event was framed that is nothing but a body.
func (p *sample) bodyTakenLocked(s *Stream, body []byte) {
	if p.stream == s && len(body) > 0 && p.body == &body[0] {
		p.takeLocked()
	}
}

// eventTakenLocked notes that an event of a stream's line was framed.
func (p *sample) eventTakenLocked(s *Stream, o *Origin) {
	if p.stream == s && p.body == nil && p.origin == o {
		p.takeLocked()
	}
}

func (p *sample) takeLocked() {
	p.taken = p.origin
	p.forgetLocked()
}

// eventLostLocked notes that an event of a stream's line will not be framed.
func (p *sample) eventLostLocked(s *Stream, o *Origin) {
	if p.stream == s && p.body == nil && p.origin == o {
		p.forgetLocked()
	}
}

// streamLostLocked notes that nothing that waits of a stream will be framed.
func (p *sample) streamLostLocked(s *Stream) {
	if p.stream == s {
		p.forgetLocked()
	}
}

func (p *sample) forgetLocked() { p.stream, p.origin, p.body = nil, nil, nil }

// Written says that what Take gave is written. Whoever takes calls it.
func (o *Outbox) Written() {
	if origin := o.sample.taken; origin != nil {
		o.sample.taken = nil
		origin.Written(time.Since(origin.At))
	}
}

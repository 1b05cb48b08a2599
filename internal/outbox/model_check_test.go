package outbox

import "slices"

// check compares the counts, and looks whether the outbox keeps its own books.
func (m *model) check(o *Outbox, all []*modelStream) {
	m.t.Helper()
	events, bytes := m.events()
	if gotEvents, gotBytes := o.Waiting(); gotEvents != events || gotBytes != bytes {
		m.t.Fatalf("%d events and %d bytes wait, want %d and %d", gotEvents, gotBytes, events, bytes)
	}
	surplus := 0
	for _, s := range all {
		if s.toldLost != s.lost {
			m.t.Fatalf("stream %d: %d lost, want %d", s.id, s.toldLost, s.lost)
		}
		if l := s.line; l != nil {
			surplus += l.places - l.count
		}
		if offered, size := o.Offered(&s.Stream); int(offered) != s.offered || int(size) != s.size {
			m.t.Fatalf("stream %d: %d events and %d bytes offered, want %d and %d", s.id, offered, size, s.offered, s.size)
		}
	}
	marks := 0
	for _, it := range o.items[o.first:] {
		switch {
		case !it.isMark():
		case it.stream.marked:
			marks++
		default:
			surplus++
		}
	}
	if marks != o.marks {
		m.t.Fatalf("%d marks, want %d", o.marks, marks)
	}
	m.checkSample(&o.sample, all)
	if surplus != o.surplus {
		m.t.Fatalf("%d places to spare, want %d", o.surplus, surplus)
	}
	m.checkTolerance(o, all)
}

// checkTolerance looks whether the outbox is what its streams are.
func (m *model) checkTolerance(o *Outbox, all []*modelStream) {
	m.t.Helper()
	known, tolerant, patient := false, true, true
	for _, s := range all {
		if s.known {
			known, tolerant, patient = true, tolerant && s.tolerant(), patient && s.patient()
		}
	}
	if o.Tolerant() != (known && tolerant) || o.Patient() != (known && patient) {
		m.t.Fatalf("the outbox is tolerant %v, patient %v", o.Tolerant(), o.Patient())
	}
}

// checkSample looks whether the event that is timed still waits.
func (m *model) checkSample(p *sample, all []*modelStream) {
	m.t.Helper()
	if p.stream == nil {
		return
	}
	for _, s := range all {
		if &s.Stream == p.stream && slices.ContainsFunc(s.waiting, func(e modelEvent) bool { return e.Origin == p.origin }) {
			return
		}
	}
	m.t.Fatal("an event is timed that does not wait")
}

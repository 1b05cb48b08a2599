package outbox

// admitLocked queues an event of a patient stream if there is room. lost is how many it took the place of.
func (o *Outbox) admitLocked(s *Stream, e *Event) (verdict Verdict, lost int) {
	if s.line == nil {
		s.line = new(line)
	}
	if s.Overflow == Latest {
		if old := s.line.find(e.Key); old != nil {
			if !o.fitsLocked(e.size(), old.size()) {
				return Full, 0
			}
			o.conflateLocked(s, old, e)
			s.missed.Store(false)
			return Queued, 1
		}
	}
	if o.events >= o.limits.Events || s.Most > 0 && s.line.count >= s.Most || !o.fitsLocked(e.size(), 0) {
		return Full, 0
	}
	o.enqueueLocked(s, e)
	s.missed.Store(false)
	return Queued, 0
}

// enqueueLocked adds an event to its stream's line, and to the queue a place for it, unless there is
// one to spare.
func (o *Outbox) enqueueLocked(s *Stream, e *Event) {
	o.enterLocked(s)
	if s.line == nil {
		s.line = new(line)
	}
	l := s.line
	l.push(e, s.Overflow == Latest)
	o.events++
	o.bytes += e.size()
	if l.places >= l.count {
		o.surplus--
		return
	}
	l.places++
	o.pushLocked(item{stream: s})
}

// fitsLocked reports whether size bytes may wait besides the others, once freed bytes of these are gone.
func (o *Outbox) fitsLocked(size, freed int) bool {
	rest := o.bytes - freed
	return rest == 0 || rest+size <= o.limits.Bytes
}

func (o *Outbox) conflateLocked(s *Stream, old, e *Event) {
	s.line.untold += 1 + old.Dropped
	o.bytes += e.size() - old.size()
	o.sample.eventLostLocked(s, old.Origin)
	s.line.replace(old, e)
	if l := o.limits.Losses; l != nil {
		l.Conflated.Add(1)
	}
}

// forceLocked queues an event of a patient stream at the cost of its oldest ones. Where even that
// makes no room, because others fill the outbox, the event itself is lost.
func (o *Outbox) forceLocked(s *Stream, e *Event) (verdict Verdict, lost int) {
	others := o.bytes - s.line.bytes
	hopeless := others > 0 && others+e.size() > o.limits.Bytes
	for {
		verdict, n := o.admitLocked(s, e)
		lost += n
		if verdict == Queued {
			return verdict, lost
		}
		if hopeless || s.line.count == 0 {
			o.missedLocked(s, e)
			s.missed.Store(true)
			return Lost, lost + 1
		}
		old := s.line.pop()
		o.events--
		o.bytes -= old.size()
		o.surplus++
		o.sample.eventLostLocked(s, old.Origin)
		o.missedLocked(s, &old)
		lost++
	}
}

// missedLocked notes that an event was dropped; the next frame of its stream tells.
func (o *Outbox) missedLocked(s *Stream, e *Event) {
	s.line.untold += 1 + e.Dropped
	if l := o.limits.Losses; l != nil {
		l.Dropped.Add(1)
	}
}

// sweepLocked takes the places without events, and the marks of streams that have ended, out of the queue
// when they are the most of it.
func (o *Outbox) sweepLocked() {
	waiting := o.items[o.first:]
	if o.surplus < minSurplus || 2*o.surplus < len(waiting) {
		return
	}
	for _, it := range waiting {
		if it.isPlace() {
			it.stream.line.places = 0
		}
	}
	kept := o.items[:0]
	for _, it := range waiting {
		switch {
		case it.isPlace():
			l := it.stream.line
			if l.places == l.count {
				continue
			}
			l.places++
		case it.isMark() && !it.stream.marked:
			continue
		}
		kept = append(kept, it)
	}
	clear(o.items[len(kept):])
	o.items, o.first, o.surplus = kept, 0, 0
}

// minSurplus is how many places without events are no trouble.
const minSurplus = 64

// takePlaceLocked frames the event that a place stands for.
func (o *Outbox) takePlaceLocked(buf []byte, s *Stream) []byte {
	l := s.line
	l.places--
	if l.count == 0 {
		o.surplus--
		return buf
	}
	e := l.pop()
	o.events--
	o.bytes -= e.size()
	if s.Tracks {
		s.sent.Store(&e.Body[0])
	}
	lost := l.untold
	l.untold = 0
	o.leaveLocked(s)
	o.sample.eventTakenLocked(s, e.Origin)
	return appendFrame(o.framer, buf, s, &e, lost)
}

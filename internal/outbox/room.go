package outbox

// aMark is the body of an item that is a mark.
var aMark = []byte{}

// markLocked notes where the outbox was full for a stream that keeps its events, behind all that waits:
// there is room as soon as that has been taken. Something waits, or there would have been room.
func (o *Outbox) markLocked(s *Stream) {
	if s.marked || s.Room == nil {
		return
	}
	s.marked = true
	o.marks++
	o.pushLocked(item{s, aMark})
}

// markTakenLocked has a stream told, once nothing is locked, that all is taken that was in its way.
func (o *Outbox) markTakenLocked(s *Stream) {
	if !s.marked {
		o.surplus--
		return
	}
	s.marked = false
	o.marks--
	o.roomy = append(o.roomy, s)
	o.room.Store(true)
}

// forgetMarkLocked makes the mark of a stream that has ended one to be passed over.
func (o *Outbox) forgetMarkLocked(s *Stream) {
	if s.marked {
		s.marked = false
		o.marks--
		o.surplus++
	}
}

// TellRoom calls the Room of streams for which there is room again. Whoever takes calls it, without
// locks.
func (o *Outbox) TellRoom() {
	if !o.room.Load() {
		return
	}
	for s := o.nextRoomy(); s != nil; s = o.nextRoomy() {
		s.Room()
	}
}

// nextRoomy is the next stream to be told, or nil. One that has ended needs no room.
func (o *Outbox) nextRoomy() *Stream {
	o.mu.Lock()
	defer o.mu.Unlock()
	for len(o.roomy) > 0 {
		s := o.roomy[0]
		o.roomy = o.roomy[1:]
		if !s.ended && !o.last {
			return s
		}
	}
	o.roomy = nil
	o.room.Store(false)
	return nil
}

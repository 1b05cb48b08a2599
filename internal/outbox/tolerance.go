package outbox

// Tolerant reports whether every stream that uses the outbox can do without what its peer does not read
// in time, so that it may take its time: patient ones, whose events give way, and those that keep theirs.
func (o *Outbox) Tolerant() bool { return o.tolerant.Load() }

// Patient reports whether only patient streams use the outbox: what has been framed or lies in the
// kernel can not give way any more, so that should be little. It is tolerant then, too.
func (o *Outbox) Patient() bool { return o.patient.Load() }

// Batch is how many bytes the writer should take at a time.
func (o *Outbox) Batch() int {
	if o.Patient() {
		return patientBatch
	}
	return batch
}

// tolerant reports whether the peer need not be ended where it does not read what is offered.
func (s *Stream) tolerant() bool { return s.Keeps || s.patient() }

// patient reports whether events give way to newer ones.
func (s *Stream) patient() bool { return s.Overflow != Disconnect }

// enterLocked counts a stream of which something is queued for the first time.
func (o *Outbox) enterLocked(s *Stream) {
	if !s.known {
		s.known = true
		*o.kindLocked(s)++
		o.countLocked()
	}
}

// leaveLocked counts a stream out that has ended and of which nothing waits.
func (o *Outbox) leaveLocked(s *Stream) {
	if s.known && s.ended && s.waiting() == 0 {
		s.known = false
		*o.kindLocked(s)--
		o.countLocked()
	}
}

// kindLocked is the count of the streams that are like this one.
func (o *Outbox) kindLocked(s *Stream) *int {
	switch {
	case s.patient():
		return &o.lenient
	case s.Keeps:
		return &o.keeping
	}
	return &o.strict
}

func (o *Outbox) countLocked() {
	tolerant := o.strict == 0 && o.keeping+o.lenient > 0 && !o.last
	o.tolerant.Store(tolerant)
	o.patient.Store(tolerant && o.keeping == 0)
}

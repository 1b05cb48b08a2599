package replication

import "time"

const (
	// maxLag is how many bytes of the server's log a slot may be behind before somebody is told.
	maxLag = 64 << 20
	// readsFor is how long a slot counts as read after a node was seen to read it.
	readsFor = 10 * time.Second
)

// A Status says how reading goes, as this node sees it.
type Status struct {
	// Slot is the name of the slot.
	Slot string `json:"slot"`
	// Up is what Reading said when the status was made.
	Up bool `json:"reading"`
	// Active says that this node reads.
	Active bool `json:"active"`
	// Read is when this node or another was last seen reading; zero: never, or the slot was lost since.
	Read time.Time `json:"read,omitzero"`
	// LagBytes is how much the server has written that was not confirmed when it was last looked at.
	LagBytes int64 `json:"lagBytes"`
	// Since is when the slot has fallen behind, by 64 MiB or so far that the server may give it up;
	// zero: it is not behind.
	Since time.Time `json:"since,omitzero"`
	// Reason is why nothing is read or handed on; empty: no reason is known.
	Reason string `json:"reason,omitempty"`
}

// Reading reports whether a node has read within the last ten seconds.
func (s Status) Reading() bool { return s.Active || time.Since(s.Read) < readsFor }

// Status returns the state of this moment.
func (r *Reader) Status() Status {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.status
	if s.Active {
		s.Read = time.Now()
	}
	s.Slot, s.Up = r.name, s.Reading()
	return s
}

// activate notes that this node reads.
func (r *Reader) activate() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.status.Active, r.status.Reason = true, ""
}

// deactivate notes that it does no more.
func (r *Reader) deactivate() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.status.Active {
		r.status.Active, r.status.Read = false, time.Now()
	}
}

// lose notes that nobody reads, and that a node which was seen reading has missed something.
func (r *Reader) lose(reason string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.status.Read, r.status.Since, r.status.Reason = time.Time{}, time.Time{}, reason
}

// explain notes why nothing goes on, or that it does.
func (r *Reader) explain(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.status.Reason = ""
	if err != nil {
		r.status.Reason = err.Error()
	}
}

// sighted notes what was seen of the slot, and complains when it falls behind.
func (r *Reader) sighted(s slot) {
	since := r.measure(s)
	if since.IsZero() {
		return
	}
	r.trouble.Warn(r.log, "the changes of the database are read too slowly, or by nobody: the server keeps its log for them, "+
		"and gives the slot up when that is over max_slot_wal_keep_size", "slot", r.name, "lag_bytes", s.lag, "wal_status", s.status, "since", since)
}

// measure returns since when the slot is behind; zero: it is not.
func (r *Reader) measure(s slot) time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.status.LagBytes = s.lag
	if s.reading {
		r.status.Read = time.Now()
		if !r.status.Active {
			r.status.Reason = ""
		}
	}
	switch {
	case !s.behind():
		r.status.Since = time.Time{}
	case r.status.Since.IsZero():
		r.status.Since = time.Now()
	}
	return r.status.Since
}

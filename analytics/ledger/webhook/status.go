package webhook

import "time"

// A Status says how sending goes, since the Sender was made.
type Status struct {
	Sent        uint64    `json:"sent"`                 // batches that were taken
	Failed      uint64    `json:"failed"`               // batches in requests that were not, counted with each try
	PausedUntil time.Time `json:"pausedUntil,omitzero"` // when a receiver that was given up is tried again; zero: it was not
	Reason      string    `json:"error,omitempty"`      // Err's text
}

// Status returns the state of this moment.
func (s *Sender) Status() Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	status := s.status
	if s.err != nil {
		status.Reason = s.err.Error()
	}
	return status
}

// Err is why the latest request was not taken, or the outbox not read; nil: all is well.
func (s *Sender) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

func (s *Sender) setErr(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

// taken notes batches that have arrived.
func (s *Sender) taken(batches int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status.Sent += uint64(batches)
}

// refused notes batches that a try did not bring home.
func (s *Sender) refused(batches int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status.Failed += uint64(batches)
	s.err = err
}

// rest notes until when the receiver is left alone; zero: it is not.
func (s *Sender) rest(until time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status.PausedUntil = until
}

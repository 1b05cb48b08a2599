package analytics

import (
	"sync"
	"time"
)

// shelves is how many parts the records of a node have: those that begin and end at a time rarely meet.
const shelves = 32

// A shelf holds records of operations that run.
type shelf struct {
	// mu guards what follows, and what its records say that it does. An operation may take it with its own
	// lock held, so no Runner is called within; a Source and an Account are, which may take theirs.
	mu    sync.Mutex
	first *Record
}

func (r *Recorder) shelf(of *Record) *shelf { return &r.shelves[of.number%shelves] }

func (s *shelf) addLocked(r *Record) {
	if r.next = s.first; r.next != nil {
		r.next.prev = r
	}
	s.first = r
}

func (s *shelf) removeLocked(r *Record) {
	if r.next != nil {
		r.next.prev = r.prev
	}
	if r.prev != nil {
		r.prev.next = r.next
	} else {
		s.first = r.next
	}
	r.prev, r.next = nil, nil
}

// Settle tells the series and the accounts what the operations that run have had up to now. Who looks at
// a recorder's series needs not call it.
func (r *Recorder) Settle() {
	now := time.Now()
	for i := range r.shelves {
		s := &r.shelves[i]
		s.mu.Lock()
		for record := s.first; record != nil; record = record.next {
			record.settleLocked(now)
		}
		s.mu.Unlock()
	}
}

// Running are the operations of this moment, or those of one consumer, in no order.
func (r *Recorder) Running(of *Whose) []*Record {
	var all []*Record
	for i := range r.shelves {
		s := &r.shelves[i]
		s.mu.Lock()
		for record := s.first; record != nil; record = record.next {
			if of == nil || of.maybe(&record.series.labels) {
				all = append(all, record)
			}
		}
		s.mu.Unlock()
	}
	if of == nil {
		return all
	}
	theirs := all[:0]
	for _, record := range all {
		if of.is(record.own()) {
			theirs = append(theirs, record)
		}
	}
	return theirs
}

// Find returns the record of an operation that runs, by its number, or nil.
func (r *Recorder) Find(number uint64) *Record {
	s := &r.shelves[number%shelves]
	s.mu.Lock()
	defer s.mu.Unlock()
	for record := s.first; record != nil; record = record.next {
		if record.number == number {
			return record
		}
	}
	return nil
}

// Whose says whose operations.
type Whose struct {
	Issuer, Consumer string
	Subject          string // only this end user's; empty: of all
}

func (w *Whose) is(l Labels) bool {
	return l.Consumer == w.Consumer && l.Issuer == w.Issuer && (w.Subject == "" || l.Subject == w.Subject)
}

// maybe reports whether an operation with such a series can be the consumer's.
func (w *Whose) maybe(l *Labels) bool { return l.Consumer == Kept(w.Consumer) || l.Consumer == Other }

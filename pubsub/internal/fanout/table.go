// Package fanout is the part that every broker has: a node's own table of who receives what.
//
// A Table hands an event to the receivers of its topic and counts them, so that a broker knows when
// to subscribe and when to stop. It does no I/O and starts no goroutine. It is safe for concurrent
// use; the order of events is that in which its owner calls Deliver.
package fanout

import (
	"strings"
	"sync"
	"sync/atomic"

	"github.com/sluice-gateway/sluice/pubsub"
)

// A Table is the receivers of one node. The zero Table is empty and ready.
type Table struct {
	mu sync.RWMutex // guards what follows, never held while a receiver runs
	// The names, and apart from them the patterns, keyed by what stands before their *: finding
	// an event's receivers is two look-ups however many topics there are.
	names    map[string]*row
	patterns map[string]*row
}

// A row is one topic. Its seats are shared with deliveries that run at the same time: adding writes
// behind what those can see, removing only marks the seat, and compact makes a new slice. So N
// receivers join and leave in O(N), and delivering needs no copy.
type row struct {
	seats []*Seat
	gone  int // seats that are marked
}

// A Seat is one receiver's place at one topic.
type Seat struct {
	receiver pubsub.Receiver
	table    *Table
	topic    string
	gone     atomic.Bool // written under the table's lock, read by deliveries without it
}

// Add seats r at topic, a valid name or pattern. first reports that nobody sat there before.
func (t *Table) Add(topic string, r pubsub.Receiver) (seat *Seat, first bool) {
	seat = &Seat{receiver: r, table: t, topic: topic}
	t.mu.Lock()
	defer t.mu.Unlock()
	rows, key := t.rowsLocked(topic)
	of := rows[key]
	if of == nil {
		of = new(row)
		rows[key] = of
		first = true
	}
	of.seats = append(of.seats, seat)
	return seat, first
}

// Topic returns what the seat was added to.
func (s *Seat) Topic() string { return s.topic }

// Remove ends the deliveries to the seat; one that runs at this moment may still arrive. last
// reports that nobody sits at the topic any more. Removing again does nothing.
func (s *Seat) Remove() (last bool) {
	t := s.table
	t.mu.Lock()
	defer t.mu.Unlock()
	if s.gone.Swap(true) {
		return false
	}
	rows, key := t.rowsLocked(s.topic)
	of := rows[key]
	of.gone++
	if of.gone == len(of.seats) {
		delete(rows, key)
		return true
	}
	if of.gone > len(of.seats)/2 {
		of.compact()
	}
	return false
}

// compact drops the marked seats. Doing so when half of them are keeps the cost per removal constant.
func (r *row) compact() {
	kept := make([]*Seat, 0, len(r.seats)-r.gone)
	for _, s := range r.seats {
		if !s.gone.Load() {
			kept = append(kept, s)
		}
	}
	r.seats, r.gone = kept, 0
}

// Has reports whether anybody sits at topic, a name or a pattern.
func (t *Table) Has(topic string) bool {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.rowAtLocked(topic) != nil
}

// Deliver hands e to everyone who sits at its topic or at the pattern that matches it.
func (t *Table) Deliver(e *pubsub.Event) {
	t.mu.RLock()
	exact := seatsOf(t.names[e.Topic])
	var matching []*Seat
	if dot := strings.LastIndexByte(e.Topic, '.'); dot >= 0 {
		matching = seatsOf(t.patterns[e.Topic[:dot+1]])
	}
	t.mu.RUnlock()
	hand(e, exact)
	hand(e, matching)
}

// DeliverTo hands e to those who sit at topic itself: a name, or the pattern by which a broker was
// sent the event.
func (t *Table) DeliverTo(topic string, e *pubsub.Event) {
	t.mu.RLock()
	seats := seatsOf(t.rowAtLocked(topic))
	t.mu.RUnlock()
	hand(e, seats)
}

// Clear removes everybody.
func (t *Table) Clear() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, rows := range []map[string]*row{t.names, t.patterns} {
		for _, of := range rows {
			for _, s := range of.seats {
				s.gone.Store(true)
			}
		}
		clear(rows)
	}
}

func (t *Table) rowAtLocked(topic string) *row {
	if pubsub.IsPattern(topic) {
		return t.patterns[prefix(topic)]
	}
	return t.names[topic]
}

// rowsLocked returns the map that holds topic, and its key there.
func (t *Table) rowsLocked(topic string) (rows map[string]*row, key string) {
	if t.names == nil {
		t.names, t.patterns = make(map[string]*row), make(map[string]*row)
	}
	if pubsub.IsPattern(topic) {
		return t.patterns, prefix(topic)
	}
	return t.names, topic
}

// prefix is a pattern without its *.
func prefix(pattern string) string { return pattern[:len(pattern)-1] }

func seatsOf(r *row) []*Seat {
	if r == nil {
		return nil
	}
	return r.seats
}

func hand(e *pubsub.Event, seats []*Seat) {
	for _, s := range seats {
		if !s.gone.Load() {
			s.receiver.Receive(e)
		}
	}
}

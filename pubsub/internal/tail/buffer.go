package tail

import "github.com/sluice-gateway/sluice/pubsub"

// A buffer holds what has come while the log was read, in the order in which it came. It always has the
// latest; what came before that is in the log, should the buffer have lost it.
type buffer struct {
	events []arrival
	bytes  int
	count  uint64 // of all that has ever come
}

// An arrival is the number-th event that has come.
type arrival struct {
	number uint64
	event  *pubsub.Event
}

func (b *buffer) add(e *pubsub.Event) {
	if len(b.events) == bufferedEvents || b.bytes+len(e.Payload) > bufferedBytes {
		b.events, b.bytes = nil, 0
	}
	b.count++
	b.events = append(b.events, arrival{b.count, e})
	b.bytes += len(e.Payload)
}

// take empties the buffer.
func (b *buffer) take() []arrival {
	taken := b.events
	b.events, b.bytes = nil, 0
	return taken
}

// restore puts back what was taken, while nothing has come.
func (b *buffer) restore(events []arrival) {
	b.events = events
	for _, a := range events {
		b.bytes += len(a.event.Payload)
	}
}

// echoes are events that were read from the log, and whose messages may still be on their way: the
// newest, by their ids.
type echoes struct {
	last pubsub.Position
	ids  [][12]byte // up to that of last
}

// heard is how many echoes are known. No more messages are on their way at once, or the log is asked.
const heard = 1024

func (s *echoes) add(p pubsub.Position) {
	if !follows(s.last, p) {
		s.ids = nil
	}
	s.last = p
	if len(s.ids) == heard {
		s.ids = append(s.ids[:0], s.ids[heard/2:]...)
	}
	s.ids = append(s.ids, p.ID)
}

// has reports whether p is one of them.
func (s *echoes) has(p pubsub.Position) bool {
	n := uint64(len(s.ids))
	if p.Epoch != s.last.Epoch || p.Offset > s.last.Offset || s.last.Offset-p.Offset >= n {
		return false
	}
	return s.ids[n-1-(s.last.Offset-p.Offset)] == p.ID
}

// forget is for when an event came that is behind all of them: so have they.
func (s *echoes) forget() { *s = echoes{} }

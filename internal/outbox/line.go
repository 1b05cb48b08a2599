package outbox

import (
	"cmp"
	"sync"
)

// few is how many events a short line has room for, and in how many a key is simply looked for; more
// have an index.
const few = 8

// A line is events of one stream that wait, the oldest first: all of a patient one. It holds next to
// no memory while it is empty. With keys, no two events in it have the same.
//
// The queue of the outbox holds a place for each of them. So the oldest can give way to a newer one
// wherever it stands in the queue: the place stays. A place whose event is gone is passed over.
type line struct {
	places int    // in the queue: as many as events, or more
	untold uint64 // events that were lost since the last frame

	slots []Event  // a power of two of them; the event with number n is in slots[n%len(slots)]
	one   [1]Event // the slots of a line in which no more waits
	first uint64   // number of the oldest event
	count int
	bytes int
	index map[string]uint64 // numbers of events by key; nil while they are few, or without keys
}

// lines holds the slots of short lines: one that is emptied as fast as it fills allocates nothing.
var lines = sync.Pool{New: func() any { return new([few]Event) }}

func (l *line) at(number uint64) *Event { return &l.slots[number&uint64(len(l.slots)-1)] }

// push adds the newest event.
func (l *line) push(e *Event, keyed bool) {
	if l.count == len(l.slots) {
		l.grow()
	}
	number := l.first + uint64(l.count)
	*l.at(number) = *e
	l.count++
	l.bytes += e.size()
	switch {
	case l.index != nil:
		l.index[e.Key] = number
	case keyed && l.count > few:
		l.index = make(map[string]uint64, 2*few)
		for n := l.first; n <= number; n++ {
			l.index[l.at(n).Key] = n
		}
	}
}

// find returns the event of a key, or nil.
func (l *line) find(key string) *Event {
	if l.index != nil {
		if number, ok := l.index[key]; ok {
			return l.at(number)
		}
		return nil
	}
	for n := range uint64(l.count) {
		if e := l.at(l.first + n); e.Key == key {
			return e
		}
	}
	return nil
}

// replace puts an event in the place of one that find returned.
func (l *line) replace(old, e *Event) {
	l.bytes += e.size() - old.size()
	since := cmp.Or(old.since, old.Origin)
	*old = *e
	old.since = since
}

// pop removes the oldest event.
func (l *line) pop() Event {
	slot := l.at(l.first)
	e := *slot
	*slot = Event{}
	l.first++
	l.count--
	l.bytes -= e.size()
	if l.index != nil {
		delete(l.index, e.Key)
	}
	if l.count == 0 {
		l.release()
	}
	return e
}

func (l *line) grow() {
	var larger []Event
	switch len(l.slots) {
	case 0:
		l.slots = l.one[:]
		return
	case len(l.one):
		larger = lines.Get().(*[few]Event)[:]
	default:
		larger = make([]Event, 2*len(l.slots))
	}
	for n := l.first; n < l.first+uint64(l.count); n++ {
		larger[n&uint64(len(larger)-1)] = *l.at(n)
	}
	l.release()
	l.slots = larger
}

// clear forgets every event.
func (l *line) clear() {
	l.release()
	l.count, l.bytes, l.index = 0, 0, nil
}

// release gives the slots of a short line back. Those of a long one, and its index, are left to the
// garbage collector, so that one slow moment does not keep its size for ever.
func (l *line) release() {
	if len(l.slots) <= few {
		clear(l.slots)
	}
	if len(l.slots) == few {
		lines.Put((*[few]Event)(l.slots))
	}
	l.slots = nil
	if l.count == 0 {
		l.index = nil
	}
}

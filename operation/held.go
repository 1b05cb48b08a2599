package operation

import (
	"slices"

	"github.com/sluice-gateway/sluice/internal/outbox"
)

// heldEvents and heldBytes bound what a meter holds for one operation, where its overflow policy does
// not say how many: as much as an outbox holds for a session.
const (
	heldEvents = 256
	heldBytes  = 1 << 20
)

// held are events that wait in a meter, the oldest first. What does not fit is lost, as the overflow
// policy says, and told with the next event that leaves.
type held struct {
	events []outbox.Event
	bytes  int
	lost   uint64
}

func (h *held) empty() bool { return len(h.events) == 0 }

// fullFor reports whether an event does not fit beside those that are held.
func (h *held) fullFor(e *outbox.Event, most int) bool {
	if most == 0 {
		most = heldEvents
	}
	return len(h.events) >= most || h.bytes > 0 && h.bytes+len(e.Body) > heldBytes
}

// add holds an event. Of one that comes too much, Disconnect loses the event itself: nobody reads too
// slowly here.
func (h *held) add(e outbox.Event, overflow outbox.Overflow, most int) {
	if overflow == outbox.Latest && h.replace(e) {
		return
	}
	for h.fullFor(&e, most) {
		if overflow == outbox.Disconnect {
			h.lose(e)
			return
		}
		h.lose(h.pop())
	}
	h.events = append(h.events, e)
	h.bytes += len(e.Body)
}

// replace puts an event in the place of the one that is held of its key.
func (h *held) replace(e outbox.Event) bool {
	for i := range h.events {
		if old := h.events[i]; old.Key == e.Key {
			h.lose(old)
			h.bytes += len(e.Body) - len(old.Body)
			h.events[i] = e
			return true
		}
	}
	return false
}

func (h *held) lose(e outbox.Event) { h.lost += 1 + e.Dropped }

func (h *held) pop() outbox.Event {
	e := h.events[0]
	h.events[0] = outbox.Event{}
	if h.events = h.events[1:]; len(h.events) == 0 {
		h.events = nil
	}
	h.bytes -= len(e.Body)
	return e
}

// putBack holds an event that was taken, before all others.
func (h *held) putBack(e outbox.Event) {
	h.events = slices.Insert(h.events, 0, e)
	h.bytes += len(e.Body)
}

// take removes the oldest event, which tells of those that were lost.
func (h *held) take() outbox.Event {
	e := h.pop()
	e.Dropped += h.lost
	h.lost = 0
	return e
}

package limits

import "time"

// Kill stops b as a crash does: nothing is returned.
func (b *Book) Kill() {
	b.halt()
}

// Health is the health of a counter.
type Health = health

// The methods of Health.
var (
	Admit    = (*Health).admit
	Answered = (*Health).answered
)

// Failed notes a failure like any other.
func Failed(h *Health, now time.Time) bool { return h.failed(now, errAway) }

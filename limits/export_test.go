package limits

// Kill stops b as a crash does: nothing is returned.
func (b *Book) Kill() {
	b.halt()
}

// Health is the health of a counter.
type Health = health

// The methods of Health.
var (
	Admit    = (*Health).admit
	Failed   = (*Health).failed
	Answered = (*Health).answered
)

package limits

import (
	"math"
	"time"
)

// maxPaced is how many times a Pace remembers.
const maxPaced = 1000

// A Pace lets at most so many events pass in any second, and that many at once after a pause. It
// remembers when the latest of them passed, so the bound is exact up to a thousand events a second;
// above that it holds for shorter intervals. It is not safe for concurrent use.
type Pace struct {
	interval time.Duration
	passed   []time.Duration // a ring, since the clock's beginning
	oldest   int
}

// NewPace makes a pace of events a second, more than 0.
func NewPace(rate float64) *Pace {
	n := int(math.Ceil(min(max(rate, 1), maxPaced)))
	p := &Pace{
		interval: time.Duration(float64(n) / rate * float64(time.Second)),
		passed:   make([]time.Duration, n),
	}
	for i := range p.passed {
		p.passed[i] = -p.interval
	}
	return p
}

// Pass reports whether an event may pass at a moment, by any clock that does not go back, and notes it
// if so.
func (p *Pace) Pass(now time.Duration) bool {
	if p.Wait(now) > 0 {
		return false
	}
	p.passed[p.oldest] = now
	p.oldest = (p.oldest + 1) % len(p.passed)
	return true
}

// Wait is how long it takes until the next event may pass; 0 or less: it may.
func (p *Pace) Wait(now time.Duration) time.Duration { return p.passed[p.oldest] + p.interval - now }

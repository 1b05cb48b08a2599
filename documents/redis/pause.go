package redis

import (
	"sync/atomic"
	"time"
)

// A pause is a time in which a server that has failed is left alone. The zero pause is over.
type pause struct{ until atomic.Pointer[time.Time] }

// on reports whether the pause lasts.
func (p *pause) on() bool {
	until := p.until.Load()
	return until != nil && time.Now().Before(*until)
}

// begin makes the pause last for d from now.
func (p *pause) begin(d time.Duration) {
	until := time.Now().Add(d)
	p.until.Store(&until)
}

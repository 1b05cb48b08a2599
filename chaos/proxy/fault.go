package proxy

import "time"

// A Direction is where bytes go.
type Direction int

// The two directions.
const (
	Up   Direction = iota // from the client to the target
	Down                  // from the target to the client
)

// A Fault is what happens to the bytes of one direction. The zero Fault lets them pass.
type Fault struct {
	// Hold keeps everything back: the connection is open, and nothing arrives.
	Hold bool
	// Latency is how much later each byte arrives.
	Latency time.Duration
	// Rate is how many bytes a second arrive; 0: as many as come.
	Rate int
	// CutAfter ends the connection when so many bytes have arrived since the fault was set, in the middle
	// of whatever they are; 0: never.
	CutAfter int
}

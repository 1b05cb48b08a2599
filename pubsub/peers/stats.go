package peers

import (
	"sync/atomic"
	"time"
)

// Stats are the figures of a node since New. Those of questions count Ask and Tell alike.
type Stats struct {
	Peers     int    `json:"peers"`     // present now, this node included
	Asked     uint64 `json:"asked"`     // questions of this node
	Answered  uint64 `json:"answered"`  // answers to them, its own included
	Timeouts  uint64 `json:"timeouts"`  // answers that did not come in time
	Handled   uint64 `json:"handled"`   // questions of others that its handlers answered
	Refused   uint64 `json:"refused"`   // and those for which it had no handler or too many at a time
	Malformed uint64 `json:"malformed"` // messages that were not understood
	Dropped   uint64 `json:"dropped"`   // messages, refusals, nodes and states for which there was no room
}

type counts struct {
	asked, answered, timeouts, handled, refused, malformed, dropped atomic.Uint64
}

// Stats returns the figures of now.
func (n *Node) Stats() Stats {
	c := &n.counts
	return Stats{
		Peers:     len(n.peers.present(time.Now(), n.options.Expire)) + 1,
		Asked:     c.asked.Load(),
		Answered:  c.answered.Load(),
		Timeouts:  c.timeouts.Load(),
		Handled:   c.handled.Load(),
		Refused:   c.refused.Load(),
		Malformed: c.malformed.Load(),
		Dropped:   c.dropped.Load(),
	}
}

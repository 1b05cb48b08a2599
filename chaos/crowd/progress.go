package crowd

import (
	"maps"

	"github.com/sluice-gateway/sluice/chaos/check"
)

// Progress is how far a crowd has come.
type Progress struct {
	Published int            // acknowledged
	Received  int            // by all subscribers
	Silent    int            // subscribers that have received nothing yet
	Behind    int            // subscribers that lack the last event of a lane that is acknowledged
	Codes     map[string]int // answers that were no results, by their codes
}

// Progress tells it.
func (c *Crowd) Progress() Progress {
	var p Progress
	last := make(map[string][]check.ID)
	for _, publisher := range c.publishers {
		for _, l := range publisher.lanes {
			n, id := l.acknowledged()
			p.Published += n
			last[l.topic] = append(last[l.topic], id)
		}
	}
	for _, s := range c.subscribers {
		n := s.diary.count()
		p.Received += n
		if n == 0 {
			p.Silent++
		}
		for _, id := range last[s.topic] {
			if !s.diary.has(id) {
				p.Behind++
				break
			}
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	p.Codes = maps.Clone(c.codes)
	return p
}

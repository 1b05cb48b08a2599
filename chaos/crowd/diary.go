package crowd

import (
	"slices"
	"sync"
	"time"

	"github.com/sluice-gateway/sluice/chaos/check"
)

// A diary is what a subscriber writes down.
type diary struct {
	mu      sync.Mutex // guards the fields below
	entries []check.Entry
	last    map[int]int // of each lane, the number that came last
	events  int
}

func (d *diary) write(e check.Entry) {
	d.mu.Lock()
	defer d.mu.Unlock()
	e.At = time.Now()
	d.entries = append(d.entries, e)
	if e.Kind == check.Received {
		if d.last == nil {
			d.last = make(map[int]int)
		}
		d.last[e.Lane] = e.Number
		d.events++
	}
}

func (d *diary) all() []check.Entry {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.entries)
}

func (d *diary) count() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.events
}

// has reports whether the last event of a lane is this one, or a later one.
func (d *diary) has(id check.ID) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.last[id.Lane] >= id.Number
}

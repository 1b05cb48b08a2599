package live

import (
	"runtime/debug"
	"time"
)

// handed is how many members get a result before the pool's worker turns to other tasks.
const handed = 256

// Run implements work.Task: it hands the current version to those who may have it.
func (g *Group) Run() {
	batch, version := g.take()
	for _, m := range batch {
		g.hand(m, version)
	}
	g.groups.deliveries.Add(uint64(len(batch)))
	clear(batch)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.handing = false
	g.arrangeLocked(time.Now())
}

// hand calls a member. One that panics harms nobody else.
func (g *Group) hand(m *Membership, v *Version) {
	defer g.rescue("a panic in a member of a live query")
	m.member.Next(v)
}

// rescue, deferred, ends a panic. It reports to the log.
func (g *Group) rescue(message string) {
	if v := recover(); v != nil {
		g.groups.options.Log.Error(message, "panic", v, "stack", string(debug.Stack()))
	}
}

// take returns some of those who get the current version now.
func (g *Group) take() ([]*Membership, *Version) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.batch = g.batch[:0]
	now := time.Now()
	for looked := 0; looked < handed && !g.ended; looked++ {
		if m := g.fresh.first; m != nil && m.needs <= g.made {
			m.hasLocked(g.current)
			g.batch = append(g.batch, m)
			continue
		}
		late, ok := g.lateLocked()
		if !ok || now.Before(late) {
			break
		}
		m := g.served.first
		differs := m.sum != g.current.sum
		m.hasLocked(g.current)
		if differs { // or else what it has became true again
			g.batch = append(g.batch, m)
		}
	}
	return g.batch, g.current
}

// readyLocked reports whether somebody gets the current version now.
func (g *Group) readyLocked(now time.Time) bool {
	if m := g.fresh.first; m != nil && m.needs <= g.made {
		return true
	}
	late, ok := g.lateLocked()
	return ok && !now.Before(late)
}

// lateLocked is when the next of those who have an older version may have the current one. A run that
// others have hurried does not hurry these: each gets what is current when the interval is over since the
// one that it has. If that is when the next run is due, the result of this is awaited, but not for long.
func (g *Group) lateLocked() (time.Time, bool) {
	m := g.served.first
	if m == nil || m.number == g.current.number {
		return time.Time{}, false
	}
	at := m.since.Add(g.spec.Interval)
	if patience := g.askedAt.Add(g.groups.options.Hurry); g.asked && at.Before(patience) {
		at = patience
	}
	return at, true
}

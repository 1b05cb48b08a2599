package live

import "time"

// A Membership is one member's place in a group.
type Membership struct {
	group   *Group
	member  Member
	patched bool

	// Guarded by group.mu.
	in             *line // nil: has left
	before, behind *Membership
	needs          uint64    // while new: the number of the first run whose result is good enough
	during         uint64    // while new: the number of the last run that had begun when it joined
	number         uint64    // of the version it got last
	sum            uint64    // of that version
	since          time.Time // when the run that made it began
}

// Leave ends the membership. A delivery that is under way may still reach the member. Leave may be
// called twice.
func (m *Membership) Leave() {
	g := m.group
	g.mu.Lock()
	defer g.mu.Unlock()
	if m.in == nil || g.ended {
		return
	}
	m.leave()
	if m.patched {
		g.patched--
	}
	g.groups.members.Add(-1)
	if g.members--; g.members == 0 {
		g.linger = time.AfterFunc(g.groups.options.Linger, g.retire)
	}
}

// Again says that the member has lost the last result on its way: it gets what is current soon, whatever
// the interval says. After Leave it does nothing. It may be called from within Next; a member that has no
// room then should wait before it does.
func (m *Membership) Again() {
	g := m.group
	g.mu.Lock()
	defer g.mu.Unlock()
	if m.in != &g.served || g.ended {
		return // has left, or waits for its first result anyway
	}
	m.leave()
	m.needs, m.during = 0, 0
	g.fresh.addFirst(m)
	g.arrangeLocked(time.Now())
}

// hasLocked notes that the member has a version.
func (m *Membership) hasLocked(v *Version) {
	m.leave()
	m.number, m.sum, m.since = v.number, v.sum, v.began
	m.group.served.add(m)
}

package share

import "sync"

// behind are the members of replayable subscriptions that do not have yet what their group has.
//
// A member comes here with its place when it resumes, or when it had no room. It waits until it has
// room; then the replay of its key brings it what follows from the logs, until it has reached its group.
type behind struct {
	groups *Groups

	mu      sync.Mutex // guards what follows and the places of members; before a group's own
	replays map[Key]*replay
	members int // that are behind
	closed  bool
}

// resume has a member catch up from a place.
func (b *behind) resume(m *Membership, at Place, slow bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if m.left {
		return
	}
	m.away = &away{at: at, slow: slow}
	b.members++
	if slow && !m.roomy {
		return
	}
	m.roomy = false
	b.queueLocked(m)
}

// room has a member go on that waits, or will.
func (b *behind) room(m *Membership) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if m.left {
		return
	}
	if m.away == nil || m.away.queued {
		m.roomy = true
		return
	}
	b.queueLocked(m)
}

// leave forgets a member.
func (b *behind) leave(m *Membership) {
	b.mu.Lock()
	defer b.mu.Unlock()
	m.left = true
	b.doneLocked(m)
}

func (b *behind) doneLocked(m *Membership) {
	if m.away != nil {
		m.away = nil
		b.members--
	}
}

// done forgets that a member is behind: it is told its end.
func (b *behind) done(m *Membership) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.doneLocked(m)
}

// queueLocked gives a member to the replay of its key.
func (b *behind) queueLocked(m *Membership) {
	if b.closed {
		return
	}
	spec := m.group.Load().spec
	r := b.replays[spec.Key]
	if r == nil {
		r = newReplay(b.groups, spec)
		b.replays[spec.Key] = r
		b.groups.running.Go(r.run)
	}
	m.away.queued = true
	r.queue = append(r.queue, m)
	r.wakeUp()
}

// next takes the next member of a replay's queue that has not left, and where it stands. With nobody in it,
// and where the replay wants to end, the replay is forgotten.
func (b *behind) next(r *replay, end bool) (m *Membership, at Place) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for len(r.queue) > 0 {
		m, r.queue[0] = r.queue[0], nil
		if r.queue = r.queue[1:]; len(r.queue) == 0 {
			r.queue = nil
		}
		if m.away != nil {
			return m, m.away.at
		}
	}
	if end {
		delete(b.replays, r.spec.Key)
	}
	return nil, nil
}

// moved notes where a member stands that was served: full says that it has no room for more.
func (b *behind) moved(m *Membership, at Place, full bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if m.away == nil { // it has left
		return
	}
	m.away.at = at
	if full && !m.roomy {
		m.away.queued, m.away.slow = false, true
		return
	}
	m.roomy = m.roomy && !full
	b.queueLocked(m)
}

// join makes a member that stands at a place a member of a group, unless the group is further. It reports
// whether there is nothing more to do for it.
func (b *behind) join(m *Membership, at Place, g *Group) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if m.away == nil { // it has left
		return true
	}
	if !g.admit(m, at) {
		return false
	}
	b.doneLocked(m)
	return true
}

// slow reports whether a member is behind because it reads slowly.
func (b *behind) slow(m *Membership) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return m.away != nil && m.away.slow
}

// count is how many members are behind.
func (b *behind) count() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.members
}

// close has no replay begin any more.
func (b *behind) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
}

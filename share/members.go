package share

import (
	"context"
	"time"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/sluice-gateway/sluice/internal/outbox"
	"github.com/sluice-gateway/sluice/pubsub"
)

// enter makes a member one of the group from this moment on. It reports false when the group has ended.
func (g *Group) enter(m *Membership) bool {
	var told Place
	for {
		g.mu.Lock()
		at := g.at
		switch {
		case g.ended:
			g.mu.Unlock()
			return false
		case at == nil, !g.ready, told != nil && &told[0] == &at[0]: // start will tell, or it knows
			g.addLocked(m)
			g.mu.Unlock()
			return true
		}
		g.mu.Unlock()
		m.member.At(g.spec.Cursor(at))
		told = at
	}
}

// admit makes a member that stands at a place one of the group. It reports false when the group is further,
// or has ended.
func (g *Group) admit(m *Membership, at Place) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.ended || !g.ready || !at.reaches(g.at) {
		return false
	}
	m.skip = &at
	g.addLocked(m)
	return true
}

func (g *Group) addLocked(m *Membership) {
	m.group.Store(g)
	m.index = int32(len(g.members))
	g.members = append(g.members, m)
	g.version++
	if g.linger != nil {
		g.linger.Stop()
		g.linger = nil
	}
}

// leave takes a member out. It may be called twice.
func (g *Group) leave(m *Membership) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if m.index < 0 {
		return
	}
	last := len(g.members) - 1
	g.members[m.index] = g.members[last]
	g.members[m.index].index = m.index
	g.members[last] = nil
	g.members = g.members[:last]
	m.index = -1
	g.version++
	if !g.busy {
		g.forgetLocked()
	}
	g.lingerLocked()
}

// letGo ends a hold.
func (g *Group) letGo() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.held--
	g.lingerLocked()
}

// lingerLocked has a group stop that nobody needs, after a while.
func (g *Group) lingerLocked() {
	if len(g.members) == 0 && g.held == 0 && !g.ended && g.linger == nil {
		g.linger = time.AfterFunc(g.groups.options.Linger, g.retire)
	}
}

// over reports whether the group has ended.
func (g *Group) over() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.ended
}

// beginning waits until the group is ready, and says where it is; an error, that it is not any more.
func (g *Group) beginning(ctx context.Context) (Place, error) {
	select {
	case <-g.begun:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.broken != nil:
		return nil, g.broken
	case g.ended && len(g.why) > 0:
		return nil, g.why
	case g.overrun:
		return nil, errOverrun
	case g.ended:
		return nil, ErrClosed
	}
	return g.at, nil
}

// fate is what the members of a group were told that has ended, and why it could not start.
func (g *Group) fate() (why gqlerror.List, broken error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.why, g.broken
}

// move notes that members are handed an event from now on, and returns those of this moment: who joins
// later has it already.
func (g *Group) move(e *pubsub.Event) []*Membership {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.moveLocked(e)
	return g.currentLocked()
}

func (g *Group) moveLocked(e *pubsub.Event) {
	if g.at != nil && e != nil && !e.Position.IsZero() {
		g.at = g.at.moved(g.topic(e), e.Position)
	}
}

// topic is the index of an event's topic.
func (g *Group) topic(e *pubsub.Event) int {
	for i, name := range g.spec.Topics {
		if name == e.Topic {
			return i
		}
	}
	return 0 // there is no other than it was subscribed to
}

// skips reports whether a member that has caught up has an event already.
func (g *Group) skips(m *Membership, e *pubsub.Event) bool {
	if e.Position.IsZero() {
		return false
	}
	if m.skip.has(g.topic(e), e.Position) {
		return true
	}
	if g.at.reaches(*m.skip) {
		m.skip = nil
	}
	return false
}

// ahead is a result for a member that has more of other topics than the group: its cursor says so.
func (g *Group) ahead(m *Membership, made outbox.Event) outbox.Event {
	if m.skip == nil { // the group has caught up with it
		return made
	}
	origin := *made.Origin
	origin.Cursor = g.spec.Cursor(g.at.with(*m.skip))
	made.Origin = &origin
	return made
}

// dismiss has those members catch up that had no room for an event.
func (g *Group) dismiss(before Place, e *pubsub.Event, untold uint64) {
	for i, m := range g.full {
		g.full[i] = nil
		g.leave(m)
		m.untold += untold
		if e.Position.IsZero() { // nobody will bring it again
			m.untold++
			m.member.Lose(1, Unkept)
		}
		g.groups.behind.resume(m, m.from(before), true)
	}
	g.full = g.full[:0]
}

// fallBehind has all members catch up: events were lost to the group that the logs have. It ends for that.
func (g *Group) fallBehind() {
	at := g.at
	for _, m := range g.stopOverrun() {
		m.untold += g.untold
		g.groups.behind.resume(m, m.from(at), false)
	}
}

// from is where a member stands that has all of its group's events up to a place.
func (m *Membership) from(at Place) Place {
	if m.skip == nil {
		return at
	}
	further := *m.skip
	m.skip = nil
	return at.with(further)
}

// stopOverrun is stop where the group has missed events.
func (g *Group) stopOverrun() []*Membership {
	g.groups.remove(g, true)
	g.mu.Lock()
	g.overrun = true
	g.mu.Unlock()
	return g.stop()
}

// gap ends the group: its members cannot have what they have missed.
func (g *Group) gap(gap *pubsub.GapError) {
	for _, m := range g.stopOverrun() {
		g.groups.gaps.Add(1)
		m.member.Gap(gap, false)
	}
}

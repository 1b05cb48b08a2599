package share

import (
	"sync/atomic"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/sluice-gateway/sluice/internal/outbox"
	"github.com/sluice-gateway/sluice/pubsub"
)

// A Member takes what a group delivers. It is called by one goroutine at a time; it must not block, and
// must not call its Membership from within.
type Member interface {
	// Next takes one execution result. Its body is shared with all other members, its key the topic
	// that the event came from; of a channel of the resolver's own there is none. It reports false when
	// there is no room for it: of a replayable subscription the member will have it later, once it has
	// called Room; of another, that is its own affair.
	Next(e outbox.Event) bool
	// At is told where a replayable subscription begins, before its first result: the cursor.
	At(cursor []byte)
	// Lose says that there were events which no result was made of, and why. The result that comes next
	// tells of them, too: they are in its Dropped.
	Lose(events uint64, why Loss)
	// Gap is the last call to a member that cannot have all that it has missed; slow says that it was
	// not away, but has read too slowly for too long.
	Gap(gap *pubsub.GapError, slow bool)
	// End is the last call: errs says why the execution ended, nothing that it came to its end.
	End(errs gqlerror.List)
}

// A Loss is why a group has made no result of an event.
type Loss uint8

// Losses.
const (
	Undecodable Loss = iota // its payload is not what the field needs
	Overrun                 // events came faster than they were executed, or one took too long
	Unkept                  // a member had no room for an event that its topic's log does not have
)

// A Membership is one member's place: in a group, or behind it, where it catches up.
type Membership struct {
	member Member
	group  atomic.Pointer[Group] // that it is in, or was last
	index  int32                 // in group.members, or -1; guarded by group.mu
	told   bool                  // where the group begins; guarded by group.mu
	left   bool                  // guarded by the mu of behind, as what follows but skip is
	roomy  bool                  // it has told of room that nobody has taken note of
	away   *away                 // nil: it is not behind
	skip   *Place                // what it has already of the group's events; of whoever delivers; nil: none of those to come
	untold uint64                // events that it has lost, and its next result tells of; of whoever delivers
}

// An away is a member that is behind its group.
type away struct {
	at   Place
	slow bool // it had no room; or else it comes from elsewhere
	// queued says that a replay has it in its queue or serves it; or else it waits for room.
	queued bool
}

// next hands the member a result, which tells of what was lost to it alone.
func (m *Membership) next(e outbox.Event) bool {
	e.Dropped += m.untold
	if !m.member.Next(e) {
		return false
	}
	m.untold = 0
	return true
}

// Leave ends the membership. A delivery that is under way may still reach the member. The group
// of the last member stops after its linger. Leave may be called twice.
func (m *Membership) Leave() {
	g := m.group.Load()
	if g.keeps() {
		g.groups.behind.leave(m)
		g = m.group.Load() // nobody moves it any more
	}
	g.leave(m)
}

// Room says that a member has room again whose Next has reported that there was none. It is called once
// for each such report, from anywhere but Next itself.
func (m *Membership) Room() {
	g := m.group.Load()
	if g.keeps() {
		g.groups.behind.room(m)
	}
}

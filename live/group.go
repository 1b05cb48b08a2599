package live

import (
	"bytes"
	"context"
	"math/rand/v2"
	"runtime/debug"
	"sync"
	"time"
)

const (
	// minBackoff and maxBackoff are the times between runs that fail: each is twice the one before.
	minBackoff = time.Second
	maxBackoff = 30 * time.Second
)

// A Group is one query and those who want its result.
//
// Whatever happens to it (somebody joins, a key is invalidated, a timer fires) is noted, and the group
// submitted to the pool. Run does what is due, one thing after the other: make the result, hand it to
// those who have yet to get it.
type Group struct {
	groups *Groups
	spec   Spec

	// Of whoever runs the group, one at a time.
	keys   []string // that the index knows the group by
	before int      // how many were behind when the run began

	mu       sync.Mutex // guards what follows; nothing is called with it held
	members  []*Membership
	behind   []*Membership // those who have yet to get the current version, or one that will be made
	patched  int           // members that want patches
	current  *Version      // nil: there is none yet
	old      bool          // what the result was made from has changed since
	wanted   bool          // somebody waits for a run, whatever the interval says
	busy     bool          // submitted to the pool, or running
	failures int           // in a row
	begun    uint64        // the number of the last run that began, the first is 1
	made     uint64        // that of the last one whose result is the current version; 0: none
	began    time.Time     // the last run
	due      time.Time     // of the next one, if nothing happens
	timer    *time.Timer
	linger   *time.Timer
	ended    bool
}

// A Membership is one member's place in a group.
type Membership struct {
	group   *Group
	member  Member
	patched bool

	// Guarded by group.mu.
	index int    // in group.members, or -1
	needs uint64 // the number of the first run that is not older than the membership
}

func newGroup(g *Groups, key Key, spec Spec) *Group {
	spec.Key = key
	return &Group{groups: g, spec: spec, old: true}
}

func (g *Group) inUse() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.members) > 0
}

func (g *Group) add(m Member, patched bool) *Membership {
	g.mu.Lock()
	defer g.mu.Unlock()
	ms := &Membership{group: g, member: m, patched: patched, index: len(g.members), needs: g.begun}
	g.members = append(g.members, ms)
	g.behind = append(g.behind, ms)
	if patched {
		g.patched++
	}
	if g.linger != nil {
		g.linger.Stop()
		g.linger = nil
	}
	if g.old {
		g.hurryLocked(ms)
	}
	g.submitLocked()
	return ms
}

// hurryLocked has a run begin for a member: what it gets first must not be older than its joining. It
// could as well have sent an ordinary query, so this run is nothing that an interval must prevent.
func (g *Group) hurryLocked(m *Membership) {
	m.needs = g.begun + 1
	g.wanted = true
}

// Leave ends the membership. A delivery that is under way may still reach the member. Leave may be
// called twice.
func (m *Membership) Leave() {
	g := m.group
	g.mu.Lock()
	defer g.mu.Unlock()
	if m.index < 0 || g.ended {
		return
	}
	last := len(g.members) - 1
	g.members[m.index] = g.members[last]
	g.members[m.index].index = m.index
	g.members[last] = nil
	g.members = g.members[:last]
	m.index = -1
	if m.patched {
		g.patched--
	}
	if last == 0 {
		g.linger = time.AfterFunc(g.groups.options.Linger, g.retire)
	}
}

// retire stops the group if nobody joined while it lingered.
func (g *Group) retire() {
	if g.groups.remove(g) {
		g.stop()
	}
}

// stop ends the group. It is out of the map when it is called, so nobody joins any more.
func (g *Group) stop() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.ended = true
	g.members, g.behind = nil, nil
	for _, timer := range []*time.Timer{g.timer, g.linger} {
		if timer != nil {
			timer.Stop()
		}
	}
	g.submitLocked() // whoever runs it has the index forget it
}

// invalidate notes that the result is old. If it is already, what is to be done is being done.
func (g *Group) invalidate() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.old {
		return
	}
	g.old = true
	g.submitLocked()
}

// submitLocked has a worker do what is due, unless one is about to.
func (g *Group) submitLocked() {
	if g.busy {
		return
	}
	g.busy = true
	g.groups.pool.Submit(g)
}

// tick is what the timer does.
func (g *Group) tick() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.submitLocked()
}

// Run implements work.Task.
func (g *Group) Run() {
	for ran := false; ; {
		task, behind, version := g.next(ran)
		ran = task == run
		switch task {
		case idle:
			return
		case forget:
			g.groups.index.forget(g, g.keys)
			g.keys = nil
			return
		case run:
			g.run()
		case deliver:
			for _, m := range behind {
				m.member.Next(version)
			}
			g.groups.deliveries.Add(uint64(len(behind)))
		}
	}
}

// A task is what a group has to do next.
type task int

const (
	idle    task = iota // nothing, until something happens
	forget              // the group has ended
	run                 // make the result
	deliver             // hand it to those who are behind
)

// next decides what to do now. A result that was just made is handed on before it is made again, however
// often it is made old.
func (g *Group) next(ran bool) (task, []*Membership, *Version) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.ended {
		g.busy = true // for ever: there is nothing left to do
		return forget, nil, nil
	}
	now := time.Now()
	if !ran && len(g.members) > 0 && (g.wanted || !now.Before(g.nextLocked())) {
		g.wanted, g.old, g.began, g.before = false, false, now, len(g.behind)
		g.begun++
		return run, nil, nil
	}
	if behind := g.takeBehindLocked(); len(behind) > 0 || ran {
		return deliver, behind, g.current
	}
	g.busy = false
	if len(g.members) > 0 {
		g.wakeLocked(g.nextLocked().Sub(now))
	}
	return idle, nil, nil
}

// nextLocked is when the next run is due.
func (g *Group) nextLocked() time.Time {
	switch {
	case g.failures > 0:
		return g.began.Add(max(g.spec.Interval, min(minBackoff<<min(g.failures-1, 10), maxBackoff)))
	case g.old:
		return g.began.Add(g.spec.Interval)
	}
	return g.due
}

// takeBehindLocked returns those who get the current version now. Who needs a later run stays behind.
func (g *Group) takeBehindLocked() []*Membership {
	behind := g.behind
	g.behind = nil
	taken := behind[:0]
	for _, m := range behind {
		switch {
		case m.index < 0: // has left
		case m.needs > g.made:
			g.behind = append(g.behind, m)
		default:
			taken = append(taken, m)
		}
	}
	return taken
}

func (g *Group) wakeLocked(wait time.Duration) {
	if g.timer == nil {
		g.timer = time.AfterFunc(wait, g.tick)
		return
	}
	g.timer.Reset(wait)
}

// run makes the result anew.
func (g *Group) run() {
	g.groups.index.begin(g)
	result, ok := g.make()
	if !ok { // as if it had failed, with nothing to tell
		result = Result{Failed: true}
	}
	var overtaken bool
	g.keys, overtaken = g.groups.index.end(g, g.keys, result.Keys, result.Failed)
	g.groups.count(&result, overtaken)
	var version *Version
	if ok {
		version = g.follow(&result)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.due = g.began.Add(g.pause())
	if g.failures++; !result.Failed {
		g.failures = 0
	}
	if overtaken {
		g.overtakenLocked()
	}
	if !ok {
		g.old = true // what there is was made before
		return
	}
	g.made = g.begun
	if version != g.current {
		g.current = version
		g.behind = append(g.behind[:0], g.members...)
	}
}

// overtakenLocked notes that the run's result was old before it was there. Whether that was before or
// after somebody joined meanwhile is not known.
func (g *Group) overtakenLocked() {
	g.old = true
	for _, m := range g.behind[min(g.before, len(g.behind)):] {
		if m.index >= 0 {
			g.hurryLocked(m)
		}
	}
}

// follow returns the version of a result: the current one if nobody would see a difference. To compare
// takes its time, so the group is not locked meanwhile; only who runs it writes current.
func (g *Group) follow(r *Result) *Version {
	g.mu.Lock()
	current, patched := g.current, g.patched > 0
	g.mu.Unlock()
	if current != nil && bytes.Equal(current.print, r.Print) {
		g.groups.unchanged.Add(1)
		return current
	}
	return newVersion(current, r, patched)
}

// make calls the spec's Run, and reports false if that has panicked or was told to stop.
func (g *Group) make() (result Result, ok bool) {
	defer func() {
		if v := recover(); v != nil {
			g.groups.options.Log.Error("a panic in a live query", "panic", v, "stack", string(debug.Stack()))
		}
	}()
	ctx, cancel := context.WithTimeout(g.groups.ctx, g.groups.options.Timeout)
	defer cancel()
	result = g.spec.Run(ctx)
	return result, g.groups.ctx.Err() == nil
}

// pause is the longest time between the beginnings of two runs.
func (g *Group) pause() time.Duration {
	if g.spec.Poll > 0 {
		return max(g.spec.Poll, g.spec.Interval)
	}
	return time.Duration(float64(g.groups.options.Reconcile) * (0.9 + 0.2*rand.Float64()))
}

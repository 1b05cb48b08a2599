package live

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// minBackoff and maxBackoff are the times between runs that fail: each is twice the one before.
	minBackoff = time.Second
	maxBackoff = 30 * time.Second
)

// A Group is one query and those who want its result.
//
// Whatever happens to it (somebody joins, a key is invalidated, a timer fires, a run ends) is noted, and
// arrangeLocked sees to what follows from it: a run, of which one worker makes the result; a delivery, in
// which a worker of the pool hands it to those who may have it; or a timer.
type Group struct {
	groups  *Groups
	spec    Spec
	touched atomic.Bool // what the result was made from has changed since the last run began

	// Of the worker that makes the result.
	places []*place // in the index
	differ differ

	// Of the worker that hands it on.
	batch []*Membership

	mu       sync.Mutex // guards what follows; nothing is called with it held, of locks only the index's and the queues'
	members  int
	patched  int      // of them, those that want patches
	fresh    line     // of them, those that have got nothing yet, or have lost it: in the order of what they need
	served   line     // the others, in the order of the versions they have
	current  *Version // nil: there is none yet
	valid    uint64   // the number of the first run whose result is not known to be old
	begun    uint64   // the number of the last run that began, the first is 1
	made     uint64   // that of the last one whose result is the current version; 0: none
	failures int      // in a row
	handing  bool     // submitted to the pool, or delivering
	asked    bool     // waits for a run, or runs
	askedAt  time.Time
	began    time.Time // the last run
	paced    time.Time // the last one that the interval allowed
	hurried  time.Time // the last one that it did not
	due      time.Time // the next one, if nothing happens
	timer    *time.Timer
	wakes    time.Time // when the timer fires; zero: it does not
	linger   *time.Timer
	ended    bool
}

func newGroup(g *Groups, key Key, spec Spec) *Group {
	spec.Key = key
	return &Group{groups: g, spec: spec, differ: differ{find: patch}, valid: 1}
}

func (g *Group) inUse() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.members > 0
}

func (g *Group) add(m Member, patched bool) *Membership {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	g.absorbLocked()
	if g.members == 0 && !g.asked && !now.Before(g.pacedLocked()) {
		g.ageLocked() // it would have run if somebody had been there
	}
	ms := &Membership{group: g, member: m, patched: patched, needs: g.valid, during: g.begun}
	g.fresh.add(ms)
	g.members++
	g.groups.members.Add(1)
	if patched {
		g.patched++
	}
	if g.linger != nil {
		g.linger.Stop()
		g.linger = nil
	}
	g.arrangeLocked(now)
	return ms
}

// retire stops the group if nobody joined while it lingered.
func (g *Group) retire() {
	if g.groups.remove(g) {
		g.stop()
	}
}

// stop ends the group. It is out of the map when it is called, so nobody joins any more.
func (g *Group) stop() {
	if g.end() {
		g.forget()
	}
}

// end reports whether nobody is left who has the index forget the group.
func (g *Group) end() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	first := !g.ended
	g.ended = true
	g.groups.members.Add(int64(-g.members))
	g.members, g.fresh, g.served = 0, line{}, line{}
	for _, timer := range []*time.Timer{g.timer, g.linger} {
		if timer != nil {
			timer.Stop()
		}
	}
	return first && !g.asked
}

func (g *Group) forget() {
	g.groups.index.forget(g, g.places)
	g.places = nil
}

// invalidate sees to it that the group runs, which was touched.
func (g *Group) invalidate(now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.absorbLocked()
	g.arrangeLocked(now)
}

// absorbLocked notes that the result is old if anything touched the group.
func (g *Group) absorbLocked() {
	if g.touched.Load() {
		g.ageLocked()
	}
}

// ageLocked notes that what the runs have made up to now is old.
func (g *Group) ageLocked() { g.valid = g.begun + 1 }

// tick is what the timer does.
func (g *Group) tick() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.wakes = time.Time{}
	g.arrangeLocked(time.Now())
}

// arrangeLocked has done what is due, and sets the timer to when there is more.
func (g *Group) arrangeLocked(now time.Time) {
	if g.members == 0 || g.ended {
		return
	}
	next := g.nextLocked()
	if !g.asked && !now.Before(next) {
		g.asked, g.askedAt = true, now
		g.groups.making.submit(g)
	}
	if !g.handing && g.readyLocked(now) {
		g.handing = true
		g.groups.pool.Submit(g)
	}
	if !g.asked {
		g.wakeLocked(now, next)
	}
	if late, ok := g.lateLocked(); ok {
		g.wakeLocked(now, late)
	}
}

// wakeLocked sets the timer, unless it fires before that anyway.
func (g *Group) wakeLocked(now, at time.Time) {
	switch {
	case !g.wakes.IsZero() && !at.Before(g.wakes), !now.Before(at):
		return
	case g.timer == nil:
		g.timer = time.AfterFunc(at.Sub(now), g.tick)
	default:
		g.timer.Reset(at.Sub(now))
	}
	g.wakes = at
}

// nextLocked is when the next run is due. What somebody needs who has joined is not for the interval to
// delay, he could as well have sent an ordinary query; but many who join do not make many runs.
func (g *Group) nextLocked() time.Time {
	g.absorbLocked()
	next := g.pacedLocked()
	if newest := g.fresh.last; newest != nil && newest.needs > g.begun {
		if hurried := g.hurried.Add(g.groups.options.Hurry); hurried.Before(next) {
			return hurried
		}
	}
	return next
}

// pacedLocked is when the next run is due whoever joins. The interval wins: a longer one delays the run
// that makes good for a lost invalidation, too.
func (g *Group) pacedLocked() time.Time {
	allowed := g.paced.Add(g.spec.Interval)
	switch {
	case g.failures > 0:
		return g.began.Add(max(g.spec.Interval, min(minBackoff<<min(g.failures-1, 10), maxBackoff)))
	case g.valid > g.begun || g.due.Before(allowed):
		return allowed
	}
	return g.due
}

// pause is the longest time between the beginnings of two runs that the interval allows.
func (g *Group) pause() time.Duration {
	if g.spec.Poll > 0 {
		return g.spec.Poll
	}
	return time.Duration(float64(g.groups.options.Reconcile) * (0.9 + 0.2*rand.Float64()))
}

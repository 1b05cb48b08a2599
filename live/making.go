package live

import (
	"bytes"
	"context"
	"time"
)

// run makes the result anew, if there still is a reason to.
func (g *Group) run() {
	if g.begin() {
		result, ok := g.make()
		g.follow(result, ok)
	}
	if g.rest() {
		g.forget()
	}
}

// begin reports whether the run is due: those who needed it may have left.
func (g *Group) begin() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	if g.ended || g.members == 0 || now.Before(g.nextLocked()) {
		return false
	}
	if now.Before(g.pacedLocked()) {
		g.hurried = now
	} else {
		g.paced = now
	}
	// With the group locked: nobody may join between what this run makes good for and what follows.
	if g.groups.index.begin(g) {
		g.ageLocked()
	}
	g.begun++
	g.began = now
	return true
}

// make calls the spec's Run, and reports false if that has panicked or was told to stop.
func (g *Group) make() (result Result, ok bool) {
	defer g.rescue("a panic in a live query")
	ctx, cancel := context.WithTimeout(g.groups.ctx, g.groups.options.Timeout)
	defer cancel()
	result = g.spec.Run(ctx)
	return result, g.groups.ctx.Err() == nil
}

// follow puts a result in the place of the one before.
func (g *Group) follow(result Result, ok bool) {
	if !ok { // as if it had failed, with nothing to tell
		result = Result{Failed: true}
	}
	var overtaken bool
	g.places, overtaken = g.groups.index.end(g, g.places, result.Keys, result.Failed)
	g.groups.count(&result, overtaken)
	var version *Version
	if ok {
		version = g.version(&result)
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
	switch {
	case ok:
		g.current, g.made = version, g.begun
	case g.valid == g.begun:
		g.ageLocked() // what there is was made before the change
	}
}

// overtakenLocked notes that the run's result was old before it was there. Whether that was before or
// after somebody joined meanwhile is not known.
func (g *Group) overtakenLocked() {
	g.ageLocked()
	for m := g.fresh.last; m != nil && m.during == g.begun; m = m.before {
		m.needs = g.valid
	}
}

// rest ends the run. It reports whether the group has ended meanwhile, and the index must forget it.
func (g *Group) rest() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.asked = false
	g.arrangeLocked(time.Now())
	return g.ended
}

// version returns the version of a result: the current one if nobody would see a difference. To compare
// takes its time, so the group is not locked meanwhile; only who makes the result writes current.
func (g *Group) version(r *Result) *Version {
	g.mu.Lock()
	current, patched, began := g.current, g.patched > 0, g.began
	g.mu.Unlock()
	if current != nil && bytes.Equal(current.print, r.Print) {
		g.groups.unchanged.Add(1)
		return current
	}
	v := newVersion(current, r, began)
	if patched && current != nil && current.data != nil && v.data != nil {
		v.patch = g.patch(current.data, v.data)
	}
	return v
}

// patch returns what leads from one result to another; nil if that is not worth it, or panics.
func (g *Group) patch(from, to []byte) []byte {
	defer g.rescue("a panic in the comparison of two results of a live query")
	return g.differ.patch(from, to)
}

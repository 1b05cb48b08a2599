package live

import (
	"slices"
	"sync"
)

const (
	// logged is how many keys are remembered of those that are invalidated during one run. Of more the run
	// counts as overtaken.
	logged = 4096
	// atOnce is how many groups an invalidation looks at before it lets others have the index.
	atOnce = 1000
)

// An index knows which groups' results were made from a key.
//
// What is invalidated while a group runs may be what the run has read before and will tell of only
// afterwards: such keys are remembered for as long, and held against the keys that the run tells.
//
// An invalidation touches a group only once until its next run: a key that many groups have costs nothing
// when it is invalidated again.
type index struct {
	mu      sync.Mutex // guards what follows, and what places and keyed hold; nothing else is locked with it held
	byKey   map[string]*keyed
	running map[*Group]*meanwhile
}

// keyed is a key that results were made from.
type keyed struct {
	key    string
	groups int
	fresh  []fresh // of the groups, all that were not touched since their run
}

// fresh is a group that the next invalidation of a key looks at.
type fresh struct {
	group *Group
	place *place
}

// A place is one group's at one key.
type place struct {
	of *keyed
	at int // in of.fresh, if it is there
}

// meanwhile are the keys that were invalidated during one run.
type meanwhile struct {
	keys map[string]struct{}
	all  bool // too many to tell
}

// begin notes that a group runs. It reports whether anything touched the group since the run before.
func (x *index) begin(g *Group) (touched bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.running == nil {
		x.running = make(map[*Group]*meanwhile)
	}
	x.running[g] = new(meanwhile)
	return g.touched.Swap(false)
}

// end puts the keys of a run's result in the place of those before, or adds them. It reports whether one
// that the group has now was invalidated meanwhile. The returned list is where the group is by now.
func (x *index) end(g *Group, before []*place, keys []string, add bool) (now []*place, overtaken bool) {
	keys = slices.Compact(slices.Sorted(slices.Values(keys)))
	x.mu.Lock()
	defer x.mu.Unlock()
	meanwhile := x.running[g]
	delete(x.running, g)
	now = x.moveLocked(before, keys, add)
	if meanwhile.overtook(now) {
		overtaken = true
		g.touched.Store(true)
	}
	if !g.touched.Load() {
		for _, p := range now {
			p.refresh(g)
		}
	}
	return now, overtaken
}

// moveLocked takes a group from some places to those of some keys, or adds these. Both are sorted by key.
func (x *index) moveLocked(before []*place, keys []string, add bool) []*place {
	now := make([]*place, 0, len(keys))
	leave := func(p *place) {
		if add {
			now = append(now, p)
			return
		}
		x.dropLocked(p)
	}
	for _, key := range keys {
		for len(before) > 0 && before[0].of.key < key {
			leave(before[0])
			before = before[1:]
		}
		if len(before) > 0 && before[0].of.key == key {
			now = append(now, before[0])
			before = before[1:]
			continue
		}
		now = append(now, x.placeLocked(key))
	}
	for _, p := range before {
		leave(p)
	}
	return now
}

// placeLocked makes a place.
func (x *index) placeLocked(key string) *place {
	k := x.byKey[key]
	if k == nil {
		if x.byKey == nil {
			x.byKey = make(map[string]*keyed)
		}
		k = &keyed{key: key}
		x.byKey[key] = k
	}
	k.groups++
	return &place{of: k}
}

func (x *index) dropLocked(p *place) {
	if p.isFresh() {
		last := p.of.pop()
		if last.place != p {
			p.of.fresh[p.at] = last
			last.place.at = p.at
		}
	}
	if p.of.groups--; p.of.groups == 0 {
		delete(x.byKey, p.of.key)
	}
}

// pop takes the last of the fresh ones. It leaves the place as it is: most of these are not in a
// processor's cache when an invalidation comes.
func (k *keyed) pop() fresh {
	last := len(k.fresh) - 1
	f := k.fresh[last]
	k.fresh[last] = fresh{}
	k.fresh = k.fresh[:last]
	return f
}

// isFresh reports whether the next invalidation of the key looks at the place's group.
func (p *place) isFresh() bool { return p.at < len(p.of.fresh) && p.of.fresh[p.at].place == p }

// refresh sees to it that it does.
func (p *place) refresh(g *Group) {
	if !p.isFresh() {
		p.at = len(p.of.fresh)
		p.of.fresh = append(p.of.fresh, fresh{g, p})
	}
}

// forget removes a group.
func (x *index) forget(g *Group, places []*place) {
	x.mu.Lock()
	defer x.mu.Unlock()
	delete(x.running, g)
	for _, p := range places {
		x.dropLocked(p)
	}
}

// find touches the groups whose results were made from any of some keys, and returns those that nothing
// had touched since their run.
func (x *index) find(keys []string) (found []*Group) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, m := range x.running {
		m.note(keys)
	}
	looked := 0
	for _, key := range keys {
		for k := x.byKey[key]; k != nil && len(k.fresh) > 0; k = x.byKey[key] {
			if g := k.pop().group; !g.touched.Load() {
				g.touched.Store(true)
				found = append(found, g)
			}
			if looked++; looked%atOnce == 0 {
				x.mu.Unlock()
				x.mu.Lock()
			}
		}
	}
	return found
}

func (m *meanwhile) note(keys []string) {
	if m.keys == nil {
		m.keys = make(map[string]struct{}, len(keys))
	}
	for _, key := range keys {
		if len(m.keys) >= logged {
			m.all = true
			return
		}
		m.keys[key] = struct{}{}
	}
}

// overtook reports whether one of the keys of some places was invalidated.
func (m *meanwhile) overtook(places []*place) bool {
	if m.all || len(m.keys) == 0 {
		return m.all
	}
	return slices.ContainsFunc(places, func(p *place) bool {
		_, ok := m.keys[p.of.key]
		return ok
	})
}

// len is how many keys are known.
func (x *index) len() int {
	x.mu.Lock()
	defer x.mu.Unlock()
	return len(x.byKey)
}

package live

import "sync"

// logged is how many keys are remembered of those that are invalidated during one run. Of more the run
// counts as overtaken.
const logged = 4096

// An index knows which groups' results were made from a key.
//
// What is invalidated while a group runs may be what the run has read before and will tell of only
// afterwards: such keys are remembered for as long, and held against the keys that the run tells.
type index struct {
	mu      sync.Mutex // guards what follows
	byKey   map[string]map[*Group]struct{}
	running map[*Group]*meanwhile
}

// meanwhile are the keys that were invalidated during one run.
type meanwhile struct {
	keys map[string]struct{}
	all  bool // too many to tell
}

// begin notes that a group runs.
func (x *index) begin(g *Group) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.running == nil {
		x.running = make(map[*Group]*meanwhile)
	}
	x.running[g] = new(meanwhile)
}

// end puts the keys of a run's result in the place of those before, or adds them. It reports whether one
// of them was invalidated meanwhile. The returned list is what the group is known by now.
func (x *index) end(g *Group, before, keys []string, add bool) (now []string, overtaken bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	meanwhile := x.running[g]
	delete(x.running, g)
	overtaken = meanwhile.all
	if !add {
		x.forgetLocked(g, before)
		before = nil
	}
	now = before
	for _, key := range keys {
		if _, old := meanwhile.keys[key]; old {
			overtaken = true
		}
		if x.addLocked(g, key) {
			now = append(now, key)
		}
	}
	return now, overtaken
}

// addLocked reports whether the group was not known by the key.
func (x *index) addLocked(g *Group, key string) bool {
	groups := x.byKey[key]
	if groups == nil {
		if x.byKey == nil {
			x.byKey = make(map[string]map[*Group]struct{})
		}
		groups = make(map[*Group]struct{}, 1)
		x.byKey[key] = groups
	}
	if _, known := groups[g]; known {
		return false
	}
	groups[g] = struct{}{}
	return true
}

// forget removes a group.
func (x *index) forget(g *Group, keys []string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	delete(x.running, g)
	x.forgetLocked(g, keys)
}

func (x *index) forgetLocked(g *Group, keys []string) {
	for _, key := range keys {
		groups := x.byKey[key]
		delete(groups, g)
		if len(groups) == 0 {
			delete(x.byKey, key)
		}
	}
}

// find returns the groups whose results were made from any of some keys.
func (x *index) find(keys []string) map[*Group]struct{} {
	x.mu.Lock()
	defer x.mu.Unlock()
	found := make(map[*Group]struct{})
	for _, key := range keys {
		for g := range x.byKey[key] {
			found[g] = struct{}{}
		}
	}
	for _, m := range x.running {
		m.note(keys)
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

// len is how many keys are known.
func (x *index) len() int {
	x.mu.Lock()
	defer x.mu.Unlock()
	return len(x.byKey)
}

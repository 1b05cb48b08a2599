package peers

import (
	"cmp"
	"slices"
	"sync"
	"time"
)

// maxStates is the size of all states that are kept, in bytes. A node whose state does not fit any
// more is listed without.
const maxStates = 64 << 20

// A Peer is a node that is present.
type Peer struct {
	Node    string
	Started time.Time // by its own clock
	Seen    time.Time // when it was heard last, by this node's clock
	State   []byte    // JSON, not to be changed; nil when it has told none
	Self    bool      // it is the node that lists

	silent bool // it had all the time of a question to answer, and was not heard since
}

// A table is who was heard. The zero table is empty and ready.
type table struct {
	mu     sync.Mutex // guards what follows
	peers  map[string]Peer
	states int // bytes of all states
}

// add keeps what a node has said at the time now. newcomer reports that it was not present under
// this name, or is another process now; kept, that there was room for all of it.
func (t *table) add(a announcement, now time.Time, expire time.Duration) (newcomer, kept bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.peers == nil {
		t.peers = make(map[string]Peer)
	}
	before, known := t.peers[a.Node]
	if !known && len(t.peers) >= MaxPeers {
		t.expireLocked(now, expire)
		if len(t.peers) >= MaxPeers {
			return false, false
		}
	}
	p := Peer{Node: a.Node, Started: a.Started, Seen: now, State: a.State}
	kept = t.states-len(before.State)+len(p.State) <= maxStates
	if !kept {
		p.State = nil
	}
	t.states += len(p.State) - len(before.State)
	t.peers[a.Node] = p
	return !known || !before.Started.Equal(a.Started), kept
}

// remove takes out the process of a goodbye; another that has its name by now stays.
func (t *table) remove(a announcement) (removed bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	p, known := t.peers[a.Node]
	if !known || !p.Started.Equal(a.Started) {
		return false
	}
	t.removeLocked(p)
	return true
}

// present lists who was heard less than expire before now, in order of their names.
func (t *table) present(now time.Time, expire time.Duration) []Peer {
	t.mu.Lock()
	t.expireLocked(now, expire)
	list := make([]Peer, 0, len(t.peers)+1) // the node itself is added
	for _, p := range t.peers {
		list = append(list, p)
	}
	t.mu.Unlock()
	slices.SortFunc(list, comparePeers)
	return list
}

func (t *table) has(node string, now time.Time, expire time.Duration) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	p, known := t.peers[node]
	return known && now.Sub(p.Seen) < expire
}

// hush notes that a node was asked at a time and has not answered, unless it was heard since.
func (t *table) hush(node string, asked time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if p, known := t.peers[node]; known && !p.Seen.After(asked) {
		p.silent = true
		t.peers[node] = p
	}
}

// unhush notes that a node was heard, but has not said how it is.
func (t *table) unhush(node string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if p, known := t.peers[node]; known && p.silent {
		p.silent = false
		t.peers[node] = p
	}
}

func (t *table) expireLocked(now time.Time, expire time.Duration) {
	for _, p := range t.peers {
		if now.Sub(p.Seen) >= expire {
			t.removeLocked(p)
		}
	}
}

func (t *table) removeLocked(p Peer) {
	delete(t.peers, p.Node)
	t.states -= len(p.State)
}

func comparePeers(a, b Peer) int { return cmp.Compare(a.Node, b.Node) }

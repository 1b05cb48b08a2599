// Package live keeps the results of queries true: it knows what each result was made from, and makes it
// again when that has changed.
//
// The live queries with one key (same document, variables and partition) are the members of one Group:
// they share each run, and its bytes. A run tells the keys that its result depends on; Invalidate finds
// the groups of a key. However often a key is invalidated, a group runs once per interval, and hands on
// only what differs. It runs anew from time to time all the same, should an invalidation have been lost.
// A group owns no goroutine: workers of a pool run it. The package knows neither GraphQL nor who asks.
// Everything here is safe for concurrent use.
package live

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluice-gateway/sluice/internal/work"
)

// A Result is what one run has made.
type Result struct {
	// Body is the result as members hand it on.
	Body []byte
	// Data is the part of it that patches change; nil: no patch leads to it or from it.
	Data []byte
	// Print is equal for two results exactly if nobody would see a difference.
	Print []byte
	// Failed results are not the whole truth: the run is repeated, ever less often.
	Failed bool
	// Keys are what the result was made from. Those of a failed one are added to the ones before.
	Keys []string
}

// A Member takes the results of a group, in the order of their versions. The group calls it from one
// goroutine at a time; a member must not block. It may leave from within.
type Member interface {
	Next(*Version)
}

// A Key is what live queries that share their runs have in common: a hash of everything that the result
// depends on.
type Key [32]byte

// A Spec says what a group runs. Members of one key have equal specs.
type Spec struct {
	// Key is set by Join.
	Key Key
	// Run makes the result anew. It returns soon after ctx is done.
	Run func(ctx context.Context) Result
	// Interval is the least time between the beginnings of two runs.
	Interval time.Duration
	// Poll is the most; 0: that of the options.
	Poll time.Duration
}

// Options configure Groups. The zero value works.
type Options struct {
	// Reconcile is when a group runs although nothing was invalidated, should that have been lost,
	// moved by 10 % either way; default 30 s.
	Reconcile time.Duration
	// Timeout is how long a run may take; default 30 s.
	Timeout time.Duration
	// Linger is how long a group without members remembers its result; default 2 s.
	Linger time.Duration
	// Log receives what operators should know; default slog.Default().
	Log *slog.Logger
}

func (o Options) withDefaults() Options {
	if o.Reconcile == 0 {
		o.Reconcile = 30 * time.Second
	}
	if o.Timeout == 0 {
		o.Timeout = 30 * time.Second
	}
	if o.Linger == 0 {
		o.Linger = 2 * time.Second
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return o
}

// Stats count what the groups of a node did since the start.
type Stats struct {
	Groups        int    `json:"groups"`        // now
	Members       int    `json:"members"`       // of them
	Keys          int    `json:"keys"`          // that results of now were made from
	Runs          uint64 `json:"runs"`          // results that were made
	Unchanged     uint64 `json:"unchanged"`     // of them, those that were handed to nobody, for nothing differed
	Failures      uint64 `json:"failures"`      // of them, those with errors
	Overtaken     uint64 `json:"overtaken"`     // of them, those that an invalidation made old while they ran
	Deliveries    uint64 `json:"deliveries"`    // results handed to members
	Invalidations uint64 `json:"invalidations"` // keys that were said to have changed
}

// ErrClosed reports a Join after Close.
var ErrClosed = errors.New("live: closed")

// Groups are the live queries of a node.
type Groups struct {
	pool    *work.Pool
	options Options
	ctx     context.Context
	cancel  context.CancelFunc
	index   index

	runs, unchanged, failures, overtaken, deliveries, invalidations atomic.Uint64

	mu     sync.Mutex // guards what follows; taken before a group's own
	byKey  map[Key]*Group
	closed bool
}

// NewGroups makes an empty set of groups. Close stops them; pool must outlive it.
func NewGroups(pool *work.Pool, options Options) *Groups {
	g := &Groups{pool: pool, options: options.withDefaults(), byKey: make(map[Key]*Group)}
	g.ctx, g.cancel = context.WithCancel(context.Background())
	return g
}

// Join makes m a member of the group that the key names, and starts the group if there is none; then it is
// spec that the group runs. spec is called with a lock held, and must not call the groups. The member gets
// the current result, at once if there is one that nothing has made old, or else after a run, and each that
// follows: what it gets is never older than its joining. patched has the group make patches. Join's only
// error is ErrClosed.
func (g *Groups) Join(key Key, spec func() Spec, m Member, patched bool) (*Membership, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return nil, ErrClosed
	}
	group := g.byKey[key]
	if group == nil {
		group = newGroup(g, key, spec())
		g.byKey[key] = group
	}
	return group.add(m, patched), nil
}

// Invalidate says that what some keys name has changed. Results that were made from it are made anew.
func (g *Groups) Invalidate(keys ...string) {
	g.invalidations.Add(uint64(len(keys)))
	for group := range g.index.find(keys) {
		group.invalidate()
	}
}

// InvalidateAll has every result made anew: what has changed is not known.
func (g *Groups) InvalidateAll() {
	g.mu.Lock()
	groups := make([]*Group, 0, len(g.byKey))
	for _, group := range g.byKey {
		groups = append(groups, group)
	}
	g.mu.Unlock()
	for _, group := range groups {
		group.invalidate()
	}
}

// Empty reports whether there are no live queries now.
func (g *Groups) Empty() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.byKey) == 0
}

// remove takes a group out of the map unless somebody joined it meanwhile.
func (g *Groups) remove(group *Group) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if group.inUse() {
		return false
	}
	if g.byKey[group.spec.Key] == group {
		delete(g.byKey, group.spec.Key)
	}
	return true
}

func (g *Groups) count(r *Result, overtaken bool) {
	g.runs.Add(1)
	if r.Failed {
		g.failures.Add(1)
	}
	if overtaken {
		g.overtaken.Add(1)
	}
}

// Stats returns the counts of this moment.
func (g *Groups) Stats() Stats {
	s := Stats{
		Keys:          g.index.len(),
		Runs:          g.runs.Load(),
		Unchanged:     g.unchanged.Load(),
		Failures:      g.failures.Load(),
		Overtaken:     g.overtaken.Load(),
		Deliveries:    g.deliveries.Load(),
		Invalidations: g.invalidations.Load(),
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	s.Groups = len(g.byKey)
	for _, group := range g.byKey {
		group.mu.Lock()
		s.Members += len(group.members)
		group.mu.Unlock()
	}
	return s
}

// Close ends every group without a word to its members. Runs that are under way are told to stop; the
// pool's Close waits for them. It may be called twice.
func (g *Groups) Close() {
	g.mu.Lock()
	g.closed = true
	groups := make([]*Group, 0, len(g.byKey))
	for _, group := range g.byKey {
		groups = append(groups, group)
	}
	clear(g.byKey)
	g.mu.Unlock()
	g.cancel()
	for _, group := range groups {
		group.stop()
	}
}

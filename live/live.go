// Package live keeps the results of queries true: it knows what each result was made from, and makes it
// again when that has changed.
//
// The live queries with one key (same document, variables and partition) are the members of one Group:
// they share each run, and its bytes. A run tells the keys that its result depends on; Invalidate finds
// the groups of a key. However often a key is invalidated, a group runs once per interval, and hands on
// only what differs. It runs anew from time to time all the same, should an invalidation have been lost.
// A group owns no goroutine. What it runs is application code, for which Groups have some workers of their
// own; workers of a pool that others use, too, hand on the results. The package knows neither GraphQL nor
// who asks. Everything here is safe for concurrent use.
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

// A Result is what one run has made. Nobody may change its bytes; Data and Print may be parts of Body.
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
	// Tag is for whoever has made it: its version has it.
	Tag any
}

// A Member takes the results of a group, in the order of their versions. The group calls it from one
// goroutine at a time; a member must not block. It may leave from within. If it panics, that is logged, and
// it goes on being a member.
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
	// Interval is the least time between the beginnings of two runs, but for those that somebody needs who
	// has joined. A member gets the next result when the interval is over since the run began that made the
	// last one.
	Interval time.Duration
	// Poll is the most; 0: that of the options. A longer interval wins.
	Poll time.Duration
}

// Options configure Groups. The zero value works.
type Options struct {
	// Reconcile is when a group runs although nothing was invalidated, should that have been lost,
	// moved by 10 % either way; default 30 s. A longer interval wins.
	Reconcile time.Duration
	// Timeout is how long a run may take; default 30 s.
	Timeout time.Duration
	// Runs is how many runs there may be at a time, of all groups; default 16. Others wait for their turn.
	Runs int
	// Hurry is the least time between two runs of a group that the interval would not allow, but somebody
	// needs who has joined; default 100 ms.
	Hurry time.Duration
	// Most is how many groups there may be; default 10,000.
	Most int
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
	if o.Runs == 0 {
		o.Runs = 16
	}
	if o.Hurry == 0 {
		o.Hurry = 100 * time.Millisecond
	}
	if o.Most == 0 {
		o.Most = 10_000
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

// Join fails with these.
var (
	ErrClosed = errors.New("live: closed")
	ErrFull   = errors.New("live: too many groups")
)

// Groups are the live queries of a node.
type Groups struct {
	pool    *work.Pool // hands on
	making  runs
	options Options
	ctx     context.Context
	cancel  context.CancelFunc
	index   index
	members atomic.Int64

	runs, unchanged, failures, overtaken, deliveries, invalidations atomic.Uint64

	mu     sync.Mutex // guards what follows; taken before a group's own
	byKey  map[Key]*Group
	closed bool
}

// NewGroups makes an empty set of groups. It starts nothing before the first Join. Close stops them; pool
// must outlive it.
func NewGroups(pool *work.Pool, options Options) *Groups {
	options = options.withDefaults()
	g := &Groups{pool: pool, making: runs{most: options.Runs}, options: options, byKey: make(map[Key]*Group)}
	g.ctx, g.cancel = context.WithCancel(context.Background())
	return g
}

// Join makes m a member of the group that the key names, and starts the group if there is none; then it is
// spec that the group runs. spec is called with a lock held, and must not call the groups. The member gets
// the current result, soon if there is one that is not known to be old, or else after a run, and then those
// that follow, as the interval allows. What it gets is never older than its joining, as far as this node
// knows: of what a query polls, of changes on other nodes that this one has yet to hear of, and of
// invalidations that were lost, it may be. patched has the group make patches. Join's errors are ErrClosed
// and, where the key would need another group, ErrFull.
func (g *Groups) Join(key Key, spec func() Spec, m Member, patched bool) (*Membership, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return nil, ErrClosed
	}
	group := g.byKey[key]
	if group == nil {
		if len(g.byKey) >= g.options.Most {
			return nil, ErrFull
		}
		group = newGroup(g, key, spec())
		g.byKey[key] = group
	}
	return group.add(m, patched), nil
}

// Invalidate says that what some keys name has changed. Results that were made from it are made anew.
func (g *Groups) Invalidate(keys ...string) {
	g.invalidations.Add(uint64(len(keys)))
	now := time.Now()
	for _, group := range g.index.find(keys) {
		group.invalidate(now)
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
	now := time.Now()
	for _, group := range groups {
		group.touched.Store(true)
		group.invalidate(now)
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
		Members:       int(g.members.Load()),
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
	return s
}

// Close ends every group without a word to its members, tells runs that are under way to stop, and returns
// when none is left. It may be called twice, but not by a run.
func (g *Groups) Close() {
	g.mu.Lock()
	g.closed = true
	groups := make([]*Group, 0, len(g.byKey))
	for _, group := range g.byKey {
		groups = append(groups, group)
	}
	clear(g.byKey)
	g.mu.Unlock()
	for _, group := range groups {
		group.stop()
	}
	g.cancel()
	g.making.wait()
}

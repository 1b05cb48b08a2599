// Package share runs one execution for every operation that may share it.
//
// The operations with one key (same document, variables and partition) are the members of one
// Group: gqlgen executes once per event, the response is encoded once, and each member is handed
// the same bytes. A shared execution runs in a context without viewer and without request, so what
// it makes cannot depend on who asked. A group that a topic feeds has no goroutine: a worker of the
// pool takes one step of the executor for each event. Everything here is safe for concurrent use.
package share

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/sluice-gateway/sluice/auth"
	"github.com/sluice-gateway/sluice/internal/complain"
	"github.com/sluice-gateway/sluice/internal/work"
	"github.com/sluice-gateway/sluice/pubsub"
)

// An Executor runs a prepared operation; gqlgen's executor is one.
type Executor interface {
	DispatchOperation(ctx context.Context, oc *graphql.OperationContext) (graphql.ResponseHandler, context.Context)
}

// ErrClosed reports a Join after Close.
var ErrClosed = errors.New("share: closed")

// errOverrun reports a group that ended because it missed events: another one takes its place.
var errOverrun = errors.New("share: group overrun")

// A Key is what operations that share an execution have in common. Keys are hashes of everything
// that the result depends on.
type Key [32]byte

// A Spec says what a group executes. Members of one key have equal specs.
type Spec struct {
	Key     Key
	Context func() *graphql.OperationContext // makes one for each execution
	Topics  []string                         // names and patterns that feed it
	Viewer  *auth.Viewer                     // for whom a private execution runs; nil when it is shared
	Root    Root
	// Cursor is the text of a place, for clients: all of Topics are replayable, and members that have
	// no room, or come back, catch up. Nil: a member that has no room has lost the event.
	Cursor func(Place) []byte
}

// Options configure Groups. The zero value works.
type Options struct {
	// Linger is how long a group without members goes on, so that a reconnect finds it running;
	// default 2 s, the time of a first reconnect with its jitter.
	Linger time.Duration
	// StepTimeout is how long the resolvers of one event may take; default 10 s.
	StepTimeout time.Duration
	// MailboxEvents and MailboxBytes may wait for a group that executes more slowly than events
	// come; later ones are dropped, and the members told. Default 16,384 and 16 MiB: a burst of some
	// seconds. Groups share the events themselves.
	MailboxEvents, MailboxBytes int
	// Replays is how many subscriptions of different keys are brought what they have missed at the same
	// time; default 64: each holds a page of a log.
	Replays int
	// MaxResult is the size of the largest result, in bytes; a larger one becomes an error.
	// Default 1 MiB.
	MaxResult int
	// Errors turns an error of an execution into what a client may see; default: as it is.
	Errors func(gqlerror.List) gqlerror.List
	// Observe is told of each step that a topic's event has caused, once per event and group, by the
	// worker that took it: it must not block. Default: nobody is, and no time is taken.
	Observe func(Step)
	// Written says who wants to know how long after it was published an event of a field was written to
	// a member, see outbox.Origin. Default: nobody does.
	Written func(field string) func(after time.Duration)
	// Log receives what operators should know; default slog.Default().
	Log *slog.Logger
}

func (o Options) withDefaults() Options {
	if o.Linger == 0 {
		o.Linger = 2 * time.Second
	}
	if o.StepTimeout == 0 {
		o.StepTimeout = 10 * time.Second
	}
	if o.MailboxEvents == 0 {
		o.MailboxEvents = 16_384
	}
	if o.MailboxBytes == 0 {
		o.MailboxBytes = 16 << 20
	}
	if o.Replays == 0 {
		o.Replays = 64
	}
	if o.MaxResult == 0 {
		o.MaxResult = 1 << 20
	}
	if o.Errors == nil {
		o.Errors = func(errs gqlerror.List) gqlerror.List { return errs }
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return o
}

// Stats count what the groups of a node did since the start.
type Stats struct {
	Groups       int    // running now
	Starting     int    // of them, those that do not receive events yet
	Members      int    // of them
	Executions   uint64 // steps of the executor: one per event and group
	Deliveries   uint64 // results handed to members
	DecodeErrors uint64 // events whose payload was not what a field needs
	Dropped      uint64 // events that a full mailbox refused
	Behind       int    // members that catch up, or wait for room
	Replayed     uint64 // of Executions, those for members that were behind
	Gaps         uint64 // members that were told that they cannot have what they have missed
}

// Groups are the running groups of a node.
type Groups struct {
	exec    Executor
	broker  pubsub.Broker
	pool    *work.Pool
	options Options
	ctx     context.Context
	cancel  context.CancelFunc
	running sync.WaitGroup // goroutines of groups

	executions, deliveries, decodeErrors, dropped, replayed, gaps atomic.Uint64
	complaints                                                    complain.Log
	behind                                                        behind
	replaying                                                     chan struct{} // holds a token for each replay that works

	mu     sync.Mutex // guards what follows; taken before a group's own
	byKey  map[Key]*Group
	closed bool
}

// NewGroups makes an empty set of groups. Close stops them; pool and broker must outlive it.
func NewGroups(exec Executor, broker pubsub.Broker, pool *work.Pool, options Options) *Groups {
	g := &Groups{
		exec:    exec,
		broker:  broker,
		pool:    pool,
		options: options.withDefaults(),
		byKey:   make(map[Key]*Group),
	}
	g.ctx, g.cancel = context.WithCancel(context.Background())
	g.behind = behind{groups: g, replays: make(map[Key]*replay)}
	g.replaying = make(chan struct{}, g.options.Replays)
	return g
}

// Join makes m a member of the group that the key names, and starts the group if there is none;
// then it is spec that the group executes. Join returns at once: a failure to start reaches the
// members as their End. Its only error is ErrClosed, after Close.
func (g *Groups) Join(key Key, spec func() Spec, m Member) (*Membership, error) {
	membership := &Membership{member: m, index: -1}
	for {
		group := g.hold(key, spec, membership)
		if group == nil {
			return nil, ErrClosed
		}
		joined := membership.group.Load() == group || group.enter(membership)
		group.letGo()
		if joined {
			return membership, nil
		}
	}
}

// Resume makes m a member that comes back: it gets what followed a place, and then is one of the group
// that the key names; or it is told of the gap. It returns at once. The spec has a Cursor.
func (g *Groups) Resume(key Key, spec func() Spec, m Member, at Place) (*Membership, error) {
	group := g.hold(key, spec, nil)
	if group == nil {
		return nil, ErrClosed
	}
	defer group.letGo()
	membership := &Membership{member: m, index: -1}
	membership.group.Store(group)
	g.behind.resume(membership, at, false)
	return membership, nil
}

// Begin returns a place after which the group that the key names has every event, for Resume within the
// group's linger. It starts the group if there is none, and waits until it is ready. Errors are ErrClosed,
// ctx's, and why the group cannot start.
func (g *Groups) Begin(ctx context.Context, key Key, spec func() Spec) (Place, error) {
	for {
		group := g.hold(key, spec, nil)
		if group == nil {
			return nil, ErrClosed
		}
		at, err := group.beginning(ctx)
		group.letGo()
		if !errors.Is(err, errOverrun) {
			return at, err
		}
	}
}

// hold returns the group of a key, which does not stop for want of members until it is let go; it starts
// one if there is none, with a first member that misses nothing, or with none. Nil: the groups are closed.
func (g *Groups) hold(key Key, spec func() Spec, first *Membership) *Group {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return nil
	}
	group := g.byKey[key]
	if group == nil {
		group = newGroup(g, spec())
		if first != nil {
			group.addLocked(first) // nobody else knows the group yet
		}
		g.byKey[key] = group
		defer g.running.Go(group.start)
	}
	group.mu.Lock()
	defer group.mu.Unlock()
	group.held++
	return group
}

// remove takes a group out of the map unless somebody joined it meanwhile.
func (g *Groups) remove(group *Group, evenWithMembers bool) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	group.mu.Lock()
	defer group.mu.Unlock()
	if (len(group.members) > 0 || group.held > 0) && !evenWithMembers {
		return false
	}
	if g.byKey[group.spec.Key] == group {
		delete(g.byKey, group.spec.Key)
	}
	return true
}

// CountGap counts a member that was told of a gap before it could be one.
func (g *Groups) CountGap() { g.gaps.Add(1) }

// Stats returns the counts of this moment.
func (g *Groups) Stats() Stats {
	s := Stats{
		Executions:   g.executions.Load(),
		Deliveries:   g.deliveries.Load(),
		DecodeErrors: g.decodeErrors.Load(),
		Dropped:      g.dropped.Load(),
		Behind:       g.behind.count(),
		Replayed:     g.replayed.Load(),
		Gaps:         g.gaps.Load(),
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	s.Groups = len(g.byKey)
	for _, group := range g.byKey {
		group.mu.Lock()
		s.Members += len(group.members)
		if !group.ready {
			s.Starting++
		}
		group.mu.Unlock()
	}
	return s
}

// Close ends every group, without a word to its members, and returns when no goroutine of theirs
// is left.
func (g *Groups) Close() {
	g.mu.Lock()
	g.closed = true
	groups := make([]*Group, 0, len(g.byKey))
	for _, group := range g.byKey {
		groups = append(groups, group)
	}
	clear(g.byKey)
	g.mu.Unlock()
	g.behind.close()
	for _, group := range groups {
		group.stop()
	}
	g.cancel()
	g.running.Wait()
}

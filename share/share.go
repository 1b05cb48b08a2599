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
	"github.com/sluice-gateway/sluice/internal/outbox"
	"github.com/sluice-gateway/sluice/internal/work"
	"github.com/sluice-gateway/sluice/pubsub"
)

// An Executor runs a prepared operation; gqlgen's executor is one.
type Executor interface {
	DispatchOperation(ctx context.Context, oc *graphql.OperationContext) (graphql.ResponseHandler, context.Context)
}

// A Member takes what a group delivers. The group calls it from one goroutine at a time; a member
// must not block, and must not call the group from within.
type Member interface {
	// Next takes one execution result. Its body is shared with all other members, its key the topic
	// that the event came from; of a channel of the resolver's own there is none.
	Next(e outbox.Event)
	// Lose says that there were events which no result was made of, and why. The result that comes next
	// tells of them, too: they are in its Dropped.
	Lose(events uint64, why Loss)
	// End is the last call: errs says why the execution ended, nothing that it came to its end.
	End(errs gqlerror.List)
}

// A Loss is why a group has made no result of an event.
type Loss uint8

// Losses.
const (
	Undecodable Loss = iota // its payload is not what the field needs
	Overrun                 // events came faster than they were executed, or one took too long
)

// ErrClosed reports a Join after Close.
var ErrClosed = errors.New("share: closed")

// A Key is what operations that share an execution have in common. Keys are hashes of everything
// that the result depends on.
type Key [32]byte

// A Spec says what a group executes. Members of one key have equal specs.
type Spec struct {
	Key     Key
	Context *graphql.OperationContext // used by this group alone
	Topics  []string                  // names and patterns that feed it
	Viewer  *auth.Viewer              // for whom a private execution runs; nil when it is shared
	Root    Root
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

	executions, deliveries, decodeErrors, dropped atomic.Uint64
	complaints                                    complain.Log

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
	return g
}

// Join makes m a member of the group that the key names, and starts the group if there is none;
// then it is spec that the group executes. Join returns at once: a failure to start reaches the
// members as their End. Its only error is ErrClosed, after Close.
func (g *Groups) Join(key Key, spec func() Spec, m Member) (*Membership, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return nil, ErrClosed
	}
	if group := g.byKey[key]; group != nil {
		return group.add(m), nil
	}
	group := newGroup(g, spec())
	membership := group.add(m) // before the start, so that it misses nothing
	g.byKey[key] = group
	g.running.Go(group.start)
	return membership, nil
}

// remove takes a group out of the map unless somebody joined it meanwhile.
func (g *Groups) remove(group *Group, evenWithMembers bool) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	group.mu.Lock()
	defer group.mu.Unlock()
	if len(group.members) > 0 && !evenWithMembers {
		return false
	}
	if g.byKey[group.spec.Key] == group {
		delete(g.byKey, group.spec.Key)
	}
	return true
}

// Stats returns the counts of this moment.
func (g *Groups) Stats() Stats {
	s := Stats{
		Executions:   g.executions.Load(),
		Deliveries:   g.deliveries.Load(),
		DecodeErrors: g.decodeErrors.Load(),
		Dropped:      g.dropped.Load(),
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
	for _, group := range groups {
		group.stop()
	}
	g.cancel()
	g.running.Wait()
}

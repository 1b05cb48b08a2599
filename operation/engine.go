// Package operation runs GraphQL operations, from request to ending, the same for every transport.
//
// A transport reads a Request, has the Engine Prepare it (parse, validate, limits, policy), and
// Runs the Operation into a Sink of its own. Queries and mutations give one result, subscriptions
// join a shared execution. No check stands anywhere else, so none can be missing on one transport.
// An Engine is safe for concurrent use.
package operation

import (
	"cmp"
	"context"
	"crypto/rand"
	"log/slog"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"

	"github.com/sluice-gateway/sluice/analytics"
	"github.com/sluice-gateway/sluice/analytics/ledger"
	"github.com/sluice-gateway/sluice/analytics/trace"
	"github.com/sluice-gateway/sluice/auth"
	"github.com/sluice-gateway/sluice/internal/complain"
	"github.com/sluice-gateway/sluice/internal/cursor"
	"github.com/sluice-gateway/sluice/internal/outbox"
	"github.com/sluice-gateway/sluice/internal/work"
	"github.com/sluice-gateway/sluice/limits"
	"github.com/sluice-gateway/sluice/live"
	"github.com/sluice-gateway/sluice/policy"
	"github.com/sluice-gateway/sluice/pubsub"
	"github.com/sluice-gateway/sluice/share"
)

// Options configure an Engine. The zero value works.
type Options struct {
	// Query bounds what one operation may ask for.
	Query QueryLimits
	// CacheEntries and CacheBytes bound the documents kept parsed; default 1,000 and 16 MiB.
	CacheEntries, CacheBytes int
	// Timeout is how long a query or mutation may take; default 30 s.
	Timeout time.Duration
	// Introspection allows __schema and __type; default off.
	Introspection bool
	// Suggestions lets errors of validation name what stands in the schema and not in the document:
	// "did you mean", missing arguments, types. Default off: then they tell nothing that the client did
	// not know.
	Suggestions bool
	// Callers bound what one caller may do.
	Callers CallerLimits
	// Refusals count what limits have refused; default: the engine's own.
	Refusals *limits.Refusals
	// Budgets say what consumers may have, besides what the schema says.
	Budgets BudgetOptions
	// Persisted says which documents clients may name instead of sending them.
	Persisted Persisted
	// Node is this process among those that serve the same clients; empty: a random name.
	Node string
	// Recorder counts what operations have had; default: nobody does.
	Recorder *analytics.Recorder
	// Usage counts what consumers have had, for who bills them; default: nobody does. It needs a Recorder.
	Usage *ledger.Tallies
	// Tracer tells a collector of operations; nil: nobody does.
	Tracer *trace.Tracer
	// Unrecorded reports whether usage cannot be kept any more: consumers whose plan says so have nothing
	// then. Default: it always can.
	Unrecorded func() bool
	// Country says which country an address is of, such as "DE", or ""; default: nobody knows.
	Country func(netip.Addr) string
	// LogOperations says which operations are logged when they have ended; default none.
	LogOperations LogKind
	// Live configures live queries.
	Live LiveOptions
	// Share configures the shared executions.
	Share share.Options
	// Retain says how much of a topic the broker keeps; it must say what the broker does. Default: what
	// the schema says.
	Retain func(topic string) pubsub.Retention
	// Cursors sign and read where clients go on. All nodes need the same; default: keys of this engine's
	// own.
	Cursors *cursor.Keys
	// Log receives what operators should know; default slog.Default().
	Log *slog.Logger
}

func (o Options) withDefaults() Options {
	o.Query = o.Query.withDefaults()
	o.Callers = o.Callers.withDefaults()
	o.CacheEntries = cmp.Or(o.CacheEntries, 1000)
	o.CacheBytes = cmp.Or(o.CacheBytes, 16<<20)
	o.Timeout = cmp.Or(o.Timeout, 30*time.Second)
	o.Log = cmp.Or(o.Log, slog.Default())
	o.Cursors = cmp.Or(o.Cursors, cursor.NewKeys())
	o.Node = cmp.Or(o.Node, rand.Text()[:8])
	if o.Usage != nil {
		o.Recorder = cmp.Or(o.Recorder, analytics.NewRecorder(analytics.Options{}))
		o.Usage.Before(o.Recorder.Settle)
	}
	o.Refusals = cmp.Or(o.Refusals, limits.NewRefusals(o.Log))
	o.Live.Throttle = cmp.Or(o.Live.Throttle, time.Second)
	o.Live.MinThrottle = cmp.Or(o.Live.MinThrottle, 100*time.Millisecond)
	o.Share.MaxResult = cmp.Or(o.Share.MaxResult, 1<<20)
	o.Share.Log = cmp.Or(o.Share.Log, o.Log)
	return o
}

// An Engine prepares and runs operations on one schema.
type Engine struct {
	schema graphql.ExecutableSchema
	exec   *executor.Executor
	policy *policy.Schema
	// announcements are the topics whose events tell of changes.
	announcements []policy.Announcement
	broker        pubsub.Broker
	groups        *share.Groups
	live          *live.Groups
	ear           *ear
	documents     *known
	presenter     presenter
	sharing       perSecond
	book          *limits.Book
	ours          bool // the book was made here
	plans         atomic.Pointer[limits.Plans]
	pepper        []byte
	meters        meters
	standing      standing
	callers       *callers
	reached       *limits.Refusals
	trouble       complain.Log
	began         time.Time
	options       Options

	draining atomic.Bool
	alone    atomic.Uint64 // numbers partitions of one operation
}

// New makes an engine on a schema. It fails when the schema's directives contradict each other.
// pool and broker must outlive the engine; Close stops it.
func New(schema graphql.ExecutableSchema, broker pubsub.Broker, pool *work.Pool, options Options) (*Engine, error) {
	options = options.withDefaults()
	compiled, err := policy.Compile(schema.Schema())
	if err != nil {
		return nil, err
	}
	if options.Retain == nil {
		options.Retain = compiled.Retention
	}
	e := &Engine{
		schema:    schema,
		exec:      executor.New(schema),
		policy:    compiled.WithListSize(options.Query.ListSize),
		broker:    broker,
		documents: newKnown(options.CacheEntries, options.CacheBytes),
		presenter: presenter{log: options.Log},
		sharing:   perSecond{most: sharedPerSecond},
		began:     time.Now(),
		reached:   options.Refusals,
		options:   options,
	}
	if e.callers, err = newCallers(options); err != nil {
		return nil, err
	}
	if err := e.checkTrusted(); err != nil {
		return nil, err
	}
	if err := e.openBudgets(options.Budgets); err != nil {
		return nil, err
	}
	e.exec.SetErrorPresenter(e.presenter.present)
	e.exec.SetRecoverFunc(e.presenter.recover)
	e.announcements = compiled.Announcements()
	e.live = live.NewGroups(pool, live.Options{
		Reconcile: options.Live.Reconcile, Timeout: options.Timeout, Linger: options.Share.Linger,
		Most: options.Live.Most, Runs: options.Live.Runs, Log: options.Log,
	})
	e.ear = newEar(e)
	e.groups = share.NewGroups(e.exec, broker, pool, options.Share)
	return e, nil
}

// Policy is what the schema's directives say.
func (e *Engine) Policy() *policy.Schema { return e.policy }

// Retention says how much of a topic the broker keeps.
func (e *Engine) Retention(topic string) pubsub.Retention { return e.options.Retain(topic) }

// Refusals count what limits have refused.
func (e *Engine) Refusals() *limits.Refusals { return e.reached }

// Stats are the counts of the shared executions.
func (e *Engine) Stats() share.Stats { return e.groups.Stats() }

// Drain refuses every operation from now on with DRAINING. What runs goes on.
func (e *Engine) Drain() { e.draining.Store(true) }

// Close ends the shared executions, without a word to their operations, and waits for them.
func (e *Engine) Close() {
	e.ear.close()
	e.live.Close()
	e.groups.Close()
	e.standing.close()
	if e.ours {
		_ = e.book.Close(context.Background()) // its counter is in this process, and answers
	}
}

// clock is the time since the engine was made; it never goes back.
func (e *Engine) clock() time.Duration { return time.Since(e.began) }

// Do runs one query or mutation for a viewer and returns its result as JSON. It is for the program that
// has the engine: no rate of requests holds.
func (e *Engine) Do(ctx context.Context, req Request) ([]byte, error) {
	req.Viewer = cmp.Or(req.Viewer, auth.Anonymous)
	op, errs := e.prepare(ctx, req)
	if errs != nil {
		return nil, errs
	}
	op.Once()
	if op.Streaming() {
		return nil, Errorf(CodeBadRequest, "a subscription gives no single result")
	}
	var one single
	op.Run(ctx, &one)
	if one.result == nil {
		return nil, one.errs
	}
	return one.result, nil
}

// single is a Sink for one result.
type single struct {
	noSession
	result []byte
}

func (s *single) Next(e outbox.Event) bool { s.result = e.Body; return true }

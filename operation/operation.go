package operation

import (
	"cmp"
	"context"
	"net/netip"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/sluice-gateway/sluice/analytics"
	"github.com/sluice-gateway/sluice/analytics/ledger"
	"github.com/sluice-gateway/sluice/analytics/trace"
	"github.com/sluice-gateway/sluice/auth"
	"github.com/sluice-gateway/sluice/internal/outbox"
	"github.com/sluice-gateway/sluice/live"
	"github.com/sluice-gateway/sluice/share"
)

type ctx = context.Context

// A Sink is where one operation's results go; transports make them.
//
// The methods are called by one goroutine at a time, which may be a worker that serves thousands
// of operations: they must not block and must not call the operation.
type Sink interface {
	// Next takes one execution result. It reports false when there is no room for it, and the
	// session must end.
	Next(e outbox.Event) bool
	// End takes the operation's last words: errs says why it was refused or stopped, nothing that
	// it is complete. Nothing follows.
	End(errs gqlerror.List)
	// Disconnect ends the whole session that the operation belongs to.
	Disconnect(Ending)
}

// noSession is a Sink's part for a request that is no session and reads only results.
type noSession struct{ errs gqlerror.List }

func (n *noSession) End(errs gqlerror.List) { n.errs = errs }
func (n *noSession) Disconnect(Ending)      {}

// An Operation is one running GraphQL operation. Run starts it, once; Stop may come from anywhere.
type Operation struct {
	// What Next reads stands together: of 10,000 members, each line of the cache comes from memory.
	ended    atomic.Bool
	overflow outbox.Overflow // set by Configure, as most is
	tells    bool            // the client wants to see its budget with every event
	sink     Sink
	counts   bool   // somebody does; set by Run
	meter    *meter // nil: there is no budget; set under mu, before the operation joins its group
	record   analytics.Record

	engine *Engine
	kind   ast.Operation
	guard  *guard // nil: no need to authorise it again, ever
	cost   int64

	most    int            // events that may wait; 0: as many as the session holds
	dropped atomic.Uint64  // events that the client will never have
	address netip.Addr     // of the client
	live    *liveQuery     // nil: the operation is none
	box     *outbox.Outbox // of its session, and its place there, set by Configure; nil: there is none
	place   *outbox.Stream
	// resumption is nil where it does not matter.
	resumption *resumption
	limit      string // the name of an overflow that is not Disconnect; set by Configure

	transport string // that it came by
	client    Client
	labels    *analytics.Labels // of all who run its document
	trace     string            // the traceparent that it came with; or empty

	mu         sync.Mutex // guards what follows
	viewer     *auth.Viewer
	seat       string        // among its caller's operations; empty: none
	running    bool          // in the record's eyes
	line       line          // in the log
	why        string        // it has ended, once it does not run any more
	stay       *ledger.Stay  // nil: nobody bills it
	prepared   *prepared     // nil once started
	refused    gqlerror.List // why it must not start any more
	membership membership
	roomy      bool          // there was room again before there was a membership
	freed      chan struct{} // holds a token when there was, for who waits for room for a snapshot; or nil
	cancel     context.CancelFunc
	span       *trace.Span // of its beginning; nil: nobody traces
}

// A membership is an operation's place in a group.
type membership interface{ Leave() }

// ID is the operation's own among those of all nodes, once it runs and if somebody counts.
func (op *Operation) ID() string {
	return op.engine.options.Node + "." + strconv.FormatUint(op.record.Number(), 10)
}

// Kind is query, mutation or subscription.
func (op *Operation) Kind() ast.Operation { return op.kind }

// Cost is what the operation was found to cost before it began; of a subscription, what one event costs.
func (op *Operation) Cost() int64 { return op.cost }

// Viewer is who asked for the operation.
func (op *Operation) Viewer() *auth.Viewer {
	op.mu.Lock()
	defer op.mu.Unlock()
	return op.viewer
}

// Address is the client's, as the request said it.
func (op *Operation) Address() netip.Addr { return op.address }

// Streaming reports whether the operation may give more than one result.
func (op *Operation) Streaming() bool { return op.kind == ast.Subscription || op.live != nil }

// Run executes the operation into sink. For a query or mutation it returns when the result was
// given; ctx carries its deadline. For a subscription it returns at once; the results follow until
// Stop is called or sink was given the End.
func (op *Operation) Run(ctx context.Context, sink Sink) {
	op.sink = sink
	ctx, span := op.startSpan(ctx)
	defer span.End()
	op.mu.Lock()
	p, refused := op.prepared, op.refused
	op.prepared, op.span = nil, span
	op.mu.Unlock()
	op.count()
	if refused == nil {
		refused = op.unrecorded()
	}
	if refused == nil {
		refused = op.sit()
	}
	if refused != nil {
		op.End(refused)
		return
	}
	switch {
	case op.live != nil:
		op.keepTrue(ctx, p)
	case op.Streaming():
		op.subscribe(ctx, p)
	default:
		op.execute(ctx, p)
	}
}

func (op *Operation) subscribe(ctx context.Context, p *prepared) {
	if errs := op.openMeter(ctx, p); errs != nil {
		op.End(errs)
		return
	}
	op.bill()
	op.join(p)
}

func (op *Operation) join(p *prepared) {
	viewer := op.Viewer()
	key, err := p.key(op.engine, viewer)
	if err != nil {
		op.End(refuse(CodeBadUserInput, "the variables cannot be encoded: %v", err))
		return
	}
	spec := func() share.Spec { return p.spec(op, key, viewer) }
	switch membership, err := op.enter(p, key, spec); {
	case err != nil:
		op.End(refuse(CodeDraining, "this server is being restarted; try again"))
	case membership != nil:
		op.joined(membership)
	}
}

// joined remembers what the operation leaves when it stops.
func (op *Operation) joined(m membership) {
	op.mu.Lock()
	op.membership = m
	roomy := op.roomy
	op.mu.Unlock()
	if roomy {
		op.hasRoom()
	}
	if op.ended.Load() { // stopped meanwhile
		op.Stop()
	}
}

func (op *Operation) execute(ctx context.Context, p *prepared) {
	defer op.recoverPanic()
	ctx, cancel := context.WithTimeout(ctx, op.engine.options.Timeout)
	defer cancel()
	op.mu.Lock()
	op.cancel = cancel
	op.mu.Unlock()
	if op.ended.Load() {
		return
	}
	if errs := op.charge(ctx, p); errs != nil {
		op.End(errs)
		return
	}
	op.bill()
	changed := func(context.Context) {}
	oc := p.context(op.engine)
	if op.kind == ast.Mutation {
		c := op.engine.newChanges(p)
		oc.ResolverMiddleware, ctx = c.middleware, live.WithRecorder(ctx, c.shown.add)
		changed = c.tell
		defer c.tell(ctx) // should what follows panic
	}
	ctx = withAddress(auth.WithViewer(ctx, op.Viewer()), op.address)
	next, ctx := op.engine.exec.DispatchOperation(ctx, oc)
	r := next(ctx)
	changed(ctx)
	if r != nil {
		body := share.Encode(r.Data, withCode(r.Errors, CodeInternal), op.engine.options.Share.MaxResult)
		op.billAnswer(len(body))
		op.Next(outbox.Event{Body: body, Origin: &outbox.Origin{Failed: len(r.Errors) > 0}})
		op.End(nil)
		return
	}
	op.End(over("request-timeout", CodeInternal, "the operation took longer than %v", op.engine.options.Timeout))
}

// recoverPanic ends the operation when code of the application panics where gqlgen does not catch
// it, as in a scalar's encoder.
func (op *Operation) recoverPanic() {
	if v := recover(); v != nil {
		op.End(gqlerror.List{op.engine.presenter.panicked(v)})
	}
}

// Next implements share.Member.
func (op *Operation) Next(e outbox.Event) bool {
	switch {
	case op.ended.Load():
		return true
	case op.meter != nil:
		return op.meter.next(&e)
	}
	return op.offer(&e)
}

// offer hands an event to the sink. It reports false when there is no room for it, and the operation can
// have it later.
func (op *Operation) offer(e *outbox.Event) bool {
	if op.live != nil && op.live.patched && !op.live.patch(e, op.place) {
		op.giveBack(1)
		return true
	}
	if op.counts {
		if op.box == nil {
			op.record.Deliver(len(e.Body) + len(e.Extensions))
		}
		if e.Origin != nil && e.Origin.Failed {
			op.record.Fail()
		}
	}
	if op.overflow != outbox.Disconnect {
		defer op.noteLosses(op.dropped.Load())
	}
	if !op.sink.Next(*e) {
		if op.catchesUp() {
			return false
		}
		op.sink.Disconnect(SlowConsumer)
	}
	if op.counts {
		op.record.Late()
	}
	if op.live != nil {
		op.retry()
	}
	return true
}

// Lose implements share.Member.
func (op *Operation) Lose(events uint64, why share.Loss) {
	if !op.counts || op.ended.Load() {
		return
	}
	switch why {
	case share.Undecodable:
		op.record.Drop(events, analytics.DropDecode)
	case share.Overrun:
		op.record.Drop(events, analytics.DropOverrun)
	}
}

// End implements share.Member.
func (op *Operation) End(errs gqlerror.List) {
	if !op.ended.Swap(true) {
		op.engine.noteLimit(errs, op.Viewer())
		op.failSpan(errs)
		op.conclude(errs)
		op.sink.End(errs)
		op.closeMeter()
		op.leave()
		op.uncount(endedByItself)
	}
}

// Fail ends the operation with errors, for a reason that lies outside of it. One that has not
// started yet tells them when it would.
func (op *Operation) Fail(errs gqlerror.List) {
	op.mu.Lock()
	started := op.prepared == nil
	if !started {
		op.refused = errs
	}
	op.mu.Unlock()
	if started {
		op.End(errs)
		op.Stop()
	}
}

// Stop ends the operation without a word to its sink: the client is gone, or wants no more. It may
// be called at any time and more than once.
func (op *Operation) Stop() { op.stop(endedByClient) }

// StopFor is Stop where the node ends the operation's session; the zero Ending is that nobody did.
func (op *Operation) StopFor(e Ending) { op.stop(cmp.Or(e.Code, endedByClient)) }

func (op *Operation) stop(why string) {
	op.ended.Store(true)
	op.mu.Lock()
	membership, cancel := op.membership, op.cancel
	op.mu.Unlock()
	if membership != nil {
		membership.Leave()
	}
	if cancel != nil {
		cancel()
	}
	op.closeMeter()
	op.leave()
	op.uncount(why)
}

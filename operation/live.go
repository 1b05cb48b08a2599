package operation

import (
	"cmp"
	"context"
	"errors"
	"net/netip"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/sluice-gateway/sluice/auth"
	"github.com/sluice-gateway/sluice/internal/outbox"
	"github.com/sluice-gateway/sluice/live"
	"github.com/sluice-gateway/sluice/policy"
	"github.com/sluice-gateway/sluice/share"
)

// LiveOptions configure live queries. The zero value works.
type LiveOptions struct {
	// Throttle is the least time between two runs of a query whose client does not say; default 1 s.
	Throttle time.Duration
	// MinThrottle is the least that a client may ask for; default 100 ms. A query that runs more often than
	// once a second costs as many times more.
	MinThrottle time.Duration
	// Reconcile is when a query runs although nothing is known to have changed; default 30 s ± 10 %.
	Reconcile time.Duration
	// Most is how many live queries the node keeps, those that are one counted once; default 10,000.
	Most int
	// Runs is how many of them run at a time; default 16.
	Runs int
}

// liveQuery is what an operation with @live has besides.
type liveQuery struct {
	throttle time.Duration
	patched  bool // the client takes patches

	// latest is what the group has given; the others are of whoever hands results to the sink.
	latest   atomic.Pointer[live.Version]
	timed    uint64 // the number of the version that was timed last
	told     uint64 // the number of the version that the client was sent last; 0: none
	revision int    // of what it was sent, counted from the last whole result
	sent     []byte // the body that was handed to the sink last
}

// newLiveQuery reads what a request wants of @live; nil: nothing.
func (e *Engine) newLiveQuery(p *prepared, req Request) *liveQuery {
	wish := p.policy.Wish(p.variables)
	if !wish.Live {
		return nil
	}
	o := &e.options.Live
	q := &liveQuery{throttle: o.Throttle, patched: req.Extensions["livePatch"] == "json-patch"}
	if wish.Throttle > 0 {
		q.throttle = step(max(wish.Throttle, o.MinThrottle))
	}
	return q
}

// steps are the throttles that there are: queries that differ in nothing but a little of it are one.
var steps = []time.Duration{
	100 * time.Millisecond, 200 * time.Millisecond, 500 * time.Millisecond,
	time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 30 * time.Second,
	time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour,
}

// step is the least of the throttles that is as long as one, or the longest.
func step(d time.Duration) time.Duration {
	i, _ := slices.BinarySearch(steps, d)
	return steps[min(i, len(steps)-1)]
}

// rate is how many times a second the query may run, at least 1.
func (q *liveQuery) rate() float64 { return max(1, float64(time.Second)/float64(q.throttle)) }

// Once makes an ordinary query of a live one: its client takes one result and no more.
func (op *Operation) Once() { op.live = nil }

// keepTrue runs the operation as a live query.
func (op *Operation) keepTrue(ctx context.Context, p *prepared) {
	errs := op.engine.options.Query.rate(op.cost, op.live)
	if errs == nil {
		errs = op.openMeter(ctx, p)
	}
	if errs != nil {
		op.End(errs)
		return
	}
	op.bill()
	op.joinLive(p)
}

// joinLive makes the operation a member of its group.
func (op *Operation) joinLive(p *prepared) {
	viewer := op.Viewer()
	key, err := p.key(op.engine, viewer, []byte(op.live.throttle.String()))
	if err != nil {
		op.End(refuse(CodeBadUserInput, "the variables cannot be encoded: %v", err))
		return
	}
	spec := func() live.Spec { return p.liveSpec(op.engine, viewer, op.address, op.live.throttle) }
	membership, err := op.engine.joinLive(live.Key(key), spec, op)
	switch {
	case errors.Is(err, live.ErrFull):
		op.End(over("max-live-queries", CodeSubscriptionCap, "this server keeps as many live queries as it may; try again, or ask without @live"))
	case err != nil:
		op.End(refuse(CodeDraining, "this server is being restarted; try again"))
	default:
		op.joined(membership)
	}
}

// liveSpec is what the group of this query runs.
func (p *prepared) liveSpec(e *Engine, viewer *auth.Viewer, address netip.Addr, interval time.Duration) live.Spec {
	s := live.Spec{Interval: interval}
	for _, root := range p.policy.Fields {
		if poll := root.Policy.Poll; poll > 0 && (s.Poll == 0 || poll < s.Poll) {
			s.Poll = poll
		}
	}
	if !p.policy.Private {
		viewer = nil
	}
	s.Run = func(ctx context.Context) live.Result { return p.runLive(ctx, e, viewer, address) }
	return s
}

// runLive makes the result anew.
func (p *prepared) runLive(ctx context.Context, e *Engine, viewer *auth.Viewer, address netip.Addr) live.Result {
	origin := &liveOrigin{timed: outbox.Origin{At: time.Now(), Written: e.written(p.policy)}}
	t := p.dependencies(e)
	oc := p.context(e)
	oc.ResolverMiddleware = t.middleware
	if viewer != nil {
		ctx = withAddress(auth.WithViewer(ctx, viewer), address)
	}
	data, errs := e.runQuery(live.WithRecorder(ctx, t.add), oc)
	tooLarge := len(data) > e.options.Share.MaxResult
	failed := tooLarge || len(errs) > 0
	origin.timed.Failed, origin.untimed.Failed = failed, failed
	r := live.Result{
		Body:   appendMember(share.Encode(data, errs, e.options.Share.MaxResult), isLive),
		Failed: failed,
		Tag:    origin,
		Keys:   t.list(),
	}
	switch whole := r.Body[:len(r.Body)-len(isLive)-len(`,}`)]; {
	case tooLarge:
		r.Print = whole
	case r.Failed:
		r.Print = printOf(data, errs)
	default: // there is one copy of it
		r.Data = whole[len(`{"data":`):]
		r.Print = r.Data
	}
	return r
}

// written is who wants to know when results of a live query are written.
func (e *Engine) written(p *policy.Operation) func(time.Duration) {
	if e.options.Share.Written == nil {
		return nil
	}
	return e.options.Share.Written(rootField(p))
}

// isLive marks a result that is kept true.
const isLive = `"isLive":true`

// dependencies is a tracker of what a result is made from: "Product:42" of each object that shows in it,
// "Product:*" of each type of these, "Product" where it shows as many as there are, "Query.product" and
// `Query.product({"id":"42"})` of its root fields.
func (p *prepared) dependencies(e *Engine) *tracker {
	t := newTracker(e.policy, e.schema.Schema().Query.Name)
	t.add(p.policy.Membership()...)
	t.object = func(_ *graphql.FieldContext, name, id string) { t.add(name+":"+id, name+":*") }
	t.absent = func(types []string) { t.add(types...) } // one that is made then changes the result
	t.field = func(fc *graphql.FieldContext) {
		field := t.root + "." + fc.Field.Name
		t.add(field, field+"("+rootArguments(fc.Args)+")")
	}
	return t
}

// runQuery executes a query for a group.
func (e *Engine) runQuery(ctx context.Context, oc *graphql.OperationContext) (data []byte, errs gqlerror.List) {
	defer func() {
		if v := recover(); v != nil {
			data, errs = nil, gqlerror.List{e.presenter.panicked(v)}
		}
	}()
	next, ctx := e.exec.DispatchOperation(ctx, oc)
	r := next(ctx)
	if r == nil {
		return nil, over("request-timeout", CodeInternal, "the operation took longer than %v", e.options.Timeout)
	}
	// Fields that fail at once do so in any order, and only the first errors are sent.
	slices.SortStableFunc(r.Errors, func(a, b *gqlerror.Error) int {
		return cmp.Or(cmp.Compare(a.Path.String(), b.Path.String()), cmp.Compare(a.Message, b.Message))
	})
	return slices.Clone(r.Data), withCode(r.Errors, CodeInternal)
}

// printOf is equal for results that look the same: errors by what they say, not by their ids.
func printOf(data []byte, errs gqlerror.List) []byte {
	look := slices.Clip(data)
	for _, err := range errs {
		look = append(look, '\n')
		look = append(look, err.Path.String()+" "+err.Message...)
	}
	return look
}

// appendMember returns a JSON object with one member more.
func appendMember(object []byte, member string) []byte {
	with := make([]byte, 0, len(object)+len(member)+1)
	with = append(with, object[:len(object)-1]...)
	if len(object) > len("{}") {
		with = append(with, ',')
	}
	with = append(with, member...)
	return append(with, '}')
}

// A liveOrigin is where a version comes from: for those who waited for it, and for others.
type liveOrigin struct{ timed, untimed outbox.Origin }

// origin is where a version comes from. Who joined after its run began, or has had it before, tells nothing
// about how long it takes to be written.
func (q *liveQuery) origin(v *live.Version, joined time.Time) *outbox.Origin {
	made, ok := v.Tag().(*liveOrigin)
	switch {
	case !ok:
		return nil
	case v.Number() == q.timed || joined.After(made.timed.At):
		return &made.untimed
	}
	q.timed = v.Number()
	return &made.timed
}

// liveMember is an operation as a member of its group.
type liveMember struct {
	op     *Operation
	joined time.Time
}

// liveKey is what all results of a live query are about: of those that wait, the newest counts.
const liveKey = "live"

// Next implements live.Member.
func (m liveMember) Next(v *live.Version) {
	m.op.live.latest.Store(v)
	m.op.Next(outbox.Event{Body: v.Body(), Key: liveKey, Origin: m.op.live.origin(v, m.joined)})
}

// patch puts a patch in the place of a whole result, where the client takes patches and has what they
// change; or else the result begins a new count of revisions. One without data has no revision: clients
// that know patches take nothing for the first that they could not patch. It reports false for a result
// that is not the latest any more: that one follows.
func (q *liveQuery) patch(e *outbox.Event, place *outbox.Stream) bool {
	v := q.latest.Load()
	if !same(v.Body(), e.Body) {
		return false
	}
	follows := q.told > 0 && v.Number() == q.told+1 && (place == nil || place.Sent(q.sent))
	if follows && v.Patch() != nil {
		q.revision++
		e.Body = append(append(append([]byte(`{"patch":`), v.Patch()...), `,"revision":`...), strconv.Itoa(q.revision)+"}"...)
	} else {
		q.revision = 1
		e.Body = v.Form(firstRevision)
	}
	q.told, q.sent = v.Number(), e.Body
	return true
}

// firstRevision is a whole result for clients of patches.
func firstRevision(body []byte) []byte {
	whole := slices.Clip(body[:len(body)-len(isLive)-len(`,}`)])
	if whole[len(whole)-1] != '}' { // there is no data
		return append(whole, '}')
	}
	return append(whole, `,"revision":1}`...)
}

// retryAfter is when a result is offered again that found no room, with others in the outbox.
const retryAfter = time.Second

// retry has the newest result offered once more if this one found no room: no other may ever follow.
func (op *Operation) retry() {
	if op.place == nil || !op.place.Missed() {
		return
	}
	time.AfterFunc(retryAfter, func() {
		op.mu.Lock()
		m, joined := op.membership.(*live.Membership)
		op.mu.Unlock()
		if joined {
			m.Again()
		}
	})
}

// same reports whether two slices are one.
func same(a, b []byte) bool { return len(a) == len(b) && len(a) > 0 && &a[0] == &b[0] }

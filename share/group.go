package share

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/sluice-gateway/sluice/internal/outbox"
	"github.com/sluice-gateway/sluice/pubsub"
)

// A Group is one execution and its members.
//
// Its life: start (subscribe, dispatch) -> a step per event, by the pool, or a goroutine that reads
// the resolver's own channel -> stop, when the last member has been gone for the linger, or when
// the execution ends.
type Group struct {
	groups  *Groups
	spec    Spec
	oc      *graphql.OperationContext // of its own execution
	field   string                    // for who observes
	written func(after time.Duration) // nil: nobody wants to know
	ctx     context.Context
	cancel  context.CancelFunc
	begun   chan struct{} // closed when the group is ready or has ended

	// Set by start before the first step, then used by whoever steps, one at a time.
	execution
	untold uint64 // events that the members have lost, and the next result tells of

	// The members as of the last delivery: while the group is busy, of whoever delivers.
	snapshot []*Membership
	taken    uint64        // the version of members it was taken from
	full     []*Membership // those that had no room for it

	mu      sync.Mutex // guards what follows; nothing is called with it held
	members []*Membership
	version uint64 // rises with every change of members
	held    int    // by those who need the group without being members
	subs    []pubsub.Subscription
	at      Place // of the latest event that members were handed; never changed in place; nil: none are kept
	mailbox []*pubsub.Event
	waiting int           // bytes of payload in the mailbox
	lost    uint64        // events that the full mailbox refused since the last step
	why     gqlerror.List // what the members were told at the end
	broken  error         // why it could not start, should trying again help
	started bool          // begun is closed
	ready   bool          // start is through: steps may be taken
	busy    bool          // submitted to the pool or stepping; always, with a channel of the resolver's own
	ended   bool
	overrun bool // it ended because it missed events
	linger  *time.Timer
}

func newGroup(g *Groups, spec Spec) *Group {
	group := &Group{groups: g, spec: spec, oc: spec.Context(), begun: make(chan struct{})}
	group.field = fieldOf(group.oc)
	if g.options.Written != nil {
		group.written = g.options.Written(group.field)
	}
	group.ctx, group.cancel = context.WithCancel(g.ctx)
	return group
}

// forgetLocked forgets the members of the last delivery: a quiet group holds nobody who has left.
func (g *Group) forgetLocked() {
	clear(g.snapshot)
	g.snapshot = g.snapshot[:0]
}

// keeps reports whether members of the group can catch up.
func (g *Group) keeps() bool { return g.spec.Cursor != nil }

// retire stops the group if nobody joined while it lingered.
func (g *Group) retire() {
	if g.groups.remove(g, false) {
		g.stop()
	}
}

// start subscribes to the topics, then dispatches the operation, so that no event between the two
// is lost. It runs on a goroutine of its own: a broker may take its time to confirm.
func (g *Group) start() {
	defer g.recoverPanic()
	if err := g.subscribe(); err != nil {
		if isAway(err) {
			g.mu.Lock()
			g.broken = err
			g.mu.Unlock()
		}
		g.end(gqlerror.List{startError(err)})
		return
	}
	x := g.groups.dispatch(g.ctx, &g.spec, g.oc)
	g.mu.Lock()
	g.execution = x
	g.mu.Unlock()
	bound := g.feed.Bound()
	switch submit := g.begin(bound); {
	case !bound:
		g.unsubscribe() // the resolver has a channel of its own, so no topic feeds it
		g.read()
	case submit:
		g.groups.pool.Submit(g)
	}
}

// begin tells the members where the subscription begins, and has steps taken from then on. It reports
// whether there are some to take.
func (g *Group) begin(bound bool) (submit bool) {
	for {
		g.mu.Lock()
		untold := g.untoldLocked()
		if len(untold) == 0 {
			break
		}
		g.mu.Unlock()
		for _, m := range untold {
			m.member.At(g.spec.Cursor(g.at)) // nobody else writes it yet
		}
	}
	defer g.mu.Unlock()
	g.ready = true
	submit = bound && len(g.mailbox) > 0
	g.busy = submit || !bound
	g.beginLocked()
	return submit
}

// untoldLocked are members that are to be told where the subscription begins.
func (g *Group) untoldLocked() (untold []*Membership) {
	if g.at == nil {
		return nil
	}
	for _, m := range g.members {
		if !m.told {
			m.told = true
			untold = append(untold, m)
		}
	}
	return untold
}

func (g *Group) beginLocked() {
	if !g.started {
		g.started = true
		close(g.begun)
	}
}

func (g *Group) subscribe() error {
	at := make(Place, 0, len(g.spec.Topics))
	for _, topic := range g.spec.Topics {
		sub, err := g.groups.broker.Subscribe(g.ctx, topic, g)
		if err != nil {
			return fmt.Errorf("subscribe %q: %w", topic, err)
		}
		g.mu.Lock()
		ended := g.ended
		if !ended {
			g.subs = append(g.subs, sub)
		}
		g.mu.Unlock()
		if ended {
			sub.Close()
			return context.Canceled
		}
		at = append(at, sub.Position())
	}
	if g.keeps() {
		if i := slices.IndexFunc(at, pubsub.Position.IsZero); i >= 0 {
			return fmt.Errorf("topic %q is said to be kept, and the broker does not keep it: give it the same retention", g.spec.Topics[i])
		}
		g.mu.Lock()
		g.at = at
		g.mu.Unlock()
	}
	return nil
}

// isAway reports whether a failure is the broker's, and trying again later may help.
func isAway(err error) bool {
	return errors.Is(err, pubsub.ErrUnavailable) || errors.Is(err, context.Canceled) || errors.Is(err, pubsub.ErrClosed)
}

func startError(err error) *gqlerror.Error {
	code, message := "INTERNAL", "the subscription could not be started"
	if isAway(err) {
		code, message = "BROKER_UNAVAILABLE", "events cannot be received at the moment; try again later"
	}
	return &gqlerror.Error{Err: err, Message: message, Extensions: map[string]any{"code": code}}
}

// read delivers from a channel that the resolver made itself, until it is closed.
func (g *Group) read() {
	for first := true; ; first = false {
		r := g.next(g.base)
		if r == nil {
			g.end(nil)
			return
		}
		if first && r.Data == nil && len(r.Errors) > 0 { // the resolver refused to start
			g.end(r.Errors)
			return
		}
		g.groups.executions.Add(1)
		body, failed := g.encoder.encode(r)
		g.deliver(outbox.Event{Body: body, Origin: &outbox.Origin{Failed: failed}}, nil)
	}
}

// lose tells every member of events that it will not have, and so does the next result.
func (g *Group) lose(events uint64, why Loss) {
	g.untold += events
	for _, m := range g.current() {
		m.member.Lose(events, why)
	}
}

// recoverPanic ends the group when code of the application panics where gqlgen does not catch it.
func (g *Group) recoverPanic() {
	if v := recover(); v != nil {
		g.groups.options.Log.Error("a panic ended a subscription", "panic", v, "stack", string(debug.Stack()))
		g.end(gqlerror.List{{Message: "internal error", Extensions: map[string]any{"code": "INTERNAL"}}})
	}
}

// execute takes one step of the executor for an event and delivers the result. It reports false
// when the group has ended.
func (g *Group) execute(e *pubsub.Event, lost uint64) bool {
	switch {
	case e.Gap != nil:
		g.gap(e.Gap)
		return false
	case lost > 0 && g.keeps():
		g.fallBehind()
		return false
	case lost > 0:
		g.lose(lost, Overrun)
	}
	times := g.watch()
	made := g.take(e)
	switch {
	case made.body != nil:
	case made.lost == Overrun && g.ctx.Err() != nil:
		return false
	default:
		g.loseOne(e, made)
		return true
	}
	g.groups.executions.Add(1)
	origin := &outbox.Origin{At: e.Received, Written: g.written, Failed: made.failed}
	if !e.Published.IsZero() {
		origin.At = e.Published
	}
	times.lap()
	members := g.deliver(outbox.Event{Body: made.body, Key: e.Topic, Dropped: g.untold, Origin: origin}, e)
	g.untold = 0
	g.observe(&times, e, members)
	return true
}

// loseOne tells of an event that no result was made of.
func (g *Group) loseOne(e *pubsub.Event, made result) {
	if made.lost == Undecodable {
		g.groups.decodeErrors.Add(1)
		g.groups.complaints.Warn(g.groups.options.Log, "an event was lost: its payload cannot be decoded",
			"topic", e.Topic, "bytes", len(e.Payload), "error", made.err)
	} else {
		g.groups.dropped.Add(1)
	}
	g.lose(1, made.lost)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.moveLocked(e)
}

// deliver hands what was made of an event to every member, and says how many there are; of a channel of
// the resolver's own there is no event. No lock is held while it does.
func (g *Group) deliver(made outbox.Event, e *pubsub.Event) int {
	before := g.at // only who delivers writes it
	members := g.move(e)
	if g.keeps() {
		made.Origin.Cursor = g.spec.Cursor(g.at)
	}
	skipped := 0
	for _, m := range members {
		taken := true
		switch {
		case m.skip == nil && m.untold == 0: // nearly always
			taken = m.member.Next(made)
		case m.skip != nil && g.skips(m, e):
			skipped++
		default:
			taken = m.next(g.ahead(m, made))
		}
		if !taken && g.keeps() {
			g.full = append(g.full, m)
		}
	}
	g.groups.deliveries.Add(uint64(len(members) - skipped - len(g.full)))
	if len(g.full) > 0 {
		g.dismiss(before, e, made.Dropped)
	}
	return len(members)
}

// current are the members of this moment, until it is called again.
func (g *Group) current() []*Membership {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.currentLocked()
}

func (g *Group) currentLocked() []*Membership {
	if g.taken != g.version {
		clear(g.snapshot)
		g.snapshot = append(g.snapshot[:0], g.members...)
		g.taken = g.version
	}
	return g.snapshot
}

// end stops the group and tells the members why: nil errors, that the stream is complete.
func (g *Group) end(errs gqlerror.List) {
	g.groups.remove(g, true)
	errs = g.groups.options.Errors(errs)
	g.mu.Lock()
	g.why = errs
	g.mu.Unlock()
	for _, m := range g.stop() {
		m.member.End(errs)
	}
}

// stop releases everything the group holds and returns the members it had. The group is out of the
// map when it is called, so nobody joins any more. It may be called twice.
func (g *Group) stop() []*Membership {
	g.mu.Lock()
	members := g.members
	for _, m := range members {
		m.index = -1
	}
	g.ended = true
	g.beginLocked()
	g.members = nil
	g.version++
	if g.linger != nil {
		g.linger.Stop()
	}
	g.mu.Unlock()
	g.unsubscribe()
	g.cancel()
	return members
}

// unsubscribe closes the subscriptions and forgets the events that they brought.
func (g *Group) unsubscribe() {
	g.mu.Lock()
	subs := g.subs
	g.subs, g.mailbox, g.waiting = nil, nil, 0
	g.mu.Unlock()
	for _, s := range subs {
		s.Close()
	}
}

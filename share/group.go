package share

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/sluice-gateway/sluice/auth"
	"github.com/sluice-gateway/sluice/internal/outbox"
	"github.com/sluice-gateway/sluice/pubsub"
)

// burst is how many events a group may take from its mailbox before others get their turn.
const burst = 64

// A Group is one execution and its members.
//
// Its life: start (subscribe, dispatch) -> a step per event, by the pool, or a goroutine that reads
// the resolver's own channel -> stop, when the last member has been gone for the linger, or when
// the execution ends.
type Group struct {
	groups  *Groups
	spec    Spec
	field   string                    // for who observes
	written func(after time.Duration) // nil: nobody wants to know
	encoder encoder
	ctx     context.Context
	cancel  context.CancelFunc

	// Set by start before the first step, then used by whoever steps, one at a time.
	feed   *pubsub.Feed
	next   graphql.ResponseHandler
	base   context.Context
	step   clock
	untold uint64 // events that the members have lost, and the next result tells of

	// The members as of the last delivery: while the group is busy, of whoever delivers.
	snapshot []*Membership
	taken    uint64 // the version of members it was taken from

	mu      sync.Mutex // guards what follows; nothing is called with it held
	members []*Membership
	version uint64 // rises with every change of members
	subs    []pubsub.Subscription
	mailbox []*pubsub.Event
	waiting int    // bytes of payload in the mailbox
	lost    uint64 // events that the full mailbox refused since the last step
	ready   bool   // start is through: steps may be taken
	busy    bool   // submitted to the pool or stepping; always, with a channel of the resolver's own
	ended   bool
	linger  *time.Timer
}

// A Membership is one member's place in a group.
type Membership struct {
	group  *Group
	member Member
	index  int // in group.members, or -1; guarded by group.mu
}

func newGroup(g *Groups, spec Spec) *Group {
	group := &Group{groups: g, spec: spec, field: fieldOf(spec.Context), encoder: newEncoder(spec.Root, g.options)}
	if g.options.Written != nil {
		group.written = g.options.Written(group.field)
	}
	group.ctx, group.cancel = context.WithCancel(g.ctx)
	return group
}

func (g *Group) add(m Member) *Membership {
	g.mu.Lock()
	defer g.mu.Unlock()
	ms := &Membership{group: g, member: m, index: len(g.members)}
	g.members = append(g.members, ms)
	g.version++
	if g.linger != nil {
		g.linger.Stop()
		g.linger = nil
	}
	return ms
}

// Leave ends the membership. A delivery that is under way may still reach the member. The group
// of the last member stops after its linger. Leave may be called twice.
func (m *Membership) Leave() {
	g := m.group
	g.mu.Lock()
	defer g.mu.Unlock()
	if m.index < 0 {
		return
	}
	last := len(g.members) - 1
	g.members[m.index] = g.members[last]
	g.members[m.index].index = m.index
	g.members[last] = nil
	g.members = g.members[:last]
	m.index = -1
	g.version++
	if !g.busy {
		g.forgetLocked()
	}
	if last == 0 && !g.ended {
		g.linger = time.AfterFunc(g.groups.options.Linger, g.retire)
	}
}

// forgetLocked forgets the members of the last delivery: a quiet group holds nobody who has left.
func (g *Group) forgetLocked() {
	clear(g.snapshot)
	g.snapshot = g.snapshot[:0]
}

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
	ctx, feed := pubsub.WithFeed(g.ctx)
	if g.spec.Viewer != nil {
		ctx = auth.WithViewer(ctx, g.spec.Viewer)
	}
	g.feed = feed
	if err := g.subscribe(); err != nil {
		g.end(gqlerror.List{startError(err)})
		return
	}
	g.next, g.base = g.groups.exec.DispatchOperation(ctx, g.spec.Context)
	g.mu.Lock()
	g.ready = true
	submit := feed.Bound() && len(g.mailbox) > 0
	g.busy = submit || !feed.Bound()
	g.mu.Unlock()
	switch {
	case !feed.Bound():
		g.unsubscribe() // the resolver has a channel of its own, so no topic feeds it
		g.read()
	case submit:
		g.groups.pool.Submit(g)
	}
}

func (g *Group) subscribe() error {
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
	}
	return nil
}

func startError(err error) *gqlerror.Error {
	code, message := "INTERNAL", "the subscription could not be started"
	if errors.Is(err, pubsub.ErrUnavailable) || errors.Is(err, context.Canceled) || errors.Is(err, pubsub.ErrClosed) {
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
		g.deliver(outbox.Event{Body: body, Origin: &outbox.Origin{Failed: failed}})
	}
}

// Receive implements pubsub.Receiver: it puts the event into the mailbox.
func (g *Group) Receive(e *pubsub.Event) {
	g.mu.Lock()
	if g.ended || g.ready && !g.feed.Bound() {
		g.mu.Unlock()
		return
	}
	o := &g.groups.options
	if len(g.mailbox) >= o.MailboxEvents || g.waiting > 0 && g.waiting+len(e.Payload) > o.MailboxBytes {
		g.lost++ // the next step tells
		g.mu.Unlock()
		g.groups.dropped.Add(1)
		return
	}
	g.mailbox = append(g.mailbox, e)
	g.waiting += len(e.Payload)
	submit := g.ready && !g.busy
	g.busy = g.busy || submit
	g.mu.Unlock()
	if submit {
		g.groups.pool.Submit(g)
	}
}

// lose tells every member of events that it will not have, and so does the next result.
func (g *Group) lose(events uint64, why Loss) {
	g.untold += events
	for _, m := range g.current() {
		m.member.Lose(events, why)
	}
}

// Run implements work.Task: it takes a step for each event in the mailbox, a burst of them at most.
func (g *Group) Run() {
	defer g.recoverPanic()
	for steps := 0; steps < burst; {
		events, lost := g.takeMail()
		if len(events) == 0 {
			return
		}
		for i, e := range events {
			if !g.execute(e, lost) {
				return
			}
			events[i], lost = nil, 0
		}
		steps += len(events)
	}
	g.groups.pool.Submit(g)
}

// recoverPanic ends the group when code of the application panics where gqlgen does not catch it.
func (g *Group) recoverPanic() {
	if v := recover(); v != nil {
		g.groups.options.Log.Error("a panic ended a subscription", "panic", v, "stack", string(debug.Stack()))
		g.end(gqlerror.List{{Message: "internal error", Extensions: map[string]any{"code": "INTERNAL"}}})
	}
}

// takeMail empties the mailbox, up to a burst. With nothing in it, the group stops being busy.
func (g *Group) takeMail() (events []*pubsub.Event, lost uint64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.ended || len(g.mailbox) == 0 {
		g.busy = false
		if g.taken != g.version {
			g.forgetLocked()
		}
		return nil, 0
	}
	lost, g.lost = g.lost, 0
	events = g.mailbox
	if len(events) > burst {
		events = events[:burst:burst]
	}
	for _, e := range events {
		g.waiting -= len(e.Payload)
	}
	if g.mailbox = g.mailbox[len(events):]; len(g.mailbox) == 0 {
		g.mailbox = nil
	}
	return events, lost
}

// execute takes one step of the executor for an event and delivers the result. It reports false
// when the group has ended.
func (g *Group) execute(e *pubsub.Event, lost uint64) bool {
	times := g.begin()
	if lost > 0 {
		g.lose(lost, Overrun)
	}
	if err := g.feed.Push(e); err != nil {
		g.groups.decodeErrors.Add(1)
		g.groups.complaints.Warn(g.groups.options.Log, "an event was lost: its payload cannot be decoded",
			"topic", e.Topic, "bytes", len(e.Payload), "error", err)
		g.lose(1, Undecodable)
		return true
	}
	r := g.next(g.step.start(g.base, g.groups.options.StepTimeout))
	g.step.stop()
	if r == nil {
		if g.ctx.Err() != nil {
			return false
		}
		g.groups.dropped.Add(1) // the step's time was up before it began
		g.lose(1, Overrun)
		return true
	}
	g.groups.executions.Add(1)
	body, failed := g.encoder.encode(r)
	origin := &outbox.Origin{At: e.Received, Written: g.written, Failed: failed}
	if !e.Published.IsZero() {
		origin.At = e.Published
	}
	times.lap()
	members := g.deliver(outbox.Event{Body: body, Key: e.Topic, Dropped: g.untold, Origin: origin})
	g.untold = 0
	g.observe(&times, e, members)
	return true
}

// deliver hands one result to every member, and says how many there are. No lock is held while it does.
func (g *Group) deliver(e outbox.Event) int {
	members := g.current()
	for _, m := range members {
		m.member.Next(e)
	}
	g.groups.deliveries.Add(uint64(len(members)))
	return len(members)
}

// current are the members of this moment, until it is called again.
func (g *Group) current() []*Membership {
	g.mu.Lock()
	defer g.mu.Unlock()
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

package share

import (
	"context"
	"errors"
	"runtime/debug"
	"time"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/sluice-gateway/sluice/internal/outbox"
	"github.com/sluice-gateway/sluice/pubsub"
)

const (
	// turn is how many events a member is brought before the others of its replay get theirs.
	turn = 300
	// leastWait and mostWait are how long a replay waits for a broker that is away.
	leastWait, mostWait = 100 * time.Millisecond, 5 * time.Second
)

// errApart reports that the log which a member has read is not the one that its group has.
var errApart = errors.New("share: the group has another log")

// A replay brings members of one key that are behind what they have missed, each from its own place. It
// executes an event once for all of them: what it has made stays for a while.
//
// It is a goroutine, from the first member that is behind until a linger after the last one.
type replay struct {
	groups *Groups
	spec   Spec
	queue  []*Membership // guarded by the mu of behind
	wake   chan struct{} // holds a token while there is something new in the queue

	// Of the goroutine.
	execution execution
	windows   []window // by topic
	group     *Group   // that members join; held, so that it does not stop without any; or nil
	serving   *Membership
	failures  int  // of the broker, in a row
	apart     bool // the group was not where the log ends
}

func newReplay(g *Groups, spec Spec) *replay {
	return &replay{groups: g, spec: spec, wake: make(chan struct{}, 1), windows: make([]window, len(spec.Topics))}
}

func (r *replay) wakeUp() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

func (r *replay) run() {
	ctx, cancel := context.WithCancel(r.groups.ctx)
	defer cancel()
	defer r.release()
	defer r.recoverPanic()
	r.execution = r.groups.dispatch(ctx, &r.spec, r.spec.Context())
	linger := time.NewTimer(r.groups.options.Linger)
	defer linger.Stop()
	for end := false; ; {
		m, at := r.groups.behind.next(r, end)
		if m != nil {
			end = !r.serveInTurn(ctx, m, at)
			linger.Reset(r.groups.options.Linger)
		} else if end {
			return
		} else {
			select {
			case <-r.wake:
			case <-linger.C:
				end = true
			case <-ctx.Done():
				end = true
			}
		}
	}
}

// serveInTurn serves a member when few others of the node are. It reports whether to go on.
func (r *replay) serveInTurn(ctx context.Context, m *Membership, at Place) bool {
	select {
	case r.groups.replaying <- struct{}{}:
	case <-ctx.Done():
		return false
	}
	r.serving = m
	err := r.serve(ctx, m, at)
	r.serving = nil
	<-r.groups.replaying
	if err == nil {
		r.failures = 0
		return true
	}
	// The broker is away: the sessions stay, and go on when it is back.
	wait := min(leastWait<<min(r.failures, 10), mostWait)
	r.failures++
	select {
	case <-time.After(wait):
		return true
	case <-ctx.Done():
		return false
	}
}

// serve brings a member what follows its place: until its turn is over, it has no room, it has joined its
// group, or it is told its end. An error is the broker's; the member is in the queue again then.
func (r *replay) serve(ctx context.Context, m *Membership, at Place) error {
	r.apart = false
	for range turn {
		next, topic, err := r.after(ctx, at)
		var gap *pubsub.GapError
		switch {
		case errors.As(err, &gap):
			slow := r.groups.behind.slow(m)
			r.groups.behind.done(m)
			r.groups.gaps.Add(1)
			m.member.Gap(gap, slow)
			return nil
		case err != nil && !isAway(err) && ctx.Err() == nil: // the broker has no log of what is said to be kept
			r.end(m, r.groups.options.Errors(gqlerror.List{startError(err)}))
			return nil
		case err != nil:
			r.groups.behind.moved(m, at, false)
			return err
		case next != nil:
			to := at.moved(topic, next.event.Position)
			if !r.bring(m, next, topic, to) {
				r.groups.behind.moved(m, at, true)
				return nil
			}
			at, r.apart = to, false
		default:
			joined, err := r.join(ctx, m, at)
			if err != nil {
				r.groups.behind.moved(m, at, false)
				return err
			}
			if joined {
				return nil
			}
		}
	}
	r.groups.behind.moved(m, at, false)
	return nil
}

// bring hands a member what was made of an event. It reports whether there was room for it.
func (r *replay) bring(m *Membership, e *entry, topic int, at Place) bool {
	made := r.make(e, topic)
	if made.body == nil {
		m.untold++
		m.member.Lose(1, made.lost)
		return true
	}
	if e.origin == nil || len(at) > 1 { // with several topics the places differ
		e.origin = &outbox.Origin{Failed: made.failed, Replayed: true, Cursor: r.spec.Cursor(at)}
	}
	if !m.next(outbox.Event{Body: made.body, Key: e.event.Topic, Origin: e.origin}) {
		return false
	}
	r.groups.deliveries.Add(1)
	return true
}

// make executes an event, unless that was done for another member.
func (r *replay) make(e *entry, topic int) result {
	if e.made == nil {
		made := r.execution.take(e.event)
		e.made = &made
		r.windows[topic].grow(e, len(made.body))
		if made.body != nil {
			r.groups.executions.Add(1)
			r.groups.replayed.Add(1)
		}
	}
	return *e.made
}

// join makes a member at a place one of its group, if the group is not further. Then the log has more.
func (r *replay) join(ctx context.Context, m *Membership, at Place) (joined bool, err error) {
	if r.group == nil {
		r.group = r.groups.hold(r.spec.Key, func() Spec { return r.spec }, nil)
	}
	if r.group == nil {
		return false, ErrClosed
	}
	select {
	case <-r.group.begun:
	case <-ctx.Done():
		return false, ctx.Err()
	}
	if r.groups.behind.join(m, at, r.group) {
		return true, nil
	}
	for i := range r.windows { // what the group has had may have come since
		r.windows[i].ended = false
	}
	if !r.group.over() {
		if r.apart { // the log had no more after the group was found further
			return false, errApart
		}
		r.apart = true
		return false, nil
	}
	errs, err := r.group.fate()
	r.release()
	if errs != nil && err == nil {
		r.end(m, errs)
		return true, nil
	}
	return false, err
}

func (r *replay) end(m *Membership, errs gqlerror.List) {
	r.groups.behind.done(m)
	m.member.End(errs)
}

// release lets the group go.
func (r *replay) release() {
	if r.group != nil {
		r.group.letGo()
		r.group = nil
	}
}

// recoverPanic ends the members when code of the application panics where gqlgen does not catch it.
func (r *replay) recoverPanic() {
	v := recover()
	if v == nil {
		return
	}
	r.groups.options.Log.Error("a panic ended what subscriptions had missed", "panic", v, "stack", string(debug.Stack()))
	errs := r.groups.options.Errors(gqlerror.List{{Message: "internal error", Extensions: map[string]any{"code": "INTERNAL"}}})
	if r.serving != nil {
		<-r.groups.replaying
		r.end(r.serving, errs)
	}
	for {
		m, _ := r.groups.behind.next(r, true)
		if m == nil {
			return
		}
		r.end(m, errs)
	}
}

package operation

import (
	"encoding/json"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluice-gateway/sluice/analytics"
	"github.com/sluice-gateway/sluice/internal/outbox"
	"github.com/sluice-gateway/sluice/limits"
	"github.com/sluice-gateway/sluice/policy"
)

// A meter stands between a subscription's group and its sink, where the subscription has a budget or
// wants to see it: it lets events pass that the budget has room for. An event that must wait, for its
// turn at a rate or for the node's next lease, is held here, and nothing overtakes it.
//
// next is called by one goroutine at a time, as Operation.Next is. What was held is passed on by pump,
// by whoever wakes the meter, one at a time too, and next passes nothing on meanwhile.
type meter struct {
	// What next reads stands together, as in Operation.
	op      *Operation
	purse   atomic.Pointer[purse]
	pace    atomic.Pointer[limits.Pace] // nil: none; used by next, or by pump while holding
	holding atomic.Bool                 // something is held, or is being passed on
	tells   bool                        // the client wants to know, with every event
	prepaid bool                        // the first event was taken when the operation began
	first   purse                       // the one there is until the budget changes

	roots   []policy.RootField
	address netip.Addr
	began   time.Time

	mu       sync.Mutex // guards what follows; nothing is called with it held but accounts
	budgets  []Budget
	paced    bool           // the first of held has passed the pace
	awaits   analytics.Drop // for what that waits, or has waited a moment ago: DropRate or DropLease
	held     held
	wakeUp   *time.Timer // of the pace
	lifetime *time.Timer // of the duration
	closed   bool
	wanted   bool // room: an event was refused for want of it
	way      way
}

// next passes an event on, or holds it. It reports false when there is no room for it and the operation can
// have it later. It comes by pointer because every copy of an event costs as much
// as taking it does. What the purse does not give at once is for pump to decide, with the lock held: the
// purse may be closed by now, for there is another one.
func (m *meter) next(e *outbox.Event) bool {
	if m.prepaid {
		m.prepaid = false
		return m.deliver(e, m.purse.Load())
	}
	pace := m.pace.Load()
	paced := !m.holding.Load() && (pace == nil || pace.Pass(m.op.engine.clock()))
	if paced {
		p := m.purse.Load()
		if verdict, _ := p.take(); verdict == limits.Taken {
			return m.deliver(e, p)
		}
	}
	if m.full(e) {
		return false
	}
	first, lost := m.hold(e, paced)
	if lost > 0 {
		m.noteLosses(lost)
	}
	if first {
		m.pump()
	}
	return true
}

// full reports whether an event must wait in its topic's log: what somebody has missed is not lost to a
// rate, and nothing to a client that reads slowly.
func (m *meter) full(e *outbox.Event) bool {
	if !m.op.catchesUp() {
		return false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	replayed := e.Origin != nil && e.Origin.Replayed
	m.wanted = !m.closed && (replayed || m.way != open) && m.held.fullFor(e, m.op.most)
	return m.wanted
}

// A way is that of held events to the sink.
type way uint8

const (
	open    way = iota
	tried       // an event is being offered
	cleared     // the same, and there is room by now, should there have been none
	blocked     // an event found no room, and is held again
)

// offered notes what became of an event that was held: one that found no room stands before the others
// again. It reports whether to go on.
func (m *meter) offered(e outbox.Event, taken bool) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	was := m.way
	m.way = open
	if taken {
		return true
	}
	m.held.putBack(e)
	m.paced = true
	if was != cleared {
		m.way = blocked
	}
	return was == cleared
}

// unblock goes on with what is held, where that waits for room. It reports false where it does not.
func (m *meter) unblock() bool {
	m.mu.Lock()
	was := m.way
	switch was {
	case tried:
		m.way = cleared
	case blocked:
		m.way = open
	}
	m.mu.Unlock()
	if was == blocked {
		m.pump()
	}
	return was != open
}

// tellRoom has the operation go on for which there was none in here, once all is passed on.
func (m *meter) tellRoom() {
	m.mu.Lock()
	wanted := m.wanted && m.held.empty()
	m.wanted = m.wanted && !wanted
	m.mu.Unlock()
	if wanted {
		m.op.hasRoom()
	}
}

// noteLosses counts and logs events that were held for too long: for the pace, or for a lease.
func (m *meter) noteLosses(lost uint64) {
	m.mu.Lock()
	why := m.awaits
	m.mu.Unlock()
	root := m.roots[0].Selection
	if m.op.counts {
		m.op.record.Drop(lost, why)
	}
	m.op.engine.reached.Note(budgetLimit(root.ObjectDefinition.Name+"."+root.Name, why.String()), int(lost))
}

// hold keeps an event, which has passed the pace or not. It reports whether it is the first one, and how
// many events that has cost.
func (m *meter) hold(e *outbox.Event, paced bool) (first bool, lost uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return false, 0
	}
	before := m.held.lost
	m.held.add(*e, m.op.overflow, m.op.most)
	m.paced = m.paced || paced
	return !m.holding.Swap(true), m.held.lost - before
}

// deliver hands over an event that was taken from a purse. It reports false, and gives it back, when there
// is no room for it and the operation can have it later.
func (m *meter) deliver(e *outbox.Event, p *purse) bool {
	if m.tells {
		e.Extensions = tell(p, m.op.Dropped()+e.Dropped)
	}
	if !m.op.offer(e) {
		p.give(1)
		return false
	}
	return true
}

// pump passes on what is held, until it must wait again or nothing is left, or ends the operation. It is
// called by whoever held the first event, or is woken.
func (m *meter) pump() {
	for {
		e, p, verdict, of := m.pull()
		switch {
		case p == nil:
			m.tellRoom()
			return
		case verdict == limits.Taken:
			if !m.offered(e, m.deliver(&e, p)) {
				return
			}
		case verdict == limits.Pending:
			of.Wait(m)
			return
		default:
			m.op.Fail(m.op.engine.overBudget(of, verdict))
		}
	}
}

// pull takes the next event that is held, if it may leave by now. Without a purse there is nothing to
// do but wait for the pace, or nothing at all.
func (m *meter) pull() (e outbox.Event, p *purse, verdict limits.Verdict, of *account) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed || m.held.empty() {
		m.holding.Store(false)
		return e, nil, verdict, nil
	}
	if m.way != open {
		return e, nil, verdict, nil
	}
	if pace := m.pace.Load(); pace != nil && !m.paced {
		now := m.op.engine.clock()
		if !pace.Pass(now) {
			m.awaits = analytics.DropRate
			m.wakeLocked(pace.Wait(now))
			return e, nil, verdict, nil
		}
		m.paced = true
	}
	p = m.purse.Load()
	verdict, of = p.take()
	if verdict == limits.Pending {
		m.awaits = analytics.DropLease
		return e, p, verdict, of
	}
	m.paced = false
	if verdict == limits.Taken {
		m.way = tried
	}
	return m.held.take(), p, verdict, of
}

func (m *meter) wakeLocked(wait time.Duration) {
	if m.wakeUp == nil {
		m.wakeUp = time.AfterFunc(wait, m.pump)
		return
	}
	m.wakeUp.Reset(wait)
}

// Resume implements limits.Waiter.
func (m *meter) Resume() { m.pump() }

// give gives events back that were taken and will not be delivered.
func (m *meter) give(n int) { m.purse.Load().give(n) }

// reprice has the meter go by the plans of this moment.
func (m *meter) reprice() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return
	}
	now := m.op.engine.budgetsOf(m.roots, m.op.Viewer(), m.address)
	same := func(a, b Budget) bool { return a.Limits.Equal(b.Limits) && a.plan.Postpaid == b.plan.Postpaid }
	if !slices.EqualFunc(now, m.budgets, same) {
		m.applyLocked(now)
	}
}

// applyLocked makes budgets the meter's. The new accounts are opened before the old ones are closed,
// so that a key that both have keeps its leases.
func (m *meter) applyLocked(budgets []Budget) {
	m.budgets = budgets
	before, now := m.purse.Load(), &m.first
	if before != nil {
		now = new(purse)
	}
	now.open(m.op.engine.book, budgets...)
	m.purse.Store(now)
	if before != nil {
		before.close()
	}
	m.pace.Store(nil)
	if m.lifetime != nil {
		m.lifetime.Stop()
		m.lifetime = nil
	}
	for _, b := range budgets { // only a subscription, which has one, is bounded so
		if r := b.Limits.Rate; r > 0 {
			m.pace.Store(limits.NewPace(r))
		}
		if d := b.Limits.Duration; d > 0 {
			m.lifetime = time.AfterFunc(time.Until(m.began.Add(d)), func() { m.op.Fail(overTime(b.Field, d)) })
		}
	}
}

// close ends the meter. What it holds is forgotten: it was taken from no quota.
func (m *meter) close() {
	m.op.engine.meters.remove(m)
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return
	}
	m.closed = true
	for _, timer := range []*time.Timer{m.wakeUp, m.lifetime} {
		if timer != nil {
			timer.Stop()
		}
	}
	m.purse.Load().close()
	m.held = held{}
}

// tell says what is left, for the extensions of a result: of the quota of which least is left.
func tell(p *purse, dropped uint64) []byte {
	type budget struct {
		Limit     any        `json:"limit"` // null: unlimited
		Remaining any        `json:"remaining"`
		ResetAt   *time.Time `json:"resetAt"`
		Dropped   uint64     `json:"dropped"`
	}
	said := budget{Dropped: dropped}
	least := limits.Unlimited
	for i := range p.accounts {
		if s := p.accounts[i].State(); s.Remaining < least {
			least = s.Remaining
			said.Limit, said.Remaining = s.Limit, s.Remaining
			if !s.ResetAt.IsZero() {
				at := s.ResetAt.UTC()
				said.ResetAt = &at
			}
		}
	}
	text, _ := json.Marshal(said) // plain data
	return append([]byte(`"budget":`), text...)
}

// meters are those of the operations that run.
type meters struct {
	mu  sync.Mutex // guards all
	all map[*meter]struct{}
}

func (ms *meters) add(m *meter) {
	ms.mu.Lock()
	defer ms.mu.Unlock()
	if ms.all == nil {
		ms.all = make(map[*meter]struct{})
	}
	ms.all[m] = struct{}{}
}

func (ms *meters) remove(m *meter) {
	ms.mu.Lock()
	defer ms.mu.Unlock()
	delete(ms.all, m)
}

// each calls f for every meter there is now.
func (ms *meters) each(f func(*meter)) {
	ms.mu.Lock()
	all := make([]*meter, 0, len(ms.all))
	for m := range ms.all {
		all = append(all, m)
	}
	ms.mu.Unlock()
	for _, m := range all {
		f(m)
	}
}

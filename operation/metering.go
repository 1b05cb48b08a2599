package operation

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/sluice-gateway/sluice/analytics"
	"github.com/sluice-gateway/sluice/limits"
	"github.com/sluice-gateway/sluice/policy"
)

// probePatience is how long a subscription waits at its start to learn whether its budget has
// anything left. An event waits as long as it takes.
const probePatience = time.Second

// openMeter gives a subscription its meter, where it has a budget, or may get one by a change of plans,
// or its client wants to see it. It returns why the subscription must not start.
func (op *Operation) openMeter(ctx context.Context, p *prepared) gqlerror.List {
	e := op.engine
	budgeted := func(root policy.RootField) bool { return !root.Policy.Budget.None() }
	if !op.tells && len(e.plans.Load().All()) == 0 && !slices.ContainsFunc(p.policy.Fields, budgeted) {
		return nil
	}
	m := &meter{op: op, roots: p.policy.Fields, address: op.address, tells: op.tells, began: time.Now(), awaits: analytics.DropLease}
	m.mu.Lock()
	m.applyLocked(e.budgetsOf(m.roots, op.Viewer(), op.address))
	m.mu.Unlock()
	e.meters.add(m)
	op.mu.Lock()
	op.meter = m
	op.mu.Unlock()

	ctx, cancel := context.WithTimeout(ctx, probePatience)
	defer cancel()
	purse := m.purse.Load()
	errs := e.takeOne(ctx, purse)
	switch {
	case errs != nil || op.ended.Load(): // stopped meanwhile
		m.close()
	case op.live != nil: // its first run is nothing that a client can have for nothing
		m.prepaid = true
	default:
		purse.give(1)
	}
	return errs
}

// closeMeter ends what the operation consumes. It may be called twice.
func (op *Operation) closeMeter() {
	op.mu.Lock()
	m := op.meter
	op.mu.Unlock()
	if m != nil {
		m.close()
	}
}

// charge takes one request from the budget of each root field of a query or mutation. It returns why
// it must not run.
func (op *Operation) charge(ctx context.Context, p *prepared) gqlerror.List {
	e := op.engine
	var taken []*purse
	for _, b := range e.budgetsOf(p.policy.Fields, op.Viewer(), op.address) {
		if len(b.Limits.Quotas) == 0 {
			continue
		}
		ctx, cancel := context.WithTimeout(ctx, probePatience)
		purse := e.standing.open(e, b)
		errs := e.takeOne(ctx, purse)
		cancel()
		if errs != nil {
			for _, other := range taken {
				other.give(1)
			}
			return errs
		}
		taken = append(taken, purse)
	}
	return nil
}

const (
	// standFor is how long an account stands open after a request: the next one finds its lease.
	standFor = 30 * time.Second
	// maxStanding is how many stand open at most; then the oldest give way.
	maxStanding = 4096
)

// standing are accounts that requests spend, which come and go too quickly to open them each time.
type standing struct {
	mu    sync.Mutex // guards what follows
	all   map[string]*stand
	swept time.Time
}

type stand struct {
	purse
	budget limits.Budget
	used   time.Time
}

// open returns the purse of a budget, which stays the standing's.
func (s *standing) open(e *Engine, b Budget) *purse {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if s.all == nil {
		s.all = make(map[string]*stand)
	}
	key := b.Field + "/" + b.whose
	if found := s.all[key]; found != nil && found.budget.Equal(b.Limits) {
		found.used = now
		return &found.purse
	}
	s.sweepLocked(now)
	made := &stand{budget: b.Limits, used: now}
	made.open(e.book, b)
	if before := s.all[key]; before != nil {
		before.close()
	}
	s.all[key] = made
	return &made.purse
}

// sweepLocked closes what nobody has used for a while.
func (s *standing) sweepLocked(now time.Time) {
	full := len(s.all) >= maxStanding
	if !full && now.Sub(s.swept) < standFor/3 {
		return
	}
	s.swept = now
	for key, stand := range s.all {
		if idle := now.Sub(stand.used); idle > standFor || full && idle > standFor/10 {
			stand.close()
			delete(s.all, key)
		}
	}
	for key, stand := range s.all { // whichever: all of them were used a moment ago
		if len(s.all) < maxStanding {
			return
		}
		stand.close()
		delete(s.all, key)
	}
}

func (s *standing) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, stand := range s.all {
		stand.close()
	}
	s.all = nil
}

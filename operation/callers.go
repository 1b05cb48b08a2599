package operation

import (
	"cmp"
	"context"
	"errors"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/sluice-gateway/sluice/auth"
	"github.com/sluice-gateway/sluice/limits"
)

// CallerLimits bound what one caller may do at a time, and how often. The zero value works. Sessions
// and operations are counted per viewer: an end user, or a consumer that acts for itself; anonymous
// callers by their address alone. Where a consumer's plan says how many it may have, they are counted
// per consumer. Those counts are of this node.
type CallerLimits struct {
	// Sessions of one viewer at a time; default 100.
	Sessions int
	// Operations of one viewer at a time, of every kind; default 10,000: what its sessions may hold.
	Operations int
	// Requests of one viewer: operations that it sends by whatever transport; default 1,000 a second
	// and a burst of 2,000.
	Requests limits.Rate
	// AddressRequests are those from one address; default 1,000 a second and a burst of 2,000: many
	// viewers may be behind one.
	AddressRequests limits.Rate
	// Shared keeps the rates of requests for all nodes; default: each counts for itself.
	Shared limits.SharedBuckets
	// Uncounted are networks that no limit per address holds for; nil: loopback, where proxies and
	// tools of the same machine are.
	Uncounted []netip.Prefix
}

// Loopback is where a machine talks to itself.
var Loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}

func (l CallerLimits) withDefaults() CallerLimits {
	l.Sessions = cmp.Or(l.Sessions, 100)
	l.Operations = cmp.Or(l.Operations, 10_000)
	l.Requests = cmp.Or(l.Requests, limits.Rate{PerSecond: 1000, Burst: 2000})
	l.AddressRequests = cmp.Or(l.AddressRequests, limits.Rate{PerSecond: 1000, Burst: 2000})
	if l.Uncounted == nil {
		l.Uncounted = Loopback
	}
	return l
}

// callers are what the limits of callers need to be kept.
type callers struct {
	limits     CallerLimits
	operations limits.Seats[string]
	viewers    *limits.Throttle
	addresses  *limits.Throttle
}

func newCallers(o Options) (*callers, error) {
	if err := errors.Join(o.Callers.Requests.Check(), o.Callers.AddressRequests.Check()); err != nil {
		return nil, err
	}
	throttle := func(name string, r limits.Rate) *limits.Throttle {
		return limits.NewThrottle(r, o.Callers.Shared, limits.ThrottleOptions{Name: name, Log: o.Log})
	}
	return &callers{
		limits:    o.Callers,
		viewers:   throttle("viewer", o.Callers.Requests),
		addresses: throttle("address", o.Callers.AddressRequests),
	}, nil
}

// A Cap is how many of something one caller may have at a time.
type Cap struct {
	Limit string // its name
	Whose string // those of the same caller are counted together
	Most  int    // math.MaxInt: any number
}

// SessionCap is how many sessions whoever opens one may have.
func (e *Engine) SessionCap(v *auth.Viewer, address netip.Addr) Cap {
	return e.cap(v, address, "sessions", e.callers.limits.Sessions, func(p *limits.Plan) int { return p.Sessions })
}

func (e *Engine) cap(v *auth.Viewer, address netip.Addr, what string, most int, planned func(*limits.Plan) int) Cap {
	plan := e.planOf(v)
	switch n := planned(plan); {
	case n > 0:
		return Cap{Limit: what + " of plan " + plan.Name, Whose: e.consumer(v, address), Most: n}
	case v.IsAnonymous():
		return Cap{Most: math.MaxInt}
	}
	return Cap{Limit: "max-" + what + "-per-viewer", Whose: e.caller(v), Most: most}
}

// Counted reports whether the limits per address hold for one.
func (e *Engine) Counted(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	holds := func(network netip.Prefix) bool { return network.Contains(a) }
	return a.IsValid() && !slices.ContainsFunc(e.callers.limits.Uncounted, holds)
}

// caller names a viewer who is not anonymous, the same on every node, and unlike any consumer.
func (e *Engine) caller(v *auth.Viewer) string {
	return "@" + strconv.Itoa(len(v.Issuer)) + ":" + v.Issuer + strconv.Itoa(len(v.Consumer)) + ":" + v.Consumer + v.Subject
}

// slow says why a caller may not send a request now.
func (e *Engine) slow(ctx context.Context, req Request) gqlerror.List {
	c := e.callers
	if !req.Viewer.IsAnonymous() && !c.limits.Requests.IsUnlimited() {
		if wait := c.viewers.Take(ctx, e.caller(req.Viewer)); wait > 0 {
			return TooFast("request-rate-per-viewer", "you send more than %v requests a second", c.limits.Requests.PerSecond, wait)
		}
	}
	if !c.limits.AddressRequests.IsUnlimited() && e.Counted(req.Address) {
		if wait := c.addresses.Take(ctx, e.consumer(auth.Anonymous, req.Address)); wait > 0 {
			return TooFast("request-rate-per-address", "more than %v requests a second come from your address", c.limits.AddressRequests.PerSecond, wait)
		}
	}
	return nil
}

// TooFast refuses what comes too often, until a wait is over. The message has a place for the rate.
func TooFast(limit, message string, perSecond float64, wait time.Duration) gqlerror.List {
	err := overLimit(limit, CodeRateLimited, message+"; slow down", perSecond)
	err.Extensions["retryAfterMs"] = int64((wait + time.Millisecond - 1) / time.Millisecond)
	return gqlerror.List{err}
}

// sit gives an operation that begins its place among those of its caller. It returns why there is none.
func (op *Operation) sit() gqlerror.List {
	e := op.engine
	most := e.cap(op.Viewer(), op.address, "operations", e.callers.limits.Operations, func(p *limits.Plan) int { return p.Operations })
	if most.Most == math.MaxInt {
		return nil
	}
	op.mu.Lock()
	defer op.mu.Unlock()
	if op.ended.Load() { // nobody would leave the place
		return nil
	}
	if !e.callers.operations.Take(most.Whose, most.Most) {
		return gqlerror.List{overLimit(most.Limit, CodeSubscriptionCap, "you run %d operations, your limit; complete one first", most.Most)}
	}
	op.seat = most.Whose
	return nil
}

// leave gives the place up. It may be called twice.
func (op *Operation) leave() {
	op.mu.Lock()
	seat := op.seat
	op.seat = ""
	op.mu.Unlock()
	if seat != "" {
		op.engine.callers.operations.Leave(seat)
	}
}

package transport

import (
	"cmp"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"time"

	"github.com/sluice-gateway/sluice/auth"
	"github.com/sluice-gateway/sluice/limits"
	"github.com/sluice-gateway/sluice/operation"
)

// SessionLimits bound the sessions of a node, of all transports together: how many there are at a time,
// and how fast new ones come. The zero value works; math.MaxInt is any number of sessions, and
// limits.UnlimitedRate any rate. How many one viewer may have, and for which addresses the limits per
// address do not hold, stands in operation.CallerLimits. Of IPv6, all addresses of a /64 count as one:
// a subscriber has them all.
type SessionLimits struct {
	// Sessions of the node at a time; default DefaultSessions. A process that has no file left cannot
	// accept a connection, not even to refuse it, and tries again without a pause.
	Sessions int
	// PerAddress is how many of them one address may have; default 200.
	PerAddress int
	// Rate is that of new sessions on the node; default 2,000 a second and a burst of 10,000: when
	// another node has failed, its clients all come at once.
	Rate limits.Rate
	// AddressRate is that of new sessions from one address; default 20 a second and a burst of 40.
	AddressRate limits.Rate
}

func (l SessionLimits) withDefaults() SessionLimits {
	l.Sessions = cmp.Or(l.Sessions, DefaultSessions())
	l.PerAddress = cmp.Or(l.PerAddress, 200)
	l.Rate = cmp.Or(l.Rate, limits.Rate{PerSecond: 2000, Burst: 10_000})
	l.AddressRate = cmp.Or(l.AddressRate, limits.Rate{PerSecond: 20, Burst: 40})
	return l
}

// rememberedAddresses is of how many addresses a node knows how fast their sessions come; of more it
// forgets those that came first.
const rememberedAddresses = 1 << 16

// spread is the time within which those come back who were refused together; at a rate so low that the
// next place takes half of it to be free, or longer, they do within the half of it after that.
const spread = 5 * time.Second

// An admission is what SessionLimits need to be kept.
type admission struct {
	limits       SessionLimits
	began        time.Time
	node         limits.Seats[struct{}]
	addresses    limits.Seats[netip.Addr]
	viewers      limits.Seats[string]
	rate         limits.Bucket
	addressRates *limits.Buckets
}

func newAdmission(l SessionLimits) admission {
	l = l.withDefaults()
	return admission{limits: l, began: time.Now(), addressRates: limits.NewBuckets(l.AddressRate, rememberedAddresses)}
}

// Enter gives a new session its place on the node and among those of its client's address, or refuses it.
// An invalid address has no limits of its own. What is refused is noted. The place is held until Leave.
func (s *Sessions) Enter(address netip.Addr) (*Place, *Refusal) {
	p := &Place{sessions: s}
	if refusal := s.enter(p, address); refusal != nil {
		p.Leave()
		return nil, refusal
	}
	return p, nil
}

// Admit is Enter and Claim, for a session whose viewer is known when it begins.
func (s *Sessions) Admit(v *auth.Viewer, address netip.Addr) (*Place, *Refusal) {
	p, refusal := s.Enter(address)
	if refusal != nil {
		return nil, refusal
	}
	if refusal := p.Claim(v, address); refusal != nil {
		p.Leave()
		return nil, refusal
	}
	return p, nil
}

// enter takes what a place holds. The node's rate comes last: nobody who is refused for his own sake uses
// up what is meant for all.
func (s *Sessions) enter(p *Place, address netip.Addr) *Refusal {
	a, most := &s.admission, &s.admission.limits
	now := time.Since(a.began)
	if p.entered = a.node.Take(struct{}{}, most.Sessions); !p.entered {
		return s.full(http.StatusServiceUnavailable, "max-sessions", "this server has %d sessions, its limit; try again", most.Sessions)
	}
	if s.engine.Counted(address) {
		network := operation.Network(address)
		if !a.addresses.Take(network, most.PerAddress) {
			return s.full(http.StatusTooManyRequests, "max-sessions-per-address",
				"your address has %d sessions, its limit; close one first", most.PerAddress)
		}
		p.network = network
		if wait := a.addressRates.Take(string(network.AsSlice()), now); wait > 0 {
			return s.hurried(http.StatusTooManyRequests, "session-rate-per-address",
				"more than %v sessions a second are opened from your address", most.AddressRate, wait)
		}
	}
	if !a.rate.Take(most.Rate, now) {
		wait := a.rate.Wait(most.Rate, now)
		wait += rand.N(max(spread-wait, spread/2))
		return s.hurried(http.StatusServiceUnavailable, "session-rate",
			"more than %v sessions a second are opened on this server", most.Rate, wait)
	}
	return nil
}

// full refuses one session too many.
func (s *Sessions) full(status int, limit, format string, args ...any) *Refusal {
	s.engine.Refusals().Note(limit, 1)
	return Refuse(status, operation.CodeSessionCap, format, args...)
}

// hurried refuses a session that comes too soon.
func (s *Sessions) hurried(status int, limit, message string, r limits.Rate, wait time.Duration) *Refusal {
	s.engine.Refusals().Note(limit, 1)
	return &Refusal{Status: status, Errors: operation.TooFast(limit, message, r.PerSecond, wait)}
}

package transport

import (
	"math"
	"net/http"
	"net/netip"
	"sync"

	"github.com/sluice-gateway/sluice/auth"
	"github.com/sluice-gateway/sluice/operation"
)

// A Place is what one session takes of the limits of sessions, from Enter to Leave. It is safe for
// concurrent use.
type Place struct {
	sessions *Sessions

	mu      sync.Mutex // guards what follows, and is held while seats are taken or left
	entered bool       // it has a seat of the node
	network netip.Addr // whose seat it has; invalid: nobody's
	whose   string     // the same of its viewer; empty: nobody's
}

// Claim counts the session among those of its viewer, who may have so many and no more. Only the first
// viewer of a place is counted: one who changes keeps it. A place that is refused stays what it was,
// until Leave.
func (p *Place) Claim(v *auth.Viewer, address netip.Addr) *Refusal {
	s := p.sessions
	most := s.engine.SessionCap(v, address)
	if most.Most == math.MaxInt || p.claim(most) {
		return nil
	}
	s.engine.Refusals().Note(most.Limit, 1, "consumer", v.Consumer)
	return Refuse(http.StatusTooManyRequests, operation.CodeSessionCap, "you have %d sessions, your limit; close one first", most.Most)
}

func (p *Place) claim(most operation.Cap) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.entered || p.whose != "" {
		return true // two seats would be one too many to give back
	}
	if !p.sessions.admission.viewers.Take(most.Whose, most.Most) {
		return false
	}
	p.whose = most.Whose
	return true
}

// Leave gives everything back. It may be called twice.
func (p *Place) Leave() {
	a := &p.sessions.admission
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.entered {
		a.node.Leave(struct{}{})
	}
	if p.network.IsValid() {
		a.addresses.Leave(p.network)
	}
	if p.whose != "" {
		a.viewers.Leave(p.whose)
	}
	p.entered, p.network, p.whose = false, netip.Addr{}, ""
}

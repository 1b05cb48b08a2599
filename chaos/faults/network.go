package faults

import (
	"time"

	"github.com/sluice-gateway/sluice/chaos/proxy"
)

// lagBehind keeps from the replica what the master says.
func (h *Harm) lagBehind() { h.lag.Set(proxy.Down, proxy.Fault{Hold: true}) }

// sendAway keeps from the clients of one node what it says, until the function that it returns has them come
// back. Where they stand then is older than what Redis has lost meanwhile.
func (h *Harm) sendAway() (comeBack func()) {
	p := h.anyGateway().front
	p.Set(proxy.Down, proxy.Fault{Hold: true})
	h.hold(0, 300*time.Millisecond)
	return func() {
		p.Cut()
		p.Heal()
	}
}

// harmFront harms the connections between clients and one node.
func (h *Harm) harmFront() error { return h.harm(h.anyGateway().front) }

// harmBack harms the connections between one node and Redis.
func (h *Harm) harmBack() error { return h.harm(h.anyGateway().back) }

func (h *Harm) harm(p *proxy.Proxy) error {
	defer p.Heal()
	way := proxy.Direction(h.IntN(2))
	switch h.IntN(7) {
	case 0:
		p.Cut()
	case 1:
		p.Reset()
	case 2:
		h.keep(p, way, proxy.Fault{Hold: true})
		p.Cut()
	case 3:
		h.keep(p, way, proxy.Fault{Hold: true}) // and all of it arrives late
	case 4:
		h.keep(p, way, proxy.Fault{Rate: 1 << 10})
	case 5:
		h.keep(p, way, proxy.Fault{Latency: 500 * time.Millisecond})
	case 6:
		h.keep(p, way, proxy.Fault{CutAfter: 1 + h.IntN(2000)})
	}
	return nil
}

func (h *Harm) keep(p *proxy.Proxy, d proxy.Direction, f proxy.Fault) {
	p.Set(d, f)
	h.hold(500*time.Millisecond, 5*time.Second)
}

package faults

import (
	"context"
	"math/rand/v2"
	"time"
)

// A Fault is one way to harm a site.
type Fault struct {
	Name string
	// Do harms, holds on for a while, and heals. It returns when everything runs that ran before; what
	// has to recover may still do so. An error says that it could not be done.
	Do func(*Harm) error
}

// A Harm is one fault as it is done.
type Harm struct {
	context.Context // ends waiting early
	*rand.Rand
	*Site
	Published func() int            // how many events are acknowledged so far
	Told      func(code string) int // how often clients were told of an error so far
	Provoke   func(events int)      // has resolvers panic by the next events
}

// All are the faults, by what they are called in flags and tables.
var All = []Fault{
	{"redis-kill", (*Harm).killRedis},
	{"redis-stop", (*Harm).stopRedis},
	{"redis-failover", (*Harm).failOver},
	{"redis-rollback", (*Harm).rollBack},
	{"pubsub-kill", (*Harm).killPubSub},
	{"output-buffer", (*Harm).overflowPubSub},
	{"gateway-kill", (*Harm).killGateway},
	{"gateway-stop", (*Harm).stopGateway},
	{"descriptors", (*Harm).takeDescriptors},
	{"net-clients", (*Harm).harmFront},
	{"net-redis", (*Harm).harmBack},
	{"panics", (*Harm).panicResolvers},
	{"clock", (*Harm).setClock},
}

// hold waits between two durations, or until the run is over.
func (h *Harm) hold(from, to time.Duration) {
	select {
	case <-h.Done():
	case <-time.After(from + time.Duration(h.Int64N(int64(to-from)))):
	}
}

// progress waits until more events are acknowledged, so that a fault has something to harm.
func (h *Harm) progress(events int) {
	due := h.Published() + events
	_ = poll(10*time.Second, func() error { // without progress the fault harms less
		if h.Published() < due && h.Err() == nil {
			return errLate
		}
		return nil
	})
}

func (h *Harm) anyGateway() *gateway { return h.gateways[h.IntN(len(h.gateways))] }

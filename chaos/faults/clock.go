package faults

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"time"
)

// jumps are how far the clock of a node is set forward, or back.
var jumps = []time.Duration{
	5 * time.Second, -5 * time.Second, 30 * time.Second, -30 * time.Second,
	time.Hour, -time.Hour, 48 * time.Hour, -48 * time.Hour,
}

// setClock has the wall clock of a node jump, and jump back later. Some times the node is killed in between, and
// begins with a clock that is wrong.
func (h *Harm) setClock() error {
	g := h.anyGateway()
	by := jumps[h.IntN(len(jumps))]
	if err := g.setClock(by); err != nil {
		return err
	}
	h.hold(500*time.Millisecond, 4*time.Second)
	if h.IntN(3) == 0 {
		g.kill()
		if err := g.start(); err != nil {
			return err
		}
		if err := g.awaitClock(by); err != nil {
			return err
		}
		h.hold(500*time.Millisecond, 2*time.Second)
	}
	return g.setClock(0)
}

// setClock returns when the clock of the node is ahead by so much.
func (g *gateway) setClock(by time.Duration) error {
	// A file is renamed: nobody reads half of a number.
	draft := fmt.Sprintf("%s.%d", g.clock, rand.Uint32())
	if err := os.WriteFile(draft, fmt.Appendf(nil, "%d", int(by.Seconds())), 0o600); err != nil {
		return err
	}
	if err := os.Rename(draft, g.clock); err != nil {
		return err
	}
	return g.awaitClock(by)
}

// awaitClock waits until a node tells the time that it should believe in.
func (g *gateway) awaitClock(by time.Duration) error {
	return poll(5*time.Second, func() error {
		answer, err := client.Get("http://" + g.operator + "/healthz")
		if err != nil {
			return err
		}
		_ = answer.Body.Close()
		told, err := http.ParseTime(answer.Header.Get("Date"))
		if err == nil && (time.Until(told)-by).Abs() > 2*time.Second {
			err = fmt.Errorf("the clock of %s is ahead by %v, not %v", g.name, time.Until(told).Round(time.Second), by)
		}
		return err
	})
}

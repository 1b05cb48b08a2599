package gateway

import (
	"maps"
	"slices"

	"github.com/sluice-gateway/sluice/analytics/prom"
	"github.com/sluice-gateway/sluice/gateway/fleet"
)

// state is what this node tells of itself.
func (g *Gateway) state() fleet.State {
	s, kinds := g.engine.Stats(), make(map[string]int)
	for class, c := range g.options.Operation.Recorder.Classes() {
		if n := c.Running(); n > 0 {
			kinds[class.Kind] += int(n)
		}
	}
	version, _ := prom.Version()
	return fleet.State{
		Version:    version,
		Draining:   g.draining.Load(),
		Sessions:   g.sessions.Open(),
		Operations: kinds,
		Groups:     s.Groups,
		Members:    s.Members,
		Live:       g.engine.LiveStats().Groups,
		Executions: s.Executions,
		Deliveries: s.Deliveries,
		Backends:   g.backends(),
	}
}

// backends are how the services behind this node are: those that it checks, and those that it calls.
func (g *Gateway) backends() []fleet.BackendState {
	broker := g.broker.Health()
	all := map[string]*fleet.BackendState{
		"broker": {Name: "broker", Up: broker.Up, Since: broker.Since.UTC(), Reason: broker.Reason, Reconnects: broker.Reconnects},
	}
	for name := range g.options.Checks {
		if c, known := g.probe.state(name); known {
			all[name] = &fleet.BackendState{Name: name, Up: c.OK, Since: c.Since, Reason: c.Reason}
		}
	}
	for _, call := range g.options.Backends.Calls() {
		if b := all[call.Backend]; b != nil {
			b.Calls = append(b.Calls, fleet.NewCallState(call))
		}
	}
	states := make([]fleet.BackendState, 0, len(all))
	for _, name := range slices.Sorted(maps.Keys(all)) {
		states = append(states, *all[name])
	}
	return states
}

// backendsUp are the services behind this node, and whether they work.
func (g *Gateway) backendsUp() map[string]bool {
	up := map[string]bool{"broker": g.broker.Health().Up}
	for name := range g.options.Checks {
		if c, known := g.probe.state(name); known {
			up[name] = c.OK
		}
	}
	return up
}

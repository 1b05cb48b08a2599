package model

import (
	"maps"
	"slices"

	"github.com/sluice-gateway/sluice/analytics"
	"github.com/sluice-gateway/sluice/gateway/fleet"
)

// NewRunningOperations is what is shown of operations that run.
func NewRunningOperations(runs fleet.Runs) *RunningOperations {
	shown := &RunningOperations{Total: int32(runs.Total), List: make([]RunningOperation, len(runs.First)), Missing: runs.Missing}
	for i, run := range runs.First {
		shown.List[i] = NewRunningOperation(run)
	}
	if shown.Missing == nil {
		shown.Missing = []string{}
	}
	return shown
}

// NewRunningOperation is what is shown of one.
func NewRunningOperation(r fleet.Run) RunningOperation {
	l, c := r.Labels, r.Counts
	var dropped [analytics.Drops]int64
	for why, n := range c.Dropped {
		dropped[why] = int64(n)
	}
	return RunningOperation{
		ID: r.ID, Node: r.Node, Kind: operationKind(l.Kind), Operation: orNull(l.Operation), Document: l.Document,
		Field: l.Field, Topic: orNull(l.Topic), Consumer: orNull(l.Consumer), Issuer: orNull(l.Issuer),
		Subject: orNull(l.Subject), Plan: orNull(l.Plan), Transport: l.Transport, Client: orNull(l.Client),
		ClientVersion: orNull(l.Version), Country: orNull(l.Country), StartedAt: r.Began,
		Events: int64(c.Delivered()), Bytes: int64(c.Bytes), Failed: int64(c.Failed), Dropped: newDrops(dropped),
	}
}

// NewGatewayNode is what is shown of a node. Of one that has told nothing, it is its name.
func NewGatewayNode(n fleet.Node) GatewayNode {
	shown := GatewayNode{
		Name: n.Name, StartedAt: n.Started, SeenAt: n.Seen,
		Sessions: []Count{}, Operations: []Count{}, Backends: []Backend{},
	}
	s := n.State
	if s == nil {
		return shown
	}
	shown.Version, shown.Draining = orNull(s.Version), s.Draining
	shown.Sessions, shown.Operations = counts(s.Sessions), counts(s.Operations)
	shown.Groups, shown.Members, shown.LiveQueries = int32(s.Groups), int32(s.Members), int32(s.Live)
	for _, b := range s.Backends {
		shown.Backends = append(shown.Backends, newBackend(b))
	}
	return shown
}

func counts(by map[string]int) []Count {
	list := make([]Count, 0, len(by))
	for _, name := range slices.Sorted(maps.Keys(by)) {
		list = append(list, Count{Name: name, Count: int32(by[name])})
	}
	return list
}

func newBackend(b fleet.BackendState) Backend {
	shown := Backend{
		Name: b.Name, Up: b.Up, Since: b.Since, Reason: orNull(b.Reason), Reconnects: int64(b.Reconnects), Calls: []BackendCalls{},
	}
	for _, c := range b.Calls {
		shown.Calls = append(shown.Calls, BackendCalls{
			Call: c.Call, Count: int64(c.Calls), Failures: int64(c.Failures), ErrorRatio: c.ErrorRatio,
			P50Millis: millis(c.P50), P99Millis: millis(c.P99), LastError: orNull(c.LastError), LastFailedAt: timeOrNull(c.LastFailed),
		})
	}
	return shown
}

package fleet

import (
	"encoding/json"
	"time"

	"github.com/sluice-gateway/sluice/analytics"
)

// A Node is one process of those that share a broker.
type Node struct {
	Name    string
	Started time.Time
	Seen    time.Time // when it has last told of itself
	State   *State    // nil: it has told nothing that this node understands
}

// A State is what a node tells the others of itself, every few seconds.
type State struct {
	Version    string         `json:"version"`
	Draining   bool           `json:"draining"`
	Sessions   map[string]int `json:"sessions"`   // that are open, by transport
	Operations map[string]int `json:"operations"` // that run, by kind
	Groups     int            `json:"groups"`
	Members    int            `json:"members"`
	Live       int            `json:"live"` // live queries, those that are the same counted once
	Executions uint64         `json:"executions"`
	Deliveries uint64         `json:"deliveries"`
	Backends   []BackendState `json:"backends"` // by name
}

// A BackendState is how a service behind a node is.
type BackendState struct {
	Name       string      `json:"name"`
	Up         bool        `json:"up"`
	Since      time.Time   `json:"since"`
	Reason     string      `json:"reason,omitempty"` // why it is not up
	Reconnects uint64      `json:"reconnects"`
	Calls      []CallState `json:"calls"` // by class
}

// A CallState is how calls of one class have ended.
type CallState struct {
	Call       string        `json:"call"`
	Calls      uint64        `json:"calls"` // since the node's start
	Failures   uint64        `json:"failures"`
	ErrorRatio float64       `json:"errorRatio"` // of the last minute, from 0 to 1
	P50        time.Duration `json:"p50"`
	P99        time.Duration `json:"p99"`
	LastError  string        `json:"lastError,omitempty"`
	LastFailed time.Time     `json:"lastFailed,omitzero"`
}

// NewCallState sums up what is known of calls.
func NewCallState(c analytics.BackendCalls) CallState {
	return CallState{
		Call: c.Call, Calls: c.Calls, Failures: c.Failures, ErrorRatio: c.ErrorRatio(),
		P50: c.Latency.Quantile(0.5), P99: c.Latency.Quantile(0.99),
		LastError: c.LastError, LastFailed: c.LastFailed,
	}
}

// Nodes are those of this moment, this one included, in the order of their names.
func (f *Fleet) Nodes() []Node {
	peers := f.peers.All()
	nodes := make([]Node, len(peers))
	for i, p := range peers {
		nodes[i] = Node{Name: p.Node, Started: p.Started, Seen: p.Seen}
		state := new(State)
		if p.State != nil && json.Unmarshal(p.State, state) == nil {
			nodes[i].State = state
		}
	}
	return nodes
}

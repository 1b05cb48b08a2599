package gateway

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/sluice-gateway/sluice/analytics"
	"github.com/sluice-gateway/sluice/analytics/rollup"
	"github.com/sluice-gateway/sluice/analytics/trace"
	"github.com/sluice-gateway/sluice/limits"
	"github.com/sluice-gateway/sluice/live"
	"github.com/sluice-gateway/sluice/pubsub"
	"github.com/sluice-gateway/sluice/pubsub/peers"
)

// A readiness is the answer of /readyz.
type readiness struct {
	Ready  bool             `json:"ready"`
	Checks map[string]check `json:"checks"`
}

type check struct {
	OK     bool      `json:"ok"`
	Since  time.Time `json:"since,omitzero"`
	Reason string    `json:"reason,omitempty"`
}

// health says that the process answers at all; a balancer's business is /readyz.
func (g *Gateway) health(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]string{"status": "ok"})
}

// ready says whether new clients are welcome, and if not, why.
func (g *Gateway) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), time.Second)
	defer cancel()
	broker := g.broker.Health()
	answer := readiness{Ready: true, Checks: map[string]check{
		"broker": {OK: broker.Up, Since: broker.Since, Reason: broker.Reason},
	}}
	if g.draining.Load() {
		answer.Checks["drain"] = check{Reason: "the server is being restarted"}
	}
	for name, works := range g.options.Checks {
		c := check{OK: true}
		if err := works(ctx); err != nil {
			c = check{Reason: err.Error()}
		}
		answer.Checks[name] = c
	}
	for _, c := range answer.Checks {
		answer.Ready = answer.Ready && c.OK
	}
	status := http.StatusOK
	if !answer.Ready {
		status = http.StatusServiceUnavailable
	}
	writeJSON(w, status, answer)
}

// Stats are the counts of a node since its start, as /stats tells them.
type Stats struct {
	UptimeSeconds    float64 `json:"uptimeSeconds"`
	Sessions         int     `json:"sessions"`
	Grants           int     `json:"grants"` // sessions whose credentials are watched
	Groups           int     `json:"groups"`
	Starting         int     `json:"starting"`
	Members          int     `json:"members"`
	Behind           int     `json:"behind"` // subscriptions that catch up with their group, or wait for their client to read
	Executions       uint64  `json:"executions"`
	Replayed         uint64  `json:"replayed"` // of these, those for subscriptions that were behind
	Gaps             uint64  `json:"gaps"`     // subscriptions that could not have what they had missed
	Deliveries       uint64  `json:"deliveries"`
	DecodeErrors     uint64  `json:"decodeErrors"`
	Unretained       uint64  `json:"unretained"` // events of kept topics that were published past their logs
	DroppedEvents    uint64  `json:"droppedEvents"`
	Conflated        uint64  `json:"conflated"` // results that slow readers missed: a newer one of the topic took their place
	Dropped          uint64  `json:"dropped"`   // and these gave way, or found no room
	WaitingTasks     int     `json:"waitingTasks"`
	BrokerUp         bool    `json:"brokerUp"`
	BrokerReconnects uint64  `json:"brokerReconnects"`
	BadAnnouncements uint64  `json:"badAnnouncements"` // of credentials, not understood
	// SessionsBy says by which transports the sessions are open.
	SessionsBy map[string]int `json:"sessionsByTransport"`
	// Endings says how often the node has ended a session, by code.
	Endings map[string]uint64 `json:"endings"`
	// Refusals says how many requests, sessions and events limits have cost, by the name of the limit.
	Refusals map[string]uint64 `json:"refusals"`
	// Budgets are the sums of what quotas have granted and what became of it.
	Budgets limits.Stats `json:"budgets"`
	Live    live.Stats   `json:"live"` // queries whose results are kept true
	// Usage, Traffic and Changes say how the ledger, the sums over time and the reader of the database's
	// changes are; nil: there is none.
	Usage   *UsageStats    `json:"usage,omitempty"`
	Traffic *rollup.Health `json:"traffic,omitempty"`
	Changes *ChangeStats   `json:"changes,omitempty"`
	// Fleet counts what this node and the others have asked each other.
	Fleet peers.Stats `json:"fleet"`
	// Traces are the spans that were sent to a collector, or not.
	Traces trace.Counts `json:"traces"`
	// BackendsUp says which of the services behind the node work.
	BackendsUp map[string]bool `json:"backendsUp"`
	// Series says how well the operations are told apart that are counted.
	Series analytics.Stats `json:"series"`
}

// Stats returns the counts of this moment.
func (g *Gateway) Stats() Stats {
	s, broker := g.engine.Stats(), g.broker.Health()
	return Stats{
		UptimeSeconds:    time.Since(g.started).Seconds(),
		Sessions:         g.sessions.Len(),
		Grants:           g.sessions.Grants().Len(),
		Groups:           s.Groups,
		Starting:         s.Starting,
		Members:          s.Members,
		Behind:           s.Behind,
		Executions:       s.Executions,
		Replayed:         s.Replayed,
		Gaps:             s.Gaps,
		Deliveries:       s.Deliveries,
		DecodeErrors:     s.DecodeErrors,
		Unretained:       unretained(g.broker),
		DroppedEvents:    s.Dropped,
		Conflated:        g.sessions.Losses().Conflated.Load(),
		Dropped:          g.sessions.Losses().Dropped.Load(),
		WaitingTasks:     g.pool.Waiting(),
		BrokerUp:         broker.Up,
		BrokerReconnects: broker.Reconnects,
		BadAnnouncements: g.control.malformed.Load(),
		SessionsBy:       g.sessions.Open(),
		Endings:          g.sessions.Endings(),
		Refusals:         g.engine.Refusals().Counts(),
		Budgets:          g.engine.BudgetStats(),
		Live:             g.engine.LiveStats(),
		Usage:            called(g.options.UsageStats),
		Traffic:          called(g.options.TrafficStats),
		Changes:          called(g.options.ChangeStats),
		Fleet:            g.fleet.Stats(),
		Traces:           g.options.Operation.Tracer.Counts(),
		BackendsUp:       g.backendsUp(),
		Series:           g.options.Operation.Recorder.Stats(),
	}
}

// unretained asks a broker that counts what others publish past its logs.
func unretained(b pubsub.Broker) uint64 {
	if t, ok := b.(*traced); ok {
		b = t.Broker
	}
	if counts, ok := b.(interface{ Unretained() uint64 }); ok {
		return counts.Unretained()
	}
	return 0
}

// called is what a function returns that there need not be.
func called[T any](f func() *T) *T {
	if f == nil {
		return nil
	}
	return f()
}

func (g *Gateway) stats(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, g.Stats())
}

func writeJSON(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value)
}

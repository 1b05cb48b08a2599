package gateway

import (
	"cmp"
	"slices"
	"time"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"

	"github.com/sluice-gateway/sluice/analytics/prom"
	"github.com/sluice-gateway/sluice/analytics/rollup"
	"github.com/sluice-gateway/sluice/documents"
	"github.com/sluice-gateway/sluice/share"
)

// newMetrics makes the metrics of a gateway, which has its recorder and no engine yet: what its engine
// executes from now on is timed, unless the options say otherwise.
func (g *Gateway) newMetrics(o *share.Options) {
	g.metrics = prom.New(g.options.Operation.Recorder)
	prom.Export(g.metrics, g.Stats, slices.Concat(sessionMetrics, groupMetrics, brokerMetrics, budgetMetrics, liveMetrics, keptMetrics, fleetMetrics)...)
	g.metrics.Backends(g.options.Backends)
	also := o.Observe
	o.Observe = func(s share.Step) {
		g.metrics.Executed(s.Field, s.Executed)
		g.traceDelivery(s)
		if also != nil {
			also(s)
		}
	}
	o.Written = g.written(o.Written)
}

// written is who wants to know how long events of a field took until they were written, besides another.
func (g *Gateway) written(also func(field string) func(time.Duration)) func(field string) func(time.Duration) {
	return func(field string) func(time.Duration) {
		wishes := []func(time.Duration){g.metrics.Written(field), g.options.Operation.Recorder.Latency(field).Observe}
		if also != nil {
			wishes = append(wishes, also(field))
		}
		return func(after time.Duration) {
			for _, tell := range wishes {
				tell(after)
			}
		}
	}
}

// operationNames are the names of the operations in trusted documents, in order. What cannot be parsed is
// for the engine to complain of.
func operationNames(trusted *documents.Trusted) (names []string) {
	if trusted == nil {
		return nil
	}
	for _, text := range trusted.All() {
		doc, err := parser.ParseQuery(&ast.Source{Input: text})
		if err != nil {
			continue
		}
		for _, def := range doc.Operations {
			names = append(names, def.Name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

var sessionMetrics = []prom.Family[Stats]{
	prom.GaugeBy("sluice_sessions", "Sessions that are open: connections that carry subscriptions.", "transport",
		func(s *Stats) map[string]int { return s.SessionsBy }),
	prom.CounterBy("sluice_session_endings_total", "Sessions that the node has ended, by the code it gave.", "code",
		func(s *Stats) map[string]uint64 { return s.Endings }),
	prom.CounterBy("sluice_refusals_total", "Requests, sessions and events that limits have cost, by the limit's name.", "limit",
		func(s *Stats) map[string]uint64 { return s.Refusals }),
	prom.Gauge("sluice_watched_grants", "Sessions whose credentials are watched.",
		func(s *Stats) int { return s.Grants }),
	prom.Counter("sluice_bad_announcements_total", "Announcements of changed credentials that were not understood.",
		func(s *Stats) uint64 { return s.BadAnnouncements }),
}

var groupMetrics = []prom.Family[Stats]{
	prom.Gauge("sluice_groups", "Shared executions that are running.",
		func(s *Stats) int { return s.Groups }),
	prom.Gauge("sluice_starting_groups", "Of these, those that receive no events yet.",
		func(s *Stats) int { return s.Starting }),
	prom.Gauge("sluice_group_members", "Subscriptions that are members of a shared execution.",
		func(s *Stats) int { return s.Members }),
	prom.Gauge("sluice_members_behind", "Subscriptions to replayable topics that catch up with their group, or wait for their client to read.",
		func(s *Stats) int { return s.Behind }),
	prom.Counter("sluice_replayed_executions_total", "Of the steps of the executor, those for subscriptions that were behind.",
		func(s *Stats) uint64 { return s.Replayed }),
	prom.Counter("sluice_resume_gaps_total", "Subscriptions that were told that they cannot have what they have missed.",
		func(s *Stats) uint64 { return s.Gaps }),
	prom.Counter("sluice_executions_total", "Steps of the executor: one for each event and group.",
		func(s *Stats) uint64 { return s.Executions }),
	prom.Counter("sluice_group_deliveries_total", "Results that groups have handed to their members.",
		func(s *Stats) uint64 { return s.Deliveries }),
	prom.Counter("sluice_decode_errors_total", "Events of which a field could make nothing.",
		func(s *Stats) uint64 { return s.DecodeErrors }),
	prom.Counter("sluice_mailbox_drops_total", "Events that groups have lost: they came faster than they were executed, or took too long.",
		func(s *Stats) uint64 { return s.DroppedEvents }),
	prom.Gauge("sluice_waiting_tasks", "Groups and sockets that wait for a worker.",
		func(s *Stats) int { return s.WaitingTasks }),
}

var brokerMetrics = []prom.Family[Stats]{
	prom.Gauge("sluice_broker_up", "1 if events flow, 0 if not.",
		func(s *Stats) int { return one(s.BrokerUp) }),
	prom.Counter("sluice_unretained_events_total", "Events of kept topics that were published past their logs: nobody can resume to them.",
		func(s *Stats) uint64 { return s.Unretained }),
	prom.Counter("sluice_broker_reconnects_total", "Connections to the broker that were made again.",
		func(s *Stats) uint64 { return s.BrokerReconnects }),
}

// one is 1 if a condition holds.
func one(holds bool) int {
	if holds {
		return 1
	}
	return 0
}

// keptMetrics are how well is kept what was counted.
var keptMetrics = []prom.Family[Stats]{
	prom.Gauge("sluice_usage_backlog_bytes", "Usage in the spool that the database does not have yet.",
		func(s *Stats) int64 { return s.usage().Backlog }),
	prom.Gauge("sluice_usage_waiting", "Consumers, plans, fields and hours whose usage waits in memory.",
		func(s *Stats) int { return s.usage().Waiting }),
	prom.Gauge("sluice_usage_full", "1 if the spool and the database take no more usage, so that a killed process would lose it.",
		func(s *Stats) int { return one(s.usage().Full) }),
	prom.Counter("sluice_usage_damaged_bytes_total", "What was in spools and is no usage: torn by a kill, or rotten.",
		func(s *Stats) int64 { return s.usage().Damaged }),
	prom.CounterBy("sluice_usage_webhook_batches_total", "Batches of usage for the webhook: sent, or failed in a try.", "outcome",
		func(s *Stats) map[string]uint64 { return s.usage().WebhookBatches() }),
	prom.Gauge("sluice_traffic_waiting_rows", "Sums over time that wait in memory for the database.",
		func(s *Stats) int { return s.traffic().Waiting }),
	prom.Counter("sluice_traffic_dropped_rows_total", "Sums over time that were given up, for the database was away for too long.",
		func(s *Stats) int64 { return s.traffic().Dropped }),
}

func (s *Stats) usage() *UsageStats { return cmp.Or(s.Usage, new(UsageStats)) }

func (s *Stats) traffic() *rollup.Health { return cmp.Or(s.Traffic, new(rollup.Health)) }

var fleetMetrics = []prom.Family[Stats]{
	prom.Gauge("sluice_nodes", "Nodes that share the broker, as this one knows.",
		func(s *Stats) int { return s.Fleet.Peers }),
	prom.Counter("sluice_node_timeouts_total", "Answers of other nodes that did not come in time.",
		func(s *Stats) uint64 { return s.Fleet.Timeouts }),
	prom.Counter("sluice_node_bad_messages_total", "Messages on the nodes' topics that were not understood.",
		func(s *Stats) uint64 { return s.Fleet.Malformed }),
	prom.Counter("sluice_node_dropped_messages_total", "Messages on the nodes' topics for which there was no room.",
		func(s *Stats) uint64 { return s.Fleet.Dropped }),
	prom.CounterBy("sluice_spans_total", "Spans of traces: sent to the collector, failed there, or dropped for want of room.", "outcome",
		func(s *Stats) map[string]uint64 {
			return map[string]uint64{"sent": s.Traces.Sent, "failed": s.Traces.Failed, "dropped": s.Traces.Dropped}
		}),
	prom.GaugeBy("sluice_backend_up", "1 if a service behind the node works, 0 if not.", "backend",
		func(s *Stats) map[string]int {
			up := make(map[string]int, len(s.BackendsUp))
			for name, works := range s.BackendsUp {
				up[name] = one(works)
			}
			return up
		}),
}

// What may be given back may fall: charged, overdraft and unmetered are no counters.
var budgetMetrics = []prom.Family[Stats]{
	prom.Gauge("sluice_budget_accounts", "Budgets that operations are spending.",
		func(s *Stats) int { return s.Budgets.Accounts }),
	prom.Gauge("sluice_budget_held_events", "Events that are leased, and not spent or returned.",
		func(s *Stats) int64 { return s.Budgets.Held }),
	prom.Counter("sluice_budget_granted_events_total", "Events that the node was leased. They are charged, returned, forfeited or held.",
		func(s *Stats) int64 { return s.Budgets.Granted }),
	prom.Gauge("sluice_budget_charged_events", "Leased events that are spent, less those given back in time.",
		func(s *Stats) int64 { return s.Budgets.Charged }),
	prom.Counter("sluice_budget_taken_events_total", "Leased events that were spent, and perhaps given back in time.",
		func(s *Stats) int64 { return s.Budgets.Charged + s.Budgets.GivenBack }),
	prom.Counter("sluice_budget_given_back_events_total", "Of these, those that were given back in time: their clients did not get them.",
		func(s *Stats) int64 { return s.Budgets.GivenBack }),
	prom.Counter("sluice_budget_stranded_events_total", "Of these, those that are charged all the same: nobody took them again.",
		func(s *Stats) int64 { return s.Budgets.Stranded }),
	prom.Counter("sluice_budget_returned_events_total", "Leased events that went back unspent.",
		func(s *Stats) int64 { return s.Budgets.Returned }),
	prom.Counter("sluice_budget_forfeited_events_total", "Leased events that were given up, spent or not.",
		func(s *Stats) int64 { return s.Budgets.Forfeited }),
	prom.Gauge("sluice_budget_overdraft_events", "Events that postpaid consumers had beyond what was leased.",
		func(s *Stats) int64 { return s.Budgets.Overdraft }),
	prom.Gauge("sluice_budget_unmetered_events", "Events of unlimited budgets.",
		func(s *Stats) int64 { return s.Budgets.Unmetered }),
	prom.Counter("sluice_budget_refills_total", "Requests for a lease that were answered.",
		func(s *Stats) uint64 { return s.Budgets.Refills }),
	prom.Counter("sluice_budget_failures_total", "Calls of the counter of budgets that failed.",
		func(s *Stats) uint64 { return s.Budgets.Failures }),
}

var liveMetrics = []prom.Family[Stats]{
	prom.Gauge("sluice_live_groups", "Live queries that are kept true, those that are the same counted once.",
		func(s *Stats) int { return s.Live.Groups }),
	prom.Gauge("sluice_live_members", "Operations that have their results.",
		func(s *Stats) int { return s.Live.Members }),
	prom.Gauge("sluice_live_keys", "Keys that the results of now were made from.",
		func(s *Stats) int { return s.Live.Keys }),
	prom.Counter("sluice_live_runs_total", "Results of live queries that were made.",
		func(s *Stats) uint64 { return s.Live.Runs }),
	prom.Counter("sluice_live_unchanged_total", "Of these, those that went to nobody, for nothing differed.",
		func(s *Stats) uint64 { return s.Live.Unchanged }),
	prom.Counter("sluice_live_failures_total", "Of these, those with errors.",
		func(s *Stats) uint64 { return s.Live.Failures }),
	prom.Counter("sluice_live_overtaken_total", "Of these, those that were out of date when they were made.",
		func(s *Stats) uint64 { return s.Live.Overtaken }),
	prom.Counter("sluice_live_deliveries_total", "Results of live queries that were handed to members.",
		func(s *Stats) uint64 { return s.Live.Deliveries }),
	prom.Counter("sluice_live_invalidations_total", "Keys that were said to have changed.",
		func(s *Stats) uint64 { return s.Live.Invalidations }),
}

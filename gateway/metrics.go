package gateway

import (
	"slices"
	"time"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"

	"github.com/sluice-gateway/sluice/analytics/prom"
	"github.com/sluice-gateway/sluice/documents"
	"github.com/sluice-gateway/sluice/share"
)

// newMetrics makes the metrics of a gateway, which has its recorder and no engine yet: what its engine
// executes from now on is timed, unless the options say otherwise.
func (g *Gateway) newMetrics(o *share.Options) {
	g.metrics = prom.New(g.options.Operation.Recorder)
	prom.Export(g.metrics, g.Stats, slices.Concat(sessionMetrics, groupMetrics, brokerMetrics, budgetMetrics, liveMetrics)...)
	also := o.Observe
	o.Observe = func(s share.Step) {
		g.metrics.Executed(s.Field, s.Executed)
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
		func(s *Stats) int {
			if s.BrokerUp {
				return 1
			}
			return 0
		}),
	prom.Counter("sluice_broker_reconnects_total", "Connections to the broker that were made again.",
		func(s *Stats) uint64 { return s.BrokerReconnects }),
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

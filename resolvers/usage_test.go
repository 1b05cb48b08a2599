package resolvers_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/99designs/gqlgen/graphql/executor"

	"github.com/sluice-gateway/sluice/analytics"
	"github.com/sluice-gateway/sluice/analytics/ledger"
	"github.com/sluice-gateway/sluice/analytics/ledger/billing"
	"github.com/sluice-gateway/sluice/analytics/ledger/ledgerdb"
	"github.com/sluice-gateway/sluice/analytics/rollup"
	"github.com/sluice-gateway/sluice/auth"
	"github.com/sluice-gateway/sluice/gateway/fleet"
	"github.com/sluice-gateway/sluice/graph"
	"github.com/sluice-gateway/sluice/resolvers"
)

// newUsageShop is the API with what resolvers of usage read.
func newUsageShop(r *resolvers.Resolver) *shop {
	return &shop{exec: executor.New(graph.NewExecutableSchema(graph.Config{Resolvers: r}))}
}

// newLedger has two hours of the web's usage, of keys and of tokens, and one of the warehouse's.
func newLedger(t *testing.T) *ledgerdb.Store {
	t.Helper()
	s, err := ledgerdb.Open(t.Context(), ":memory:")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	hour := time.Date(2026, 11, 1, 13, 0, 0, 0, time.UTC)
	price := ledger.Key{Consumer: "web", Plan: "gold", Field: "Subscription.priceChanged"}
	tokens, warehouse := price, price
	tokens.Issuer, warehouse.Consumer = "https://id.example", "warehouse"
	had := ledger.Usage{Events: 10, Bytes: 1000, ConnectedMillis: 1500, Requests: 1}
	_, err = s.Import(t.Context(), &ledger.Batch{ID: "one", Node: "n", Sequence: 1, At: hour.Add(2 * time.Hour), Entries: []ledger.Entry{
		{Key: price, Hour: hour, Usage: had},
		{Key: tokens, Hour: hour, Usage: had},
		{Key: warehouse, Hour: hour, Usage: had},
		{Key: price, Hour: hour.Add(time.Hour), Usage: had},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// website is the application that ada uses.
var website = &auth.Viewer{Consumer: "web"}

const november = `from: "2026-11-01T00:00:00Z", to: "2026-12-01T00:00:00Z"`

func TestUsage(t *testing.T) {
	s := newUsageShop(&resolvers.Resolver{Usage: newLedger(t)})
	token := &auth.Viewer{Consumer: "web", Issuer: "https://id.example", Subject: "web"}
	for _, tt := range []struct {
		name   string
		viewer *auth.Viewer
		query  string
		want   string
	}{
		{
			"one's own, by the hour", website, `{ myUsage(` + november + `, step: HOUR) { at consumer issuer plan field events bytes connectedSeconds requests } }`,
			`{"myUsage":[{"at":"2026-11-01T13:00:00Z","consumer":"web","issuer":null,"plan":"gold","field":"Subscription.priceChanged","events":10,"bytes":1000,"connectedSeconds":1.5,"requests":1},` +
				`{"at":"2026-11-01T14:00:00Z","consumer":"web","issuer":null,"plan":"gold","field":"Subscription.priceChanged","events":10,"bytes":1000,"connectedSeconds":1.5,"requests":1}]}`,
		},
		{"one's own, of another issuer", token, `{ myUsage(` + november + `) { at issuer events } }`, `{"myUsage":[{"at":"2026-11-01T00:00:00Z","issuer":"https://id.example","events":10}]}`},
		{"nobody's", support, `{ myUsage(` + november + `) { events } }`, `{"myUsage":[]}`},
		{
			"everybody's, by the month", admin, `{ usage(` + november + `, step: MONTH) { at consumer issuer events } }`,
			`{"usage":[{"at":"2026-11-01T00:00:00Z","consumer":"warehouse","issuer":null,"events":10},{"at":"2026-11-01T00:00:00Z","consumer":"web","issuer":null,"events":20},{"at":"2026-11-01T00:00:00Z","consumer":"web","issuer":"https://id.example","events":10}]}`,
		},
		{"an application's", admin, `{ usage(` + november + `, consumer: "warehouse") { consumer events } }`, `{"usage":[{"consumer":"warehouse","events":10}]}`},
	} {
		t.Run(tt.name, func(t *testing.T) { expect(t, s.do(t, tt.viewer, tt.query, ""), tt.want) })
	}
	for query, message := range map[string]string{
		`{ myUsage(from: "2026-11-01T00:30:00Z") { events } }`:                             "give full hours of UTC",
		`{ myUsage(from: "2026-11-01T00:00:00Z", to: "2026-11-01T00:00:01Z") { events } }`: "give full hours of UTC",
		`{ myUsage(from: "2026-11-02T00:00:00Z", to: "2026-11-01T00:00:00Z") { events } }`: "ends before it begins",
		`{ myInvoice(month: "November") { month } }`:                                       "2026-11",
	} {
		expectError(t, s.do(t, website, query, ""), "BAD_USER_INPUT", message)
	}
}

func TestEndUsersDoNotSeeWhatTheirApplicationHas(t *testing.T) {
	s := newUsageShop(&resolvers.Resolver{Usage: newLedger(t), Rollups: new(rollups)})
	for _, query := range []string{`{ myUsage(` + november + `) { events } }`, `{ myInvoice(month: "2026-11") { month } }`, `{ myTraffic(` + r(`last: "5m"`) + `) { at } }`} {
		expectError(t, s.do(t, ada, query, ""), "FORBIDDEN", "an end user")
	}
}

func TestInvoices(t *testing.T) {
	price, err := billing.ParseMoney("0.20")
	if err != nil {
		t.Fatal(err)
	}
	prices := billing.Prices{"gold": {Currency: "EUR", Events: []billing.Tier{{Rate: billing.Rate{Price: price, Per: 3}}}}}
	s := newUsageShop(&resolvers.Resolver{Usage: newLedger(t), Prices: prices})
	expect(t, s.do(t, website, `{ myInvoice(month: "2026-11") { month consumer issuer lines { plan item quantity unit price per currency amount } totals { currency amount } unpriced } }`, ""),
		`{"myInvoice":{"month":"2026-11","consumer":"web","issuer":null,"lines":[{"plan":"gold","item":"events","quantity":20,"unit":"event","price":"0.200000","per":3,"currency":"EUR","amount":"1.333333"}],`+
			`"totals":[{"currency":"EUR","amount":"1.333333"}],"unpriced":[]}}`)
	expect(t, s.do(t, support, `{ myInvoice(month: "2026-11") { month } }`, ""), `{"myInvoice":null}`)
	expect(t, s.do(t, website, `{ myInvoice(month: "2026-10") { month } }`, ""), `{"myInvoice":null}`)
	expect(t, s.do(t, admin, `{ invoices(month: "2026-11") { consumer issuer totals { amount } } }`, ""),
		`{"invoices":[{"consumer":"warehouse","issuer":null,"totals":[{"amount":"0.666667"}]},{"consumer":"web","issuer":null,"totals":[{"amount":"1.333333"}]},{"consumer":"web","issuer":"https://id.example","totals":[{"amount":"0.666667"}]}]}`)
	free := newUsageShop(&resolvers.Resolver{Usage: newLedger(t)})
	expect(t, free.do(t, website, `{ myInvoice(month: "2026-11") { month } }`, ""), `{"myInvoice":null}`)
}

// rollups answer every query with one of each, and note what was asked.
type rollups struct {
	rollup.Reader
	asked rollup.Query
	times int // that it was asked
	top   string
	err   error
}

var noon = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

func (r *rollups) Series(_ context.Context, q rollup.Query) ([]rollup.Point, error) {
	r.asked = q
	r.times++
	c := rollup.Counts{Started: 1, Ended: 2, Refused: 3, Events: 4, Bytes: 5, Failed: 6, ConnectedMillis: 7500}
	c.Dropped[analytics.DropSlow], c.Dropped[analytics.DropDecode] = 8, 9
	return []rollup.Point{{At: noon, Counts: c}}, r.err
}

func (r *rollups) Top(_ context.Context, q rollup.Query, by rollup.Dimension, order rollup.Order, n int) ([]rollup.Row, error) {
	r.times++
	r.asked, r.top = q, string(by)+" "+string(order)
	return []rollup.Row{{Labels: analytics.Labels{Kind: "live", Consumer: "web"}, Counts: rollup.Counts{Events: int64(n)}}}, r.err
}

func (r *rollups) Endings(_ context.Context, q rollup.Query) ([]rollup.Ending, error) {
	r.asked = q
	r.times++
	return []rollup.Ending{{At: noon, Code: "COST_LIMIT", N: 3}}, r.err
}

func (r *rollups) Latencies(_ context.Context, q rollup.Query) ([]rollup.Timing, error) {
	r.asked = q
	r.times++
	var l analytics.Latency
	l.Observe(20 * time.Millisecond)
	return []rollup.Timing{{At: noon, Field: "Subscription.priceChanged", Sketch: l.Counts()}}, r.err
}

func (r *rollups) Gauges(_ context.Context, q rollup.Query) ([]rollup.Gauge, error) {
	r.asked = q
	r.times++
	return []rollup.Gauge{{At: noon, Name: "sessions/sse", Average: 1.5}, {At: noon, Name: "something else", Average: 1}}, r.err
}

func TestTraffic(t *testing.T) {
	from := r(`from: "2026-11-01T00:00:00Z", to: "2026-11-02T00:00:00Z"`)
	keys := ""
	for _, tt := range []struct {
		query string
		want  string
		where rollup.Where
	}{
		{
			`{ traffic(` + from + `, filter: {kind: LIVE, operation: "o", document: "d", field: "f", topic: "t", consumer: "c", issuer: "i", plan: "p", transport: "sse", client: "w", country: "DE"})
				{ at started ended refused events bytes failed connectedSeconds dropped { total slow rate lease write decode overrun } } }`,
			`{"traffic":[{"at":"2026-11-01T12:00:00Z","started":1,"ended":2,"refused":3,"events":4,"bytes":5,"failed":6,"connectedSeconds":7.5,"dropped":{"total":17,"slow":8,"rate":0,"lease":0,"write":0,"decode":9,"overrun":0}}]}`,
			rollup.Where{Kind: "live", Operation: "o", Document: "d", Field: "f", Topic: "t", Consumer: "c", Plan: "p", Transport: "sse", Client: "w", Country: "DE"},
		},
		{
			`{ myTraffic(` + from + `, filter: {consumer: "somebody else", issuer: "i", field: "f"}) { events } }`, `{"myTraffic":[{"events":4}]}`,
			rollup.Where{Consumer: "operations", Field: "f", Issuer: &keys},
		},
		{`{ top(by: CONSUMER, of: DROPS, ` + from + `) { kind consumer issuer operation events } }`, `{"top":[{"kind":"LIVE","consumer":"web","issuer":null,"operation":null,"events":10}]}`, rollup.Where{}},
		{`{ endings(` + from + `, filter: {field: "f"}) { at code count } }`, `{"endings":[{"at":"2026-11-01T12:00:00Z","code":"COST_LIMIT","count":3}]}`, rollup.Where{Field: "f"}},
		{`{ latencies(` + from + `, field: "f") { field count } }`, `{"latencies":[{"field":"Subscription.priceChanged","count":1}]}`, rollup.Where{Field: "f"}},
		{`{ sessions(` + from + `) { at transport average } }`, `{"sessions":[{"at":"2026-11-01T12:00:00Z","transport":"sse","average":1.5}]}`, rollup.Where{}},
	} {
		read := new(rollups)
		s := newUsageShop(&resolvers.Resolver{Rollups: read})
		expect(t, s.do(t, admin, tt.query, ""), tt.want)
		issuer := tt.where.Issuer
		if read.asked.Where.Issuer != nil && strings.Contains(tt.query, `issuer: "i"`) && issuer == nil {
			issuer = read.asked.Where.Issuer
		}
		if (issuer == nil) != (read.asked.Where.Issuer == nil) || issuer != nil && *issuer != *read.asked.Where.Issuer {
			t.Errorf("%s asks for issuer %v", tt.query, read.asked.Where.Issuer)
		}
		read.asked.Where.Issuer, tt.where.Issuer = nil, nil
		want := rollup.Query{Step: rollup.Minute, From: noon.Add(-12 * time.Hour), To: noon.Add(12 * time.Hour), Where: tt.where}
		if read.asked != want {
			t.Errorf("%s asks for %+v, want %+v", tt.query, read.asked, want)
		}
		if strings.Contains(tt.query, "top(") && read.top != "consumer drops" {
			t.Errorf("top by %q", read.top)
		}
	}
}

// r is a range by the minute.
func r(times string) string { return `range: {step: MINUTE, ` + times + `}` }

func TestRangesOfTraffic(t *testing.T) {
	read := new(rollups)
	s := newUsageShop(&resolvers.Resolver{Rollups: read})
	s.do(t, admin, `{ traffic(`+r(`last: "5m"`)+`) { at } }`, "")
	q := read.asked
	if time.Since(q.To) > time.Minute || q.To.Sub(q.From) < 5*time.Minute || q.To.Sub(q.From) > 6*time.Minute || !q.From.Equal(q.From.Truncate(time.Minute)) {
		t.Errorf("the last five minutes are %v to %v", q.From, q.To)
	}
	for times, message := range map[string]string{
		``:            "either by last, or by from",
		`last: "-5m"`: "a time above 0",
		`last: "5m", from: "2026-11-01T00:00:00Z"`: "either by last, or by from",
		`last: "5m", to: "2026-11-01T00:00:00Z"`:   "either by last, or by from",
	} {
		expectError(t, s.do(t, admin, `{ traffic(`+r(times)+`) { at } }`, ""), "BAD_USER_INPUT", message)
	}
	for _, n := range []string{"0", "101", "-1"} {
		expectError(t, s.do(t, admin, `{ top(by: FIELD, first: `+n+`, `+r(`last: "5m"`)+`) { field } }`, ""), "BAD_USER_INPUT", "1 to 100")
	}
	read.err = rollup.ErrRange
	expectError(t, s.do(t, admin, `{ traffic(`+r(`last: "6m"`)+`) { at } }`, ""), "BAD_USER_INPUT", "the range")
}

func TestARangeThatEndsBeforeItBeginsIsNotAnsweredLikeOneThatDoesNot(t *testing.T) {
	s := newUsageShop(&resolvers.Resolver{Rollups: new(rollups)})
	expect(t, s.do(t, admin, `{ traffic(`+r(`from: "2026-11-01T00:00:10Z", to: "2026-11-01T00:00:40Z"`)+`) { events } }`, ""), `{"traffic":[{"events":4}]}`)
	expectError(t, s.do(t, admin, `{ traffic(`+r(`from: "2026-11-01T00:00:40Z", to: "2026-11-01T00:00:10Z"`)+`) { events } }`, ""), "BAD_USER_INPUT", "ends before it begins")
}

func TestWhatIsTheSameIsReadOnce(t *testing.T) {
	keys, token := website, &auth.Viewer{Consumer: "web", Issuer: "https://id.example"}
	day := `from: "2026-11-01T00:00:10Z", to: "2026-11-02T00:00:10Z"`
	questions := []struct {
		name    string
		viewer  *auth.Viewer
		query   string
		another bool // than any before
	}{
		{"a consumer's", keys, `{ myTraffic(` + r(day) + `) { at } }`, true},
		{"the same", keys, `{ myTraffic(` + r(day) + `) { events } }`, false},
		{"the same steps", keys, `{ myTraffic(` + r(`from: "2026-11-01T00:00:59Z", to: "2026-11-02T00:01:00Z"`) + `) { at } }`, false},
		{"a step less", keys, `{ myTraffic(` + r(`from: "2026-11-01T00:01:01Z", to: "2026-11-02T00:01:00Z"`) + `) { at } }`, true},
		{"somebody else's in the filter, which is not asked for", keys, `{ myTraffic(` + r(day) + `, filter: {consumer: "warehouse"}) { at } }`, false},
		{"another filter", keys, `{ myTraffic(` + r(day) + `, filter: {field: "f"}) { at } }`, true},
		{"another issuer's", token, `{ myTraffic(` + r(day) + `) { at } }`, true},
		{"another consumer's", warehouse, `{ myTraffic(` + r(day) + `) { at } }`, true},
		{"an operator's about that consumer", admin, `{ traffic(` + r(day) + `, filter: {consumer: "warehouse", issuer: ""}) { at } }`, true},
		{"everybody's", admin, `{ traffic(` + r(day) + `) { at } }`, true},
		{"everybody's, for another operator", support, `{ traffic(` + r(day) + `) { at } }`, false},
		{"the first five", admin, `{ top(by: FIELD, first: 5, ` + r(day) + `) { field } }`, true},
		{"the first six", admin, `{ top(by: FIELD, first: 6, ` + r(day) + `) { field } }`, true},
		{"what runs of a consumer", keys, `{ myOperations { total } }`, true},
		{"what runs of an end user", ada, `{ myOperations { total } }`, true},
		{"what runs of another end user", bob, `{ myOperations { total } }`, true},
		{"what runs of that end user again", bob, `{ myOperations { list { id } } }`, false},
		{"what else runs of that end user", bob, `{ myOperations(search: "x") { total } }`, true},
		{"what runs", admin, `{ operations { total } }`, true},
	}
	synctest.Test(t, func(t *testing.T) { // nothing takes time: none of it is forgotten
		read, f := new(rollups), new(nodes)
		s := newUsageShop(&resolvers.Resolver{Rollups: read, Fleet: f})
		for _, tt := range questions {
			before := read.times + f.times
			if r := s.do(t, tt.viewer, tt.query, ""); r.Errors != nil {
				t.Errorf("%s: %v", tt.name, r.Errors)
			}
			if another := read.times+f.times > before; another != tt.another {
				t.Errorf("%s is read: %v", tt.name, another)
			}
		}
	})
}

func TestWhereNoUsageIsKept(t *testing.T) {
	s := newUsageShop(new(resolvers.Resolver))
	for _, query := range []string{
		`{ myUsage(` + november + `) { events } }`, `{ usage(` + november + `) { events } }`, `{ myInvoice(month: "2026-11") { month } }`,
		`{ traffic(` + r(`last: "5m"`) + `) { at } }`, `{ sessions(` + r(`last: "5m"`) + `) { at } }`,
	} {
		expectError(t, s.do(t, admin, query, ""), "USAGE_NOT_KEPT", "keeps no ")
	}
}

// nodes are a fleet.
type nodes struct {
	asked analytics.RunQuery
	times int // that it was asked
	err   error
}

var one = fleet.Run{ID: "b.7", Node: "b", Run: analytics.Run{
	Number: 7, Began: noon, Labels: analytics.Labels{Kind: "subscription", Operation: "Prices", Consumer: "web", Field: "Subscription.priceChanged", Transport: "sse"},
	Counts: analytics.Counts{Events: 10, Bytes: 100, Dropped: [analytics.Drops]uint64{analytics.DropSlow: 2, analytics.DropRate: 5}},
}}

func (n *nodes) Runs(_ context.Context, q analytics.RunQuery) (fleet.Runs, error) {
	n.asked = q
	n.times++
	return fleet.Runs{Total: 3, First: []fleet.Run{one}, Missing: []string{"c"}}, n.err
}

func (n *nodes) Dismiss(_ context.Context, _, _ string) (fleet.Run, error) { return one, n.err }

func (n *nodes) Nodes() []fleet.Node {
	return []fleet.Node{{Name: "a", Started: noon, Seen: noon}, {Name: "b", Started: noon, Seen: noon, State: &fleet.State{
		Version: "v1", Draining: true, Sessions: map[string]int{"sse": 2, "multipart": 1}, Operations: map[string]int{"live": 1}, Groups: 4, Members: 5, Live: 6,
		Backends: []fleet.BackendState{{Name: "database", Since: noon, Reason: "away", Calls: []fleet.CallState{{
			Call: "products", Calls: 3, Failures: 1, ErrorRatio: 0.5, P50: 1500 * time.Microsecond, P99: time.Second, LastError: "away", LastFailed: noon,
		}}}},
	}}}
}

func TestRunningOperations(t *testing.T) {
	f := new(nodes)
	s := newUsageShop(&resolvers.Resolver{Fleet: f})
	expect(t, s.do(t, admin, `{ operations(search: "x", consumer: "web", kind: SUBSCRIPTION, first: 5) { total missing list {
			id node kind operation document field consumer transport client startedAt events bytes failed dropped { total slow rate } } } }`, ""),
		`{"operations":{"total":3,"missing":["c"],"list":[{"id":"b.7","node":"b","kind":"SUBSCRIPTION","operation":"Prices","document":"","field":"Subscription.priceChanged","consumer":"web",`+
			`"transport":"sse","client":null,"startedAt":"2026-11-01T12:00:00Z","events":8,"bytes":100,"failed":0,"dropped":{"total":7,"slow":2,"rate":5}}]}}`)
	if q := f.asked; q.Search != "x" || q.Kind != "subscription" || q.First != 5 || q.Whose == nil || *q.Whose != (analytics.Whose{Consumer: "web"}) {
		t.Errorf("asked for %+v", q)
	}
	expect(t, s.do(t, ada, `{ myOperations { total } }`, ""), `{"myOperations":{"total":3}}`)
	if q := f.asked; q.First != 20 || q.Whose == nil || *q.Whose != (analytics.Whose{Consumer: "web", Subject: "ada"}) {
		t.Errorf("asked for %+v", q)
	}
	s.do(t, website, `{ myOperations { total } }`, "")
	if q := f.asked; q.Whose == nil || *q.Whose != (analytics.Whose{Consumer: "web"}) {
		t.Errorf("asked for %+v", q)
	}
	s.do(t, admin, `{ operations { total } }`, "")
	if f.asked.Whose != nil {
		t.Errorf("asked for %+v, not all", f.asked.Whose)
	}
	expectError(t, s.do(t, admin, `{ operations(first: 101) { total } }`, ""), "BAD_USER_INPUT", "0 to 100")
	expectError(t, s.do(t, admin, `{ operations(issuer: "https://id.example") { total } }`, ""), "BAD_USER_INPUT", "give its consumer")

	end := `mutation { endOperation(id: "b.7", reason: "why") { id events } }`
	expect(t, s.do(t, admin, end, ""), `{"endOperation":{"id":"b.7","events":8}}`)
	expectError(t, s.do(t, admin, `mutation { endOperation(id: "b.7", reason: "`+strings.Repeat("é", 201)+`") { id } }`, ""), "BAD_USER_INPUT", "200 characters")
	f.err = fleet.ErrNoOperation
	expectError(t, s.do(t, admin, end, ""), "NOT_FOUND", "b.7")
	f.err = errors.Join(fleet.ErrNoAnswer, errors.New("silent"))
	expectError(t, s.do(t, admin, end, ""), "UNAVAILABLE", "does not answer")
}

func TestNodes(t *testing.T) {
	s := newUsageShop(&resolvers.Resolver{Fleet: new(nodes)})
	expect(t, s.do(t, admin, `{ nodes { name version draining sessions { name count } operations { name count } groups members liveQueries
			backends { name up since reason reconnects calls { call count failures errorRatio p50Millis p99Millis lastError lastFailedAt } } } }`, ""),
		`{"nodes":[{"name":"a","version":null,"draining":false,"sessions":[],"operations":[],"groups":0,"members":0,"liveQueries":0,"backends":[]},`+
			`{"name":"b","version":"v1","draining":true,"sessions":[{"name":"multipart","count":1},{"name":"sse","count":2}],"operations":[{"name":"live","count":1}],"groups":4,"members":5,"liveQueries":6,`+
			`"backends":[{"name":"database","up":false,"since":"2026-11-01T12:00:00Z","reason":"away","reconnects":0,"calls":[{"call":"products","count":3,"failures":1,"errorRatio":0.5,"p50Millis":1.5,"p99Millis":1000,"lastError":"away","lastFailedAt":"2026-11-01T12:00:00Z"}]}]}]}`)
}

// Package gateway joins the transports, the operations and a broker to one http.Handler for any
// gqlgen schema.
//
// New makes it, ServeHTTP serves front ends, Operator serves operators, Close drains. A Gateway is
// safe for concurrent use. It reads no flags, listens on nothing and installs no signal handler.
package gateway

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/sluice-gateway/sluice/analytics"
	"github.com/sluice-gateway/sluice/analytics/ledger"
	"github.com/sluice-gateway/sluice/analytics/ledger/billing"
	"github.com/sluice-gateway/sluice/analytics/prom"
	"github.com/sluice-gateway/sluice/analytics/rollup"
	"github.com/sluice-gateway/sluice/auth"
	"github.com/sluice-gateway/sluice/gateway/fleet"
	"github.com/sluice-gateway/sluice/internal/complain"
	"github.com/sluice-gateway/sluice/internal/work"
	"github.com/sluice-gateway/sluice/limits"
	"github.com/sluice-gateway/sluice/operation"
	"github.com/sluice-gateway/sluice/pubsub"
	"github.com/sluice-gateway/sluice/pubsub/memory"
	"github.com/sluice-gateway/sluice/transport"
	"github.com/sluice-gateway/sluice/transport/graphqlws"
)

// Options configure a Gateway. The zero value works.
type Options struct {
	// Broker carries events; default: in this process only. The gateway closes a broker that it
	// made itself, no other.
	Broker pubsub.Broker
	// Authenticator says who is calling; default: everybody is anonymous. If it is an auth.Rechecker,
	// it is asked again for as long as sessions are open.
	Authenticator auth.Authenticator
	// Recheck is how often the keys of open sessions are checked, besides when a change of one is
	// announced, and how long that may take; moved by 10 % either way; default 60 s.
	Recheck time.Duration
	// Origins are the pages, besides the gateway's own, that may use it: exact, as in
	// "https://shop.example".
	Origins []string
	// Node is the name of this process among those that share the broker: up to 64 letters, digits, _ and -.
	// No two may have the same. Default: a random one.
	Node string
	// Backends count the calls of the services behind the gateway; default: nobody does. Those of a back end
	// are shown under its name in Checks, or "broker".
	Backends *analytics.Backends
	// Checks are what must work besides the broker for the gateway to be ready, by name. They are
	// called for each /readyz and must answer within its second; besides, every few seconds, for Nodes.
	Checks map[string]func(context.Context) error
	// PublishBytes is the size of the largest event that POST /publish takes; default 1 MiB.
	PublishBytes int64
	// Usage is what GET /usage and GET /usage/invoice read; nil: they answer 404. Prices are those of
	// invoices; none: there are no invoices.
	Usage  ledger.Reader
	Prices billing.Prices
	// UsageStats, TrafficStats and ChangeStats are called for /stats and /metrics: how the ledger of usage,
	// the sums over time and the reader of the database's changes are; nil: there is none.
	UsageStats   func() *UsageStats
	TrafficStats func() *rollup.Health
	ChangeStats  func() *ChangeStats
	// Pages serve whatever path is none of the gateway's own; nil: those are not found. Its answers set a
	// Content-Security-Policy, or browsers load nothing for them.
	Pages http.Handler
	// PartialStatus answers data with errors by HTTP status 294 instead of 200, to clients that take
	// application/graphql-response+json; default off, for few know it yet.
	PartialStatus bool
	// The options of the parts: all operations, all sessions, all of HTTP, WebSocket sessions, and the
	// streams of SSE and multipart responses.
	Operation operation.Options
	Sessions  transport.SessionLimits
	HTTP      transport.ReaderOptions
	WebSocket graphqlws.Options
	Streams   transport.StreamOptions
	// Log receives what operators should know; default slog.Default().
	Log *slog.Logger
}

func (o Options) withDefaults() (Options, error) {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Authenticator == nil {
		nobody, err := auth.NewKeys(nil)
		if err != nil {
			return o, err
		}
		o.Authenticator = nobody
	}
	if o.Recheck == 0 {
		o.Recheck = time.Minute
	}
	o.Node = cmp.Or(o.Node, rand.Text()[:10])
	o.Operation.Node = o.Node
	o.Backends = cmp.Or(o.Backends, analytics.NewBackends())
	if o.PublishBytes == 0 {
		o.PublishBytes = 1 << 20
	}
	if o.Operation.Recorder == nil {
		o.Operation.Recorder = analytics.NewRecorder(analytics.Options{})
	}
	if o.Operation.Log == nil {
		o.Operation.Log = o.Log
	}
	if o.HTTP.Log == nil {
		o.HTTP.Log = o.Log
	}
	if o.WebSocket.Log == nil {
		o.WebSocket.Log = o.Log
	}
	return o, nil
}

// A Gateway serves one schema.
type Gateway struct {
	options  Options
	broker   pubsub.Broker
	ours     bool // the broker was made here
	pool     *work.Pool
	engine   *operation.Engine
	schema   *ast.Schema
	sessions *transport.Sessions
	reader   *transport.Reader
	control  *control
	fleet    *fleet.Fleet
	probe    *probe
	metrics  *prom.Registry
	public   http.Handler
	operator http.Handler
	started  time.Time
	draining atomic.Bool
	troubles complain.Log
	requests atomic.Int64 // HTTP requests that are being answered
}

// New makes a gateway for a schema. It fails when the schema's directives contradict each other, or
// the options of credentials cannot work; the error says where and how. Close stops it.
func New(schema graphql.ExecutableSchema, options Options) (*Gateway, error) {
	options, err := options.withDefaults()
	if err == nil {
		err = options.HTTP.Credentials.Check()
	}
	if err != nil {
		return nil, err
	}
	g := &Gateway{
		options: options,
		broker:  options.Broker,
		schema:  schema.Schema(),
		pool:    work.NewPool(),
		started: time.Now(),
	}
	if g.broker == nil {
		retain := func(topic string) pubsub.Retention { return g.engine.Retention(topic) } // asked when there is one
		g.broker, g.ours = memory.NewWith(memory.Options{Retain: retain}), true
	}
	options.Operation.Recorder.Know(operationNames(options.Operation.Persisted.Trusted)...)
	g.newMetrics(&options.Operation.Share)
	g.engine, err = operation.New(schema, g.broker, g.pool, options.Operation)
	if err != nil {
		g.pool.Close()
		return nil, err
	}
	options.HTTP.Refusals = cmp.Or(options.HTTP.Refusals, g.engine.Refusals())
	g.reader = transport.NewReader(options.Authenticator, transport.NewOrigins(options.Origins), options.HTTP)
	g.sessions = transport.NewSessions(g.engine, auth.NewGrants(options.Authenticator), options.Sessions)
	g.control = newControl(g.broker, g.sessions.Grants(), options.Recheck, options.Log)
	g.probe = newProbe(options.Checks)
	g.fleet, err = fleet.Join(g.broker, fleet.Options{
		Node: options.Node, State: g.state, Recorder: options.Operation.Recorder, Log: options.Log,
	})
	if err != nil {
		g.fleet = nil
		return nil, errors.Join(err, g.Close(context.Background(), 0))
	}
	g.public = g.publicRoutes()
	g.operator = g.operatorRoutes()
	return g, nil
}

// ServeHTTP serves front ends: /graphql speaks every protocol, /graphql/stream is the single
// connection of GraphQL over SSE; /auth/renew; /publish/{topic}; /invalidate; /usage and
// /usage/invoice; /schema.graphql, where clients may introspect; /healthz and /readyz.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.requests.Add(1)
	defer g.requests.Add(-1)
	g.public.ServeHTTP(w, r)
}

// Operator serves what only operators may reach: health, /stats, /metrics and /debug/pprof, which need no
// credentials: listen on loopback or a closed network. /publish/{topic}, /invalidate and /usage need them
// here, too.
func (g *Gateway) Operator() http.Handler { return g.operator }

// Do runs one query or mutation, through the same checks as any client's, and returns its result.
func (g *Gateway) Do(ctx context.Context, req operation.Request) ([]byte, error) {
	req.Transport = cmp.Or(req.Transport, "program") // for who counts
	return g.engine.Do(ctx, req)
}

// SetPlans changes what consumers have bought: operations that run go by the new terms from their next
// event; one whose new duration is over ends. The error says what is wrong with the plans; then everything stays as it was.
func (g *Gateway) SetPlans(plans *limits.Plans) error { return g.engine.SetPlans(plans) }

// Budgets tells a resolver about the budgets of whoever asks, see operation.Engine.Budgets.
func (g *Gateway) Budgets(ctx context.Context) ([]operation.FieldBudget, error) {
	return g.engine.Budgets(ctx)
}

// StopUnrecorded ends operations whose usage cannot be kept, see operation.Engine.StopUnrecorded. Whoever
// has the ledger calls it every second.
func (g *Gateway) StopUnrecorded() { g.engine.StopUnrecorded() }

// Fleet is what the nodes that share the broker tell each other, this one among them.
func (g *Gateway) Fleet() *fleet.Fleet { return g.fleet }

// Invalidate has live queries run again whose results were made from what some keys name, see
// operation.Engine.Invalidate.
func (g *Gateway) Invalidate(ctx context.Context, keys ...string) error {
	return g.engine.Invalidate(ctx, keys...)
}

// NotReady makes /readyz answer 503 from now on, so that balancers send no new clients.
func (g *Gateway) NotReady() { g.draining.Store(true) }

// Close drains: it is not ready any more, refuses new operations, ends the sessions with
// 1012 Restarting, spread over window, waits for the requests that are being answered, and stops
// everything. When ctx is done the rest is ended at once. It returns an error when something did not
// stop in time; nothing that it waits for takes longer than a few seconds after that.
func (g *Gateway) Close(ctx context.Context, window time.Duration) error {
	g.NotReady()
	g.engine.Drain()
	err := errors.Join(g.sessions.Close(ctx, operation.Restarting, window, closePatience), g.answered(ctx))
	if g.fleet != nil { // its name was good
		err = errors.Join(err, g.fleet.Close())
	}
	g.probe.close()
	g.control.close()
	g.engine.Close()
	g.pool.Close()
	if g.ours {
		err = errors.Join(err, g.broker.Close())
	}
	return err
}

// answered waits until no request is being answered.
func (g *Gateway) answered(ctx context.Context) error {
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	for g.requests.Load() > 0 {
		select {
		case <-look.C:
		case <-ctx.Done():
			return fmt.Errorf("gateway: %d requests were cut off: %w", g.requests.Load(), ctx.Err())
		}
	}
	return nil
}

// closePatience is how long sessions may take to go once they were told: a slow peer's write
// deadline and some.
const closePatience = 8 * time.Second

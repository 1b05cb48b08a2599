package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/sluice-gateway/sluice/analytics"
	"github.com/sluice-gateway/sluice/auth"
	"github.com/sluice-gateway/sluice/demo"
	"github.com/sluice-gateway/sluice/gateway"
	"github.com/sluice-gateway/sluice/graph"
	"github.com/sluice-gateway/sluice/internal/outbox"
	"github.com/sluice-gateway/sluice/limits"
	"github.com/sluice-gateway/sluice/operation"
	"github.com/sluice-gateway/sluice/policy"
	"github.com/sluice-gateway/sluice/pubsub"
	"github.com/sluice-gateway/sluice/pubsub/memory"
	"github.com/sluice-gateway/sluice/pubsub/redis"
	"github.com/sluice-gateway/sluice/resolvers"
	"github.com/sluice-gateway/sluice/share"
	"github.com/sluice-gateway/sluice/store"
	"github.com/sluice-gateway/sluice/transport"
	"github.com/sluice-gateway/sluice/transport/graphqlws"
)

// Serve runs the gateway until ctx ends, then drains it. When it returns, nothing runs any more.
// It writes to out where the gateway can be reached.
func Serve(ctx context.Context, c *Config, out io.Writer) (err error) {
	log := newLog(c)
	slog.SetDefault(log)
	c.Node = cmp.Or(c.Node, newNodeName())
	backends := analytics.NewBackends()
	audits, err := newAudit(c, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, audits.Close()) }()
	tracer, err := newTracer(ctx, c, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeTracer(tracer)) }()
	rules, err := policy.Compile(graph.NewExecutableSchema(graph.Config{}).Schema())
	if err != nil {
		return err
	}
	if err := c.Retain.checkRetained(rules); err != nil {
		return err
	}
	retention := c.retention(rules)
	broker, err := newBroker(c, retention, backends, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, broker.Close()) }()
	broker = gateway.Traced(broker, tracer)
	shop, err := store.Open(ctx, c.Database)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, shop.Close()) }()
	shop.Observe(backends.Of("database"))
	manager, err := newKeys(c, shop, broker, noteKeys(audits, apiActor))
	if err != nil {
		return err
	}
	authn, err := newAuthenticator(c, manager, log)
	if err != nil {
		return err
	}
	defer authn.Close()
	persisted, err := newPersisted(c)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, persisted.Close()) }()
	spend, err := newBudgets(c, backends, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, spend.Close()) }()
	used, err := newUsage(ctx, c, backends.Of("database"), log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, used.Close()) }()
	flow, err := newTraffic(ctx, c)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, flow.Close()) }()
	countries, err := newCountries(c)
	if err != nil {
		return err
	}
	changes, err := newDatabaseChanges(ctx, c, shop, broker, log)
	if err != nil {
		return err
	}
	root := &resolvers.Resolver{Store: shop, Broker: broker, Keys: manager, Rollups: flow.reader(), Ended: noteEnds(audits)}
	schema := graph.NewExecutableSchema(graph.Config{Resolvers: root})
	options := gatewayOptions(c, log, broker, shop, authn, persisted, spend)
	changes.addTo(options.Checks, c)
	options.Backends, options.Operation.Unrecorded = backends, used.full
	options.UsageStats, options.TrafficStats, options.ChangeStats = used.stats, flow.stats, changes.stats
	options.Operation.Usage = used.count()
	options.Operation.Recorder = analytics.NewRecorder(analytics.Options{Subjects: c.CountSubjects})
	options.Operation.Retain = retention
	if options.Operation.Cursors, err = c.cursorKeys(); err != nil {
		return err
	}
	options.Operation.Tracer, options.Operation.Country = tracer, countries
	if err := used.addTo(&options, c); err != nil {
		return err
	}
	g, err := gateway.New(schema, options)
	if err != nil {
		return err
	}
	root.Budgets, root.Fleet = g, g.Fleet()
	root.Usage, root.Prices = options.Usage, options.Prices
	flow.begin(c, options.Operation.Recorder, g, backends.Of("database"), log)
	servers, err := listen(c, g)
	if err != nil {
		return errors.Join(err, g.Close(ctx, 0))
	}
	servers.announce(c, authn.dev, out)

	var running sync.WaitGroup
	failed := servers.start(&running)
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	running.Go(func() { manageHeap(serving) })
	running.Go(func() { changes.run(serving, g) })
	running.Go(func() { used.run(serving, g) })
	running.Go(func() { used.tell(serving) })
	running.Go(func() { (&planWatch{config: c, set: g.SetPlans, audit: audits, log: log}).run(serving) })
	if c.Demo {
		feeding, stopFeeding := context.WithCancel(ctx)
		defer stopFeeding()
		context.AfterFunc(serving, stopFeeding)
		running.Go(func() { feed(feeding, g, log) })
	}
	select {
	case <-ctx.Done():
		log.Info("draining", "sessions", g.Stats().Sessions, "delay", c.DrainDelay, "window", c.DrainWindow)
		err = drain(c, g, servers, log)
	case err = <-failed:
		err = errors.Join(err, g.Close(ctx, 0), servers.close())
	}
	stop()
	running.Wait()
	log.Info("stopped")
	return err
}

func newLog(c *Config) *slog.Logger {
	options := &slog.HandlerOptions{Level: c.LogLevel}
	if c.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(os.Stderr, options))
	}
	return slog.New(slog.NewTextHandler(os.Stderr, options))
}

func newBroker(c *Config, retain func(topic string) pubsub.Retention, backends *analytics.Backends, log *slog.Logger) (pubsub.Broker, error) {
	if c.Redis == "" {
		return memory.NewWith(memory.Options{Retain: retain}), nil
	}
	return redis.New(c.Redis, redis.Options{
		Retain:           retain,
		Connections:      int(c.BrokerConnections),
		ProbeInterval:    c.BrokerProbe,
		PublishTimeout:   c.PublishTimeout,
		SubscribeTimeout: c.SubscribeTimeout,
		Observe:          backends.Of("broker"),
		Logger:           log,
	})
}

// localRecheck is how often keys are checked where there is no Redis to carry the news: sluice keys
// changes them in the database alone.
const localRecheck = 800 * time.Millisecond

func gatewayOptions(c *Config, log *slog.Logger, broker pubsub.Broker, shop *store.Store, authn auth.Authenticator, persisted *persisted, spend *budgets) gateway.Options {
	recheck := c.Recheck
	if c.Redis == "" {
		recheck = min(recheck, localRecheck)
	}
	return gateway.Options{
		Node:          c.Node,
		Broker:        broker,
		Authenticator: authn,
		Recheck:       recheck,
		Origins:       c.Origins,
		Checks: map[string]func(context.Context) error{
			"database": shop.Ping,
			"budgets":  spend.options.Book.Check,
		},
		PublishBytes:  int64(c.EventSize),
		Pages:         c.pages(),
		PartialStatus: c.PartialStatus,
		Operation: operation.Options{
			Query:         queryLimits(c),
			Timeout:       c.RequestTimeout,
			LogOperations: c.LogOperations,
			Introspection: c.Introspection || c.Dev,
			Suggestions:   c.Suggestions || c.Dev,
			Persisted:     persisted.options,
			Budgets:       spend.options,
			Callers: operation.CallerLimits{
				Sessions:        int(c.SessionsPerViewer),
				Operations:      int(c.OperationsPerViewer),
				Requests:        limits.Rate(c.RequestRate),
				AddressRequests: limits.Rate(c.AddressRequestRate),
				Shared:          spend.rates,
				Uncounted:       c.UncountedAddresses,
			},
			Live: operation.LiveOptions{
				Throttle:    c.LiveThrottle,
				MinThrottle: c.LiveMinThrottle,
				Reconcile:   c.LiveReconcile,
				Most:        int(c.LiveQueries),
				Runs:        min(int(c.LiveRuns), 1000),
			},
			Share: share.Options{
				Linger:      c.Linger,
				StepTimeout: c.ResolverTimeout,
				MaxResult:   int(c.ResultSize),
			},
		},
		Sessions: transport.SessionLimits{
			Sessions:    int(c.Sessions),
			PerAddress:  int(c.SessionsPerAddress),
			Rate:        limits.Rate(c.SessionRate),
			AddressRate: limits.Rate(c.AddressSessionRate),
		},
		HTTP: transport.ReaderOptions{BodyBytes: int64(c.BodySize), Credentials: c.credentialOptions()},
		Streams: transport.StreamOptions{
			Events:       int(c.OutboxEvents),
			Bytes:        int(c.OutboxSize),
			WriteTimeout: c.WriteTimeout,
		},
		WebSocket: graphqlws.Options{
			InitTimeout:  c.InitTimeout,
			PingInterval: c.PingInterval,
			PongWait:     c.PongTimeout,
			MessageBytes: int64(c.MessageSize),
			Operations:   int(c.Operations),
			Messages:     limits.Rate(c.MessageRate),
			Pings:        limits.Rate(c.PingRate),
			MaxAge:       c.SessionAge,
			Outbox:       outbox.Limits{Events: int(c.OutboxEvents), Bytes: int(c.OutboxSize)},
			Socket:       outbox.SocketOptions{Deadline: c.WriteTimeout},
		},
		Log: log,
	}
}

func queryLimits(c *Config) operation.QueryLimits {
	return operation.QueryLimits{
		DocumentBytes:    int(c.DocumentSize),
		Tokens:           int(c.Tokens),
		Directives:       int(c.Directives),
		Depth:            int(c.Depth),
		Aliases:          int(c.Aliases),
		RootFields:       int(c.RootFields),
		Cost:             int(c.Cost),
		ListSize:         int(c.ListSize),
		OperationName:    int(c.OperationName),
		Variables:        int(c.Variables),
		VariableDepth:    int(c.VariableDepth),
		VariableElements: int(c.VariableElements),
		Digits:           int(c.Digits),
	}
}

// drain stops serving in an order that clients do not notice: not ready, then refusing, then gone. Who
// will not go within hardStop of the window's end is cut off: a process that is ended has no longer, and
// clients who do not read are no failure of it.
func drain(c *Config, g *gateway.Gateway, s *servers, log *slog.Logger) error {
	delay, window := c.DrainDelay, c.DrainWindow
	if c.Dev {
		delay, window = 0, 0
	}
	g.NotReady()
	<-time.After(delay)
	ctx, cancel := context.WithTimeout(context.Background(), window+hardStop)
	defer cancel()
	var cutting sync.WaitGroup
	defer cutting.Wait()
	cutting.Go(func() { s.cut(ctx) })
	s.letGo()
	err := g.Close(ctx, window)
	forced := ctx.Err() != nil
	cancel()
	if err = errors.Join(err, s.close()); forced {
		log.Warn("the time to drain is over, and the rest was cut off", "error", err)
		return nil
	}
	return err
}

// hardStop is how long after the drain window whatever is left is given up: as long as a session may
// take to go that was told last.
const hardStop = 5 * time.Second

// feed keeps the shop busy, as a customer of its own.
func feed(ctx context.Context, g *gateway.Gateway, log *slog.Logger) {
	viewer := &auth.Viewer{Consumer: "demo", Subject: "demo", Scopes: []string{"catalog:write"}}
	demo.Feed{Products: store.Seed(), Logger: log}.Run(ctx, func(ctx context.Context, query string, variables map[string]any) error {
		result, err := g.Do(ctx, operation.Request{Viewer: viewer, Query: query, Variables: variables})
		if err != nil {
			return err
		}
		var answer struct{ Errors gqlerror.List }
		if err := json.Unmarshal(result, &answer); err != nil {
			return err
		}
		if len(answer.Errors) > 0 {
			return errors.New(answer.Errors[0].Message)
		}
		return nil
	})
}

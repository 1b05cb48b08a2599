package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/sluice-gateway/sluice/auth"
	"github.com/sluice-gateway/sluice/demo"
	"github.com/sluice-gateway/sluice/gateway"
	"github.com/sluice-gateway/sluice/graph"
	"github.com/sluice-gateway/sluice/internal/outbox"
	"github.com/sluice-gateway/sluice/operation"
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
	broker, err := newBroker(c, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, broker.Close()) }()
	shop, err := store.Open(ctx, c.Database)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, shop.Close()) }()
	g, err := newGateway(c, broker, shop, log)
	if err != nil {
		return err
	}
	servers, err := listen(c, g)
	if err != nil {
		return errors.Join(err, g.Close(ctx, 0))
	}
	servers.announce(c, out)

	var running sync.WaitGroup
	failed := servers.start(&running)
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	running.Go(func() { manageHeap(serving) })
	if c.Demo {
		feeding, stopFeeding := context.WithCancel(ctx)
		defer stopFeeding()
		context.AfterFunc(serving, stopFeeding)
		running.Go(func() { feed(feeding, g, log) })
	}
	select {
	case <-ctx.Done():
		log.Info("draining", "sessions", g.Stats().Sessions, "delay", c.DrainDelay, "window", c.DrainWindow)
		err = drain(c, g, servers)
	case err = <-failed:
		err = errors.Join(err, g.Close(ctx, 0), servers.close(ctx))
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

func newBroker(c *Config, log *slog.Logger) (pubsub.Broker, error) {
	if c.Redis == "" {
		return memory.New(), nil
	}
	return redis.New(c.Redis, redis.Options{
		Connections:      int(c.BrokerConnections),
		ProbeInterval:    c.BrokerProbe,
		PublishTimeout:   c.PublishTimeout,
		SubscribeTimeout: c.SubscribeTimeout,
		Logger:           log,
	})
}

func newGateway(c *Config, broker pubsub.Broker, shop *store.Store, log *slog.Logger) (*gateway.Gateway, error) {
	keys, err := auth.NewKeys(c.Keys)
	if err != nil {
		return nil, err
	}
	schema := graph.NewExecutableSchema(graph.Config{Resolvers: &resolvers.Resolver{Store: shop, Broker: broker}})
	return gateway.New(schema, gateway.Options{
		Broker:        broker,
		Authenticator: keys,
		Origins:       c.Origins,
		Checks:        map[string]func(context.Context) error{"database": shop.Ping},
		PublishBytes:  int64(c.EventSize),
		PartialStatus: c.PartialStatus,
		Operation: operation.Options{
			Tokens:        int(c.Tokens),
			DocumentBytes: int(c.DocumentSize),
			Timeout:       c.RequestTimeout,
			Introspection: c.Introspection || c.Dev,
			Share: share.Options{
				Linger:      c.Linger,
				StepTimeout: c.ResolverTimeout,
				MaxResult:   int(c.ResultSize),
			},
		},
		HTTP: transport.ReaderOptions{BodyBytes: int64(c.BodySize)},
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
			MaxAge:       c.SessionAge,
			Outbox:       outbox.Limits{Events: int(c.OutboxEvents), Bytes: int(c.OutboxSize)},
			Socket:       outbox.SocketOptions{Deadline: c.WriteTimeout},
		},
		Log: log,
	})
}

// drain stops serving in an order that clients do not notice: not ready, then refusing, then gone.
func drain(c *Config, g *gateway.Gateway, s *servers) error {
	delay := c.DrainDelay
	if c.Dev {
		delay = 0
	}
	g.NotReady()
	<-time.After(delay)
	ctx, cancel := context.WithTimeout(context.Background(), c.DrainWindow+hardStop)
	defer cancel()
	window := c.DrainWindow
	if c.Dev {
		window = 0
	}
	return errors.Join(g.Close(ctx, window), s.close(ctx))
}

// hardStop is how long after the drain window whatever is left is given up.
const hardStop = 5 * time.Second

// feed keeps the shop busy, as a customer of its own.
func feed(ctx context.Context, g *gateway.Gateway, log *slog.Logger) {
	viewer := &auth.Viewer{Consumer: "demo", Subject: "demo"}
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

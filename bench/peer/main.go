// Command peer is the plain gqlgen server that Sluice is measured against: gqlgen's own handler and
// transports as a reasonable team would assemble them, fed by a hub with one Redis subscription per
// topic. It decodes and executes once per subscriber, which is what gqlgen does.
package main

import (
	"context"
	"flag"
	"log"
	"net/http"
	"os/signal"
	"syscall"
	"time"

	"github.com/99designs/gqlgen/graphql/handler"
	"github.com/99designs/gqlgen/graphql/handler/extension"
	"github.com/99designs/gqlgen/graphql/handler/lru"
	"github.com/99designs/gqlgen/graphql/handler/transport"
	"github.com/redis/go-redis/v9"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/sluice-gateway/sluice/bench/peer/graph"
	"github.com/sluice-gateway/sluice/bench/peer/hub"
)

//go:generate go tool gqlgen generate

func main() {
	addr := flag.String("addr", "127.0.0.1:8081", "address to listen on")
	redisURL := flag.String("redis", "redis://127.0.0.1:6379", "Redis that carries the events")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *addr, *redisURL); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, addr, redisURL string) error {
	options, err := redis.ParseURL(redisURL)
	if err != nil {
		return err
	}
	rdb := redis.NewClient(options)
	defer rdb.Close()

	server := handler.New(graph.NewExecutableSchema(graph.Config{
		Resolvers: &graph.Resolver{Hub: hub.New(ctx, rdb)},
	}))
	server.AddTransport(transport.Websocket{
		KeepAlivePingInterval: 10 * time.Second,
		PingPongInterval:      25 * time.Second,
	})
	server.AddTransport(transport.SSE{KeepAlivePingInterval: 15 * time.Second})
	server.AddTransport(transport.Options{})
	server.AddTransport(transport.GET{})
	server.AddTransport(transport.POST{})
	server.SetQueryCache(lru.New[*ast.QueryDocument](1000))
	server.Use(extension.Introspection{})
	server.Use(extension.AutomaticPersistedQuery{Cache: lru.New[string](100)})

	mux := http.NewServeMux()
	mux.Handle("/graphql", server)
	web := &http.Server{Addr: addr, Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go func() {
		<-ctx.Done()
		_ = web.Close()
	}()
	if err := web.ListenAndServe(); err != http.ErrServerClosed {
		return err
	}
	return nil
}

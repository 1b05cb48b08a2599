package gateway

import (
	"net/http"
	"net/http/pprof"

	"github.com/sluice-gateway/sluice/transport/graphqlws"
	"github.com/sluice-gateway/sluice/transport/httpapi"
	"github.com/sluice-gateway/sluice/transport/multipart"
	"github.com/sluice-gateway/sluice/transport/sse"
)

func (g *Gateway) publicRoutes() http.Handler {
	o := &g.options
	ws := graphqlws.New(g.engine, g.reader, g.sessions, g.pool, o.WebSocket)
	requests := httpapi.New(g.engine, g.reader, httpapi.Options{
		PartialStatus: o.PartialStatus,
		Streams: []httpapi.Protocol{
			multipart.New(g.sessions, o.Streams),
			sse.NewDistinct(g.sessions, o.Streams),
			multipart.NewIncremental(g.sessions, o.Streams),
		},
	})
	connection := sse.NewConnection(g.engine, g.reader, g.sessions, sse.Options{
		Stream:     o.Streams,
		Operations: o.WebSocket.Operations,
	})
	mux := http.NewServeMux()
	mux.HandleFunc("/graphql", func(w http.ResponseWriter, r *http.Request) {
		if graphqlws.IsUpgrade(r) {
			ws.ServeHTTP(w, r)
			return
		}
		requests.ServeHTTP(w, r)
	})
	mux.Handle("/graphql/stream", connection)
	mux.HandleFunc("/auth/renew", g.renew)
	mux.HandleFunc("/publish/{topic}", g.publish)
	mux.HandleFunc("/invalidate", g.invalidate)
	g.addUsage(mux)
	mux.HandleFunc("GET /healthz", g.health)
	mux.HandleFunc("GET /readyz", g.ready)
	if o.Operation.Introspection {
		mux.Handle("GET /schema.graphql", newSDL(g.schema))
	}
	if o.Pages != nil {
		mux.Handle("/", o.Pages)
	}
	return secured(mux)
}

func (g *Gateway) operatorRoutes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", g.health)
	mux.HandleFunc("GET /readyz", g.ready)
	mux.HandleFunc("GET /stats", g.stats)
	mux.Handle("GET /metrics", g.metrics.Handler())
	mux.HandleFunc("/publish/{topic}", g.publish)
	mux.HandleFunc("/invalidate", g.invalidate)
	g.addUsage(mux)
	mux.HandleFunc("GET /debug/pprof/", page(pprof.Index))
	mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	return secured(mux)
}

package httpapi_test

import (
	"net/http"

	"github.com/sluice-gateway/sluice/auth"
	"github.com/sluice-gateway/sluice/operation"
	"github.com/sluice-gateway/sluice/transport"
	"github.com/sluice-gateway/sluice/transport/httpapi"
	"github.com/sluice-gateway/sluice/transport/multipart"
	"github.com/sluice-gateway/sluice/transport/sse"
)

// One path for every operation, another for the single connection mode of graphql-sse.
func ExampleNew() {
	var (
		engine *operation.Engine  // of operation.New
		keys   auth.Authenticator // of auth.NewKeys
	)
	// Its Close drains every stream.
	sessions := transport.NewSessions(engine, auth.NewGrants(keys), transport.SessionLimits{})

	origins := transport.NewOrigins([]string{"https://shop.example"})
	reader := transport.NewReader(keys, origins, transport.ReaderOptions{})
	stream := transport.StreamOptions{}

	mux := http.NewServeMux()
	mux.Handle("/graphql", httpapi.New(engine, reader, httpapi.Options{Streams: []httpapi.Protocol{
		multipart.New(sessions, stream), // first: Apollo's clients list JSON beside it
		sse.NewDistinct(sessions, stream),
	}}))
	mux.Handle("/graphql/stream", sse.NewConnection(engine, reader, sessions, sse.Options{Stream: stream}))
}

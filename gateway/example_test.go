package gateway_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/sluice-gateway/sluice/gateway"
	"github.com/sluice-gateway/sluice/internal/testschema"
)

// Another program mounts the gateway in front of its own gqlgen schema. The schema's directives say
// which topics feed its subscriptions; the resolvers hand pubsub.Stream on.
func Example() {
	g, err := gateway.New(testschema.New(), gateway.Options{})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/graphql", g)
	server := httptest.NewServer(mux)
	defer server.Close()
	defer func() { _ = g.Close(context.Background(), 0) }()

	answer, err := http.Post(server.URL+"/graphql", "application/json", strings.NewReader(`{"query":"{ hello }"}`))
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, _ := io.ReadAll(answer.Body)
	fmt.Println(string(text))
	// Output: {"data":{"hello":"hello world"}}
}

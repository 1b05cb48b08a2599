package panics

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"

	"github.com/sluice-gateway/sluice/graph"
	"github.com/sluice-gateway/sluice/pubsub"
	"github.com/sluice-gateway/sluice/resolvers"
)

const selected, apart = "stock revision previousStock", "stock revision"

func TestWhoPanics(t *testing.T) {
	for name, test := range map[string]struct {
		selection string
		event     string // what stands in it besides
		want      string // of the results, and of panics that nobody has caught
	}{
		"nobody, by an event as any other":       {selected, ``, `{"stockChanged":{"stock":1,"revision":2,"previousStock":null}}`},
		"nor by one with a previous stock":       {selected, `,"previousStock":5`, `{"stockChanged":{"stock":1,"revision":2,"previousStock":5}}`},
		"a field, and the others are there":      {selected, `,"previousStock":-1`, `{"stockChanged":{"stock":1,"revision":2,"previousStock":null}} a field is torn`},
		"nobody who does not ask for that field": {apart, `,"previousStock":-1`, `{"stockChanged":{"stock":1,"revision":2}}`},
		"nor for that of an execution":           {apart, `,"previousStock":-2`, `{"stockChanged":{"stock":1,"revision":2}}`},
	} {
		t.Run(name, func(t *testing.T) {
			for range 20 {
				if got := execute(t, test.selection, test.event); got != test.want {
					t.Fatalf("got  %s\nwant %s", got, test.want)
				}
			}
		})
	}
}

func TestAnExecutionPanicsNowAndThen(t *testing.T) {
	seen := make(map[string]int)
	for range 200 {
		seen[execute(t, selected, `,"previousStock":-2`)]++
	}
	if seen["panic: an execution is torn"] == 0 || seen[`{"stockChanged":{"stock":1,"revision":2,"previousStock":-2}}`] == 0 || len(seen) != 2 {
		t.Errorf("of 200: %v", seen)
	}
}

// execute returns what is made of an event: data and errors, or the panic.
func execute(t *testing.T, selection, event string) (made string) {
	t.Helper()
	e := executor.New(In(graph.NewExecutableSchema(graph.Config{Resolvers: new(resolvers.Resolver)})))
	e.SetRecoverFunc(func(_ context.Context, value any) error { return fmt.Errorf("%v", value) })
	ctx, feed := pubsub.WithFeed(graphql.StartOperationTrace(t.Context()))
	operation, errs := e.CreateOperationContext(ctx, &graphql.RawParams{Query: `subscription { stockChanged(productId: "1") { ` + selection + ` } }`})
	if errs != nil {
		t.Fatal(errs)
	}
	next, ctx := e.DispatchOperation(ctx, operation)
	if err := feed.Push(&pubsub.Event{Topic: "stock.1", Payload: []byte(`{"stock":1,"revision":2` + event + `}`)}); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if value := recover(); value != nil {
			made = fmt.Sprintf("panic: %v", value)
		}
	}()
	r := next(ctx)
	made = string(r.Data)
	for _, err := range r.Errors {
		made += " " + err.Message
	}
	return strings.TrimSpace(made)
}

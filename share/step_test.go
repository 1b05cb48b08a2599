package share_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/sluice-gateway/sluice/internal/outbox"
	"github.com/sluice-gateway/sluice/internal/work"
	"github.com/sluice-gateway/sluice/pubsub"
	"github.com/sluice-gateway/sluice/pubsub/memory"
	"github.com/sluice-gateway/sluice/share"
)

// A slow executor takes two seconds for each event.
type slow struct{}

func (slow) DispatchOperation(ctx context.Context, _ *graphql.OperationContext) (graphql.ResponseHandler, context.Context) {
	events, err := pubsub.Stream(ctx, func(payload []byte) (*string, error) {
		text := new(string)
		return text, json.Unmarshal(payload, text)
	})
	if err != nil {
		panic(err)
	}
	return func(context.Context) *graphql.Response {
		text := <-events
		time.Sleep(2 * time.Second)
		return &graphql.Response{Data: []byte(`"` + *text + `"`)}
	}, ctx
}

// A lazy member takes a second for each result.
type lazy struct{}

func (lazy) Next(outbox.Event) { time.Sleep(time.Second) }
func (lazy) End(gqlerror.List) {}

// subscription is { ...f } with the fragment f on Subscription { message }.
func subscription() *graphql.OperationContext {
	field := &ast.Field{Name: "message", Alias: "m", ObjectDefinition: &ast.Definition{Name: "Subscription"}}
	fragment := &ast.FragmentDefinition{SelectionSet: ast.SelectionSet{&ast.InlineFragment{SelectionSet: ast.SelectionSet{field}}}}
	return &graphql.OperationContext{Operation: &ast.OperationDefinition{
		SelectionSet: ast.SelectionSet{&ast.FragmentSpread{Definition: fragment}},
	}}
}

func TestEachStepIsObservedOnceForAllMembers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broker, pool := memory.New(), work.NewPool()
		var steps []share.Step
		groups := share.NewGroups(slow{}, broker, pool, share.Options{
			Observe: func(s share.Step) { steps = append(steps, s) },
			Log:     slog.New(slog.DiscardHandler),
		})
		spec := func() share.Spec { return share.Spec{Context: subscription(), Topics: []string{"room.1"}} }
		for range 2 {
			if _, err := groups.Join(share.Key{}, spec, lazy{}); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		for _, payload := range []string{`"a"`, `no JSON`, `"b"`} {
			if err := broker.Publish(t.Context(), "room.1", []byte(payload)); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		first := share.Step{
			Field: "Subscription.message", Topic: "room.1",
			Executed: 2 * time.Second, Delivered: 2 * time.Second, Members: 2,
		}
		second := first
		second.Queued = 4 * time.Second // behind the first
		if len(steps) != 2 || steps[0] != first || steps[1] != second {
			t.Errorf("%+v", steps)
		}
		groups.Close()
		pool.Close()
		_ = broker.Close()
	})
}

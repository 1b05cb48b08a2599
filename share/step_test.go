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
type lazy struct {
	told *uint64           // how many lost events results told of
	lost map[string]uint64 // how many there were
}

func (l lazy) Next(e outbox.Event) bool {
	*l.told += e.Dropped
	time.Sleep(time.Second)
	return true
}

func (lazy) At([]byte)                  {}
func (lazy) Gap(*pubsub.GapError, bool) {}

func (l lazy) Lose(n uint64, why share.Loss) {
	l.lost[map[share.Loss]string{share.Undecodable: "undecodable", share.Overrun: "overrun"}[why]] += n
}

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
		spec := func() share.Spec { return share.Spec{Context: subscription, Topics: []string{"room.1"}} }
		var told uint64
		lost := make(map[string]uint64)
		for range 2 {
			if _, err := groups.Join(share.Key{}, spec, lazy{&told, lost}); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		began := time.Now()
		for _, payload := range []string{`"a"`, `no JSON`, `"b"`} {
			if err := broker.Publish(t.Context(), "room.1", []byte(payload)); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		first := share.Step{
			Field: "Subscription.message", Topic: "room.1",
			Executed: 2 * time.Second, Delivered: 2 * time.Second, Members: 2, Begun: began, Published: began,
		}
		second := first
		second.Queued = 4 * time.Second // behind the first
		second.Begun = began.Add(second.Queued)
		if len(steps) != 2 || steps[0] != first || steps[1] != second {
			t.Errorf("%+v", steps)
		}
		if told != 2 || lost["undecodable"] != 2 || lost["overrun"] != 0 {
			t.Errorf("two members have lost %v, and were told of %d", lost, told)
		}
		groups.Close()
		pool.Close()
		_ = broker.Close()
	})
}

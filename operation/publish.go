package operation

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"github.com/99designs/gqlgen/graphql"

	"github.com/sluice-gateway/sluice/policy"
	"github.com/sluice-gateway/sluice/pubsub"
)

// publishing is the resolver middleware of one mutation: the result of each root field that
// @publish stands on goes to its topics, whole, whatever the client selected of it.
func (e *Engine) publishing(fields map[string]*policy.Field) graphql.FieldMiddleware {
	mutation := e.schema.Schema().Mutation.Name
	return func(ctx context.Context, next graphql.Resolver) (any, error) {
		result, err := next(ctx)
		fc := graphql.GetFieldContext(ctx)
		if err != nil || result == nil || fc.Object != mutation || fc.Parent != nil && fc.Parent.Parent != nil {
			return result, err
		}
		field := fields[fc.Field.Alias]
		if field == nil {
			return result, nil
		}
		ctx = context.WithoutCancel(ctx) // the change is made, so its event is sent, even if the client has left
		for _, topic := range field.Publish {
			if err := e.publish(ctx, topic, result); err != nil {
				e.options.Log.Error("the result of a mutation was not published", "topic", topic.String(), "error", err)
				return nil, Errorf(CodeBroker, "the change was made, but its event could not be published")
			}
		}
		return result, nil
	}
}

// publish sends a result, as JSON, to the topics that a template makes of its fields.
func (e *Engine) publish(ctx context.Context, topic pubsub.Template, result any) error {
	payload, err := json.Marshal(result)
	if err != nil {
		return fmt.Errorf("encode the result: %w", err)
	}
	var fields map[string]any
	decoder := json.NewDecoder(bytes.NewReader(payload))
	decoder.UseNumber()
	if err := decoder.Decode(&fields); err != nil {
		return fmt.Errorf("the result is no object: %w", err)
	}
	names, err := topic.Expand(func(name string) (any, bool) {
		value, ok := fields[name]
		return value, ok
	})
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := e.broker.Publish(ctx, name, payload); err != nil {
			return fmt.Errorf("publish to %q: %w", name, err)
		}
	}
	return nil
}

package operation

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/99designs/gqlgen/graphql"

	"github.com/sluice-gateway/sluice/policy"
	"github.com/sluice-gateway/sluice/pubsub"
)

// changes are what becomes of one mutation besides its result: events that are published, and keys of what
// it has changed, for live queries.
type changes struct {
	engine *Engine
	fields map[string]*policy.Field // of the root, by response key
	shown  *tracker                 // what the result shows, and what resolvers say
	said   []string                 // by @invalidates
	told   []string                 // by the events that were published
	done   bool
}

func (e *Engine) newChanges(p *prepared) *changes {
	c := &changes{engine: e, fields: make(map[string]*policy.Field, len(p.policy.Fields))}
	for _, root := range p.policy.Fields {
		c.fields[root.Selection.Alias] = root.Policy
	}
	c.shown = newTracker(e.policy, e.schema.Schema().Mutation.Name)
	c.shown.object = func(fc *graphql.FieldContext, name, id string) {
		c.shown.add(name + ":" + id)
		if of := c.fields[rootOf(fc).Field.Alias]; of == nil || len(of.Invalidates) == 0 {
			c.shown.add(name) // it may be new, or stand elsewhere
		}
	}
	return c
}

// middleware is the resolver middleware of the mutation. Root fields are resolved one after the other.
func (c *changes) middleware(ctx context.Context, next graphql.Resolver) (any, error) {
	result, err := c.shown.middleware(ctx, next)
	fc := graphql.GetFieldContext(ctx)
	if err != nil || result == nil || !isRootField(fc, c.shown.root) {
		return result, err
	}
	field := c.fields[fc.Field.Alias]
	if field == nil || len(field.Publish) == 0 && len(field.Invalidates) == 0 {
		return result, nil
	}
	payload, err := json.Marshal(result) // whole, whatever the client selected of it
	if string(payload) == "null" {
		return result, nil
	}
	objects := objectsOf(payload)
	for _, members := range objects {
		for _, key := range field.Invalidates {
			c.said = append(c.said, key.Keys(members)...)
		}
	}
	ctx = context.WithoutCancel(ctx) // the change is made, so its event is sent, even if the client has left
	for _, topic := range field.Publish {
		if err == nil {
			err = c.publish(ctx, topic, payload, objects[0])
		}
		if err != nil {
			c.engine.options.Log.Error("the result of a mutation was not published", "topic", topic.String(), "error", err)
			return nil, Errorf(CodeBroker, "the change was made, but its event could not be published")
		}
	}
	return result, nil
}

// objectsOf are the members of a JSON object, or of those in a list, or of nothing: nil.
func objectsOf(payload []byte) []map[string]any {
	var list []json.RawMessage
	if json.Unmarshal(payload, &list) == nil {
		objects := make([]map[string]any, 1, len(list)+1)
		for _, element := range list {
			if members, err := membersOf(element); err == nil {
				objects = append(objects, members)
			}
		}
		return objects
	}
	members, _ := membersOf(payload)
	return []map[string]any{members}
}

// membersOf reads a JSON object, with numbers as they stand.
func membersOf(payload []byte) (members map[string]any, err error) {
	decoder := json.NewDecoder(bytes.NewReader(payload))
	decoder.UseNumber()
	err = decoder.Decode(&members)
	return members, err
}

// publish sends a result to the topics that a template makes of its members. What its events say to live
// queries need not be said again, unless they could not be sent.
func (c *changes) publish(ctx context.Context, topic pubsub.Template, payload []byte, members map[string]any) error {
	names, err := topic.Expand(func(name string) (any, bool) {
		value, ok := members[name]
		return value, ok
	})
	if err != nil {
		return err
	}
	for _, name := range names {
		keys := c.engine.announced(name, members)
		if err := c.engine.broker.Publish(ctx, name, payload); err != nil {
			c.said = append(c.said, keys...)
			return fmt.Errorf("publish to %q: %w", name, err)
		}
		c.told = append(c.told, keys...)
	}
	return nil
}

// keys are those of what has changed. What events have told of already is not among them, as long as this
// node hears them.
func (c *changes) keys() []string {
	keys := append(c.shown.list(), c.said...)
	if !c.engine.ear.hears.Load() {
		return append(keys, c.told...)
	}
	return slices.DeleteFunc(keys, func(key string) bool { return slices.Contains(c.told, key) })
}

// Package testschema is a second, tiny gqlgen API for tests: every field does one thing that a
// gateway must get right. It shows as well how another program writes its resolvers.
package testschema

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/sluice-gateway/sluice/auth"
	"github.com/sluice-gateway/sluice/pubsub"
)

// New makes the schema, with notes of its own.
func New() graphql.ExecutableSchema { return NewWith(new(Notes)) }

// NewWith makes the schema on notes that a test can change.
func NewWith(notes *Notes) graphql.ExecutableSchema {
	return NewExecutableSchema(Config{Resolvers: root{notes}})
}

// A Message is an event of the topics room.{room}.
type Message struct {
	Room   string  `json:"room"`
	Text   string  `json:"text"`
	Author *string `json:"author,omitempty"`
}

// A Secret is an event of the topics secret.{subject}.
type Secret struct {
	Text string `json:"text"`
}

func decode[T any](payload []byte) (*T, error) {
	v := new(T)
	return v, json.Unmarshal(payload, v)
}

type (
	root          struct{ notes *Notes }
	queries       struct{ notes *Notes }
	mutations     struct{ notes *Notes }
	subscriptions struct{}
	messages      struct{}
	secrets       struct{}
)

func (r root) Query() QueryResolver             { return queries(r) }
func (r root) Mutation() MutationResolver       { return mutations(r) }
func (root) Subscription() SubscriptionResolver { return subscriptions{} }
func (root) Message() MessageResolver           { return messages{} }
func (root) Secret() SecretResolver             { return secrets{} }

func caller(ctx context.Context) (string, error) {
	v, err := auth.ViewerFrom(ctx)
	if err != nil {
		return "", err
	}
	return v.Consumer + "/" + v.Subject, nil
}

func (queries) Whoami(ctx context.Context) (string, error) { return caller(ctx) }
func (queries) Broken(context.Context) (*string, error) {
	return nil, errors.New("password is hunter2")
}
func (queries) Panics(context.Context) (*string, error) { panic("oh no") }
func (queries) Refused(context.Context) (*string, error) {
	return nil, &gqlerror.Error{
		Err:        errors.New("row 7 of table secrets"),
		Message:    "you may not",
		Extensions: map[string]any{"code": "FORBIDDEN"},
	}
}

func (queries) Hello(_ context.Context, name *string) (string, error) { return "hello " + *name, nil }

func (q queries) LatestOf(_ context.Context, room string) (*Message, error) {
	if q.notes.LatestOf == nil {
		return nil, nil
	}
	return q.notes.LatestOf(room)
}

func (queries) Staff(context.Context, string) (string, error) { return "only", nil }

func (queries) Slow(ctx context.Context) (*string, error) { <-ctx.Done(); return nil, ctx.Err() }

func (mutations) Say(_ context.Context, room, text string) (*Message, error) {
	return &Message{Room: room, Text: text}, nil
}

func (subscriptions) Message(ctx context.Context, _ []string) (<-chan *Message, error) {
	return pubsub.Stream(ctx, decode[Message])
}

func (subscriptions) Recent(ctx context.Context, _ []string) (<-chan *Message, error) {
	return pubsub.Stream(ctx, decode[Message])
}

func (subscriptions) Latest(ctx context.Context, _ []string) (<-chan *Message, error) {
	return pubsub.Stream(ctx, decode[Message])
}

func (subscriptions) Kept(ctx context.Context, _ []string) (<-chan *Message, error) {
	return pubsub.Stream(ctx, decode[Message])
}

func (subscriptions) Board(ctx context.Context, _ string) (<-chan *Message, error) {
	return pubsub.Stream(ctx, decode[Message])
}

func (subscriptions) KeptRecent(ctx context.Context, _ []string) (<-chan *Message, error) {
	return pubsub.Stream(ctx, decode[Message])
}

func (subscriptions) KeptSecret(ctx context.Context) (<-chan *Secret, error) {
	return pubsub.Stream(ctx, decode[Secret])
}

func (subscriptions) Maybe(ctx context.Context, _ string) (<-chan *Message, error) {
	return pubsub.Stream(ctx, decode[Message])
}

func (subscriptions) Secret(ctx context.Context) (<-chan *Secret, error) {
	return pubsub.Stream(ctx, decode[Secret])
}

func (subscriptions) Spy(ctx context.Context, _ string) (<-chan *Message, error) {
	if _, err := auth.ViewerFrom(ctx); err != nil {
		return nil, err
	}
	return pubsub.Stream(ctx, decode[Message])
}

func (subscriptions) Audit(ctx context.Context, _ string) (<-chan *Message, error) {
	return pubsub.Stream(ctx, decode[Message])
}

func (subscriptions) Mood(ctx context.Context, _ string) (<-chan *Message, error) {
	return pubsub.Stream(ctx, decode[Message])
}

func (subscriptions) Own(ctx context.Context, _ string) (<-chan *Message, error) {
	return pubsub.Stream(ctx, decode[Message])
}

func (subscriptions) Refused(context.Context) (<-chan int, error) {
	return nil, errors.New("the database is on fire")
}

func (subscriptions) Count(ctx context.Context, to int) (<-chan int, error) {
	numbers := make(chan int)
	go func() {
		defer close(numbers)
		for n := 1; n <= to; n++ {
			select {
			case numbers <- n:
			case <-ctx.Done():
				return
			}
		}
	}()
	return numbers, nil
}

func (messages) Viewer(ctx context.Context, _ *Message) (string, error) { return caller(ctx) }
func (messages) Panics(context.Context, *Message) (*string, error)      { panic("oh no") }
func (secrets) Viewer(ctx context.Context, _ *Secret) (string, error)   { return caller(ctx) }

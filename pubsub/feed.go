package pubsub

import (
	"context"
	"errors"
	"fmt"
)

// ErrNoFeed is what Stream returns where no topic feeds the field.
var ErrNoFeed = errors.New("pubsub: no topic feeds this field; give it @topic(name:) in the schema")

// A DecodeError reports an event whose payload is not what its field's type needs. Only that event
// is lost to the field.
type DecodeError struct {
	Topic string
	Err   error
}

func (e *DecodeError) Error() string {
	return fmt.Sprintf("pubsub: decode an event of %q: %v", e.Topic, e.Err)
}

func (e *DecodeError) Unwrap() error { return e.Err }

// A Feed joins the events of an execution to the channel that its resolver returned, without a
// goroutine between: whoever pushes an event then lets the executor take it from the channel.
// A Feed belongs to one execution and is not safe for concurrent use.
type Feed struct {
	push func(*Event) error
}

type feedKey struct{}

// WithFeed returns a context in which one resolver may call Stream, and the feed it will bind.
func WithFeed(ctx context.Context) (context.Context, *Feed) {
	f := new(Feed)
	return context.WithValue(ctx, feedKey{}, f), f
}

// Stream is the whole body of a subscription resolver that a topic feeds: it gives the channel on
// which the topic's events arrive, decoded. decode runs once per event and T on a node, its result
// is shared and read-only, by private operations too: decode must not depend on who asks. An error
// from it loses only that event, counted and logged.
func Stream[T any](ctx context.Context, decode func([]byte) (T, error)) (<-chan T, error) {
	f, ok := ctx.Value(feedKey{}).(*Feed)
	if !ok || f.push != nil {
		return nil, ErrNoFeed
	}
	values := make(chan T, 1)
	f.push = func(e *Event) error {
		v, err := Decode(e, decode)
		if err != nil {
			return &DecodeError{Topic: e.Topic, Err: err}
		}
		select {
		case values <- v:
		default: // the executor gave the event before up; it is not the one that is waited for
			<-values
			values <- v
		}
		return nil
	}
	return values, nil
}

// Bound reports whether a resolver has called Stream.
func (f *Feed) Bound() bool { return f.push != nil }

// Push decodes e and puts it into the resolver's channel; the caller lets the executor take one step
// between two pushes. It returns a *DecodeError, and has then put nothing.
func (f *Feed) Push(e *Event) error { return f.push(e) }

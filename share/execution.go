package share

import (
	"context"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"github.com/sluice-gateway/sluice/auth"
	"github.com/sluice-gateway/sluice/pubsub"
)

// An execution is a subscription that the executor runs, one step for each event. It is used by one
// goroutine at a time.
type execution struct {
	feed    *pubsub.Feed
	next    graphql.ResponseHandler
	base    context.Context
	step    clock
	limit   time.Duration // of a step
	encoder encoder
}

// dispatch starts the execution of a spec.
func (g *Groups) dispatch(ctx context.Context, spec *Spec, oc *graphql.OperationContext) execution {
	ctx, feed := pubsub.WithFeed(ctx)
	if spec.Viewer != nil {
		ctx = auth.WithViewer(ctx, spec.Viewer)
	}
	x := execution{feed: feed, limit: g.options.StepTimeout, encoder: newEncoder(spec.Root, g.options)}
	x.next, x.base = g.exec.DispatchOperation(ctx, oc)
	return x
}

// A result is what a step has made of an event.
type result struct {
	body   []byte // nil: there is none
	failed bool   // it tells of errors
	lost   Loss   // why there is none
	err    error  // of an event that cannot be decoded
}

// take takes the step of an event.
func (x *execution) take(e *pubsub.Event) result {
	if err := x.feed.Push(e); err != nil {
		return result{lost: Undecodable, err: err}
	}
	r := x.next(x.step.start(x.base, x.limit))
	x.step.stop()
	if r == nil { // the step's time was up before it began, or all is over
		return result{lost: Overrun}
	}
	body, failed := x.encoder.encode(r)
	return result{body: body, failed: failed}
}

package share

import (
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/sluice-gateway/sluice/pubsub"
)

// A Step says how long one event has taken on this node, from its arrival to its delivery.
type Step struct {
	Field     string        // that is subscribed to, such as "Subscription.priceChanged"
	Topic     string        // that the event came by
	Queued    time.Duration // from its arrival until the executor had it
	Executed  time.Duration // until there was a result, encoded
	Delivered time.Duration // until every member was handed it
	Members   int
	Begun     time.Time // when the executor had it
	Published time.Time // when it was published; zero: nobody has said
	Trace     string    // the traceparent that it was published with; or empty
}

// A watch takes the times of a step. One that nobody observes takes none.
type watch struct {
	begun, executed time.Time
}

func (g *Group) watch() (w watch) {
	if g.groups.options.Observe != nil {
		w.begun = time.Now()
	}
	return w
}

func (w *watch) lap() {
	if !w.begun.IsZero() {
		w.executed = time.Now()
	}
}

// observe tells of the step of an event.
func (g *Group) observe(w *watch, e *pubsub.Event, members int) {
	if w.begun.IsZero() {
		return
	}
	g.groups.options.Observe(Step{
		Field:     g.field,
		Topic:     e.Topic,
		Queued:    w.begun.Sub(e.Received),
		Executed:  w.executed.Sub(w.begun),
		Delivered: time.Since(w.executed),
		Members:   members,
		Begun:     w.begun,
		Published: e.Published,
		Trace:     e.Trace,
	})
}

// fieldOf is the name of the field that a subscription subscribes to: validation has it that there is one.
func fieldOf(oc *graphql.OperationContext) string {
	if oc == nil || oc.Operation == nil {
		return ""
	}
	return firstField(oc.Operation.SelectionSet)
}

func firstField(selected ast.SelectionSet) string {
	for _, s := range selected {
		switch s := s.(type) {
		case *ast.Field:
			return s.ObjectDefinition.Name + "." + s.Name
		case *ast.InlineFragment:
			return firstField(s.SelectionSet)
		case *ast.FragmentSpread:
			return firstField(s.Definition.SelectionSet)
		}
	}
	return ""
}

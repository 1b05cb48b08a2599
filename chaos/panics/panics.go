// Package panics has resolvers of a schema panic where an event says so.
//
// It is for gateways that are built to be harmed, and knows the storefront: what decides is the previousStock
// of an event of stockChanged. Everything here is safe for concurrent use.
package panics

import (
	"context"
	"math/rand/v2"
	"sync/atomic"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
)

// What the previousStock of an event is that has a resolver panic, for whoever selects it.
const (
	OfField     = -1 // in the field: the rest of the result is there
	OfExecution = -2 // outside of all fields, every other time by chance: there is no result
)

const field = "previousStock"

// In returns the schema with such resolvers. It differs in nothing else.
func In(schema graphql.ExecutableSchema) graphql.ExecutableSchema { return panicky{schema} }

type panicky struct{ graphql.ExecutableSchema }

// Exec implements graphql.ExecutableSchema.
func (p panicky) Exec(ctx context.Context) graphql.ResponseHandler {
	operation := graphql.GetOperationContext(ctx)
	if operation.Operation.Operation != ast.Subscription {
		return p.ExecutableSchema.Exec(ctx)
	}
	torn := new(atomic.Bool)
	inner := operation.ResolverMiddleware
	operation.ResolverMiddleware = func(ctx context.Context, next graphql.Resolver) (any, error) {
		value, err := inner(ctx, next)
		switch event(ctx, value) {
		case OfField:
			panic("a field is torn")
		case OfExecution:
			torn.Store(true)
		}
		return value, err
	}
	next := p.ExecutableSchema.Exec(ctx)
	return func(ctx context.Context) *graphql.Response {
		r := next(ctx)
		if torn.Swap(false) && rand.IntN(2) == 0 {
			panic("an execution is torn")
		}
		return r
	}
}

// event is what an event says, when its field is resolved; 0: nothing.
func event(ctx context.Context, value any) int32 {
	previous, ok := value.(*int32)
	if !ok || previous == nil || graphql.GetFieldContext(ctx).Field.Name != field {
		return 0
	}
	return *previous
}

package trace

import (
	"context"

	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	otel "go.opentelemetry.io/otel/trace"
)

// An Operation is what a span says of a GraphQL operation. What is empty is not told.
type Operation struct {
	Kind      string // query, mutation or subscription
	Name      string // that its document gives it
	Document  string // the hash of its document
	Field     string // that it asks for, such as Subscription.priceChanged
	Transport string // by which it came
	Client    string // the program that has sent it
}

// StartOperation begins the span of an operation: as part of the caller's trace if traceparent is one,
// else of that of ctx, else of a new one. The returned context carries it to what the operation does.
// The span of a query or mutation ends with its execution; that of one which streams ends as soon as it
// streams, for nobody can use a span of hours.
func (t *Tracer) StartOperation(ctx context.Context, o Operation, traceparent string) (context.Context, *Span) {
	if t == nil {
		return ctx, nil
	}
	ctx, span := t.start(t.WithParent(ctx, traceparent), o.title(), otel.SpanKindServer)
	if span == nil {
		return ctx, nil
	}
	span.set(semconv.GraphQLOperationTypeKey, o.Kind)
	span.set(semconv.GraphQLOperationNameKey, o.Name)
	span.set(documentKey, o.Document)
	span.set(fieldKey, o.Field)
	span.set(transportKey, o.Transport)
	span.set(clientKey, o.Client)
	return ctx, span
}

// title is a span's name, such as "subscription PriceChanged".
func (o Operation) title() string {
	if o.Name == "" {
		return o.Kind
	}
	return o.Kind + " " + o.Name
}

package trace_test

import (
	"context"
	"net/http"
	"time"

	"github.com/sluice-gateway/sluice/analytics/trace"
)

// A mutation that publishes, and what a node with subscribers does with the event.
func Example() {
	ctx := context.Background()
	tracer, err := trace.New(ctx, trace.Options{Endpoint: "http://localhost:4318", Sample: 0.01})
	if err != nil {
		return
	}
	defer func() { _ = tracer.Close(ctx) }()

	var header http.Header // of the request
	ctx, operation := tracer.StartOperation(ctx, trace.Operation{Kind: "mutation", Name: "SetPrice"}, trace.Traceparent(header))
	publish := tracer.Publish(ctx, "price.42")
	carried := publish.Traceparent() // goes with the event: pubsub.WithTrace
	publish.End()
	operation.End()

	tracer.Delivery(trace.Delivery{
		Field: "Subscription.priceChanged", Topic: "price.42", Trace: carried,
		Executed: 200 * time.Microsecond, Delivered: time.Millisecond, Members: 1000,
	})
}

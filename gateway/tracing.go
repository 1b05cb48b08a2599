package gateway

import (
	"context"
	"strings"

	"github.com/sluice-gateway/sluice/analytics/trace"
	"github.com/sluice-gateway/sluice/operation"
	"github.com/sluice-gateway/sluice/pubsub"
	"github.com/sluice-gateway/sluice/share"
)

// Traced returns a broker that tells a collector of what is published, and has events say by which span.
// An application publishes by it, too. A nil tracer leaves the broker as it is.
func Traced(broker pubsub.Broker, t *trace.Tracer) pubsub.Broker {
	if t == nil {
		return broker
	}
	return &traced{broker, t}
}

type traced struct {
	pubsub.Broker
	tracer *trace.Tracer
}

// Publish implements pubsub.Broker.
func (b *traced) Publish(ctx context.Context, topic string, payload []byte) error {
	if strings.HasPrefix(topic, ownTopics) {
		return b.Broker.Publish(ctx, topic, payload)
	}
	span := b.tracer.Publish(ctx, topic)
	defer span.End()
	err := b.Broker.Publish(pubsub.WithTrace(ctx, span.Traceparent()), topic, payload)
	if err != nil {
		span.Fail(operation.CodeBroker)
	}
	return err
}

// ownTopics is how the topics begin by which nodes speak to each other.
const ownTopics = "_sluice."

// traceDelivery tells of a step of a group whose event was published by a span.
func (g *Gateway) traceDelivery(s share.Step) {
	g.options.Operation.Tracer.Delivery(trace.Delivery{
		Field: s.Field, Topic: s.Topic, Trace: s.Trace,
		Began: s.Begun, Executed: s.Executed, Delivered: s.Delivered, Members: s.Members,
	})
}

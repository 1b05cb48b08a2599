package trace

import (
	"context"
	"strings"
	"time"

	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	otel "go.opentelemetry.io/otel/trace"
)

// system is the messaging system of the spans: Sluice's own topics, whatever carries them.
const system = "sluice"

// Publish begins the span of publishing an event to a topic, within that of ctx. Its Traceparent is
// what the event is to carry.
func (t *Tracer) Publish(ctx context.Context, topic string) *Span {
	if t == nil {
		return nil
	}
	// A topic's first segment stands in the schema; the others are values, too many for a name.
	kind, _, _ := strings.Cut(topic, ".")
	_, span := t.start(ctx, "publish "+kind, otel.SpanKindProducer)
	if span == nil {
		return nil
	}
	span.set(semconv.MessagingSystemKey, system)
	span.set(semconv.MessagingDestinationNameKey, topic)
	span.set(semconv.MessagingOperationNameKey, "publish")
	span.span.SetAttributes(semconv.MessagingOperationTypeSend)
	return span
}

// A Delivery is one event, executed for one group and handed to its members.
type Delivery struct {
	Field     string        // that the group subscribes to, such as Subscription.priceChanged
	Topic     string        // that the event came by
	Trace     string        // the traceparent that it carried
	Began     time.Time     // when executing it began; zero means that it has been delivered this moment
	Executed  time.Duration // until there was a result
	Delivered time.Duration // from then until every member had it
	Members   int
}

// Delivery tells of a delivery, if the publish is kept: as a trace of its own with a link there.
func (t *Tracer) Delivery(d Delivery) {
	if t == nil || !isSampled(d.Trace) {
		return
	}
	publish := parse(d.Trace)
	if !publish.IsValid() || t.gate.isFull() {
		return
	}
	took := d.Executed + d.Delivered
	if d.Began.IsZero() {
		d.Began = time.Now().Add(-took)
	}
	_, span := t.tracer.Start(
		context.Background(), "deliver "+d.Field,
		otel.WithSpanKind(otel.SpanKindConsumer),
		otel.WithTimestamp(d.Began),
		otel.WithLinks(otel.Link{SpanContext: publish}),
		otel.WithAttributes(
			semconv.MessagingSystemKey.String(system),
			semconv.MessagingDestinationName(d.Topic),
			semconv.MessagingOperationName("deliver"),
			semconv.MessagingOperationTypeProcess,
			fieldKey.String(d.Field),
			membersKey.Int(d.Members),
		),
	)
	span.AddEvent("executed", otel.WithTimestamp(d.Began.Add(d.Executed)))
	span.End(otel.WithTimestamp(d.Began.Add(took)))
}

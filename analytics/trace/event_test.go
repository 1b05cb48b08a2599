package trace

import (
	"slices"
	"testing"
	"time"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
)

func TestADeliveryIsLinkedToItsPublish(t *testing.T) {
	c := startCollector(t)
	here := open(t, Options{Endpoint: c.url, Sample: 1})
	there := open(t, Options{Endpoint: c.url}) // the node of the subscribers
	ctx, operation := here.StartOperation(t.Context(), Operation{Kind: "mutation"}, kept)
	publish := here.Publish(ctx, "price.42")
	publish.End()
	operation.End()
	began := time.Now().Add(-time.Minute)
	there.Delivery(Delivery{
		Field: "Subscription.priceChanged", Topic: "price.42", Trace: publish.Traceparent(),
		Began: began, Executed: 2 * time.Millisecond, Delivered: 3 * time.Millisecond, Members: 100,
	})
	c.all(t, here)
	spans := c.all(t, there)
	mutation, published, delivered := spans["mutation"], spans["publish price"], spans["deliver Subscription.priceChanged"]
	if mutation == nil || published == nil || delivered == nil {
		t.Fatalf("the collector has %v", spans)
	}
	if hexOf(published.TraceId) != kept[3:35] || hexOf(published.ParentSpanId) != hexOf(mutation.SpanId) || published.Kind != tracepb.Span_SPAN_KIND_PRODUCER {
		t.Errorf("the publish is %v", published)
	}
	if want := publish.Traceparent()[3:52]; !slices.Equal(linked(delivered), []string{want}) {
		t.Errorf("the delivery is linked to %v, not %v", linked(delivered), want)
	}
	if hexOf(delivered.TraceId) == kept[3:35] || len(delivered.ParentSpanId) > 0 || delivered.Kind != tracepb.Span_SPAN_KIND_CONSUMER {
		t.Errorf("the delivery is %v", delivered)
	}
	if begin, end := int64(delivered.StartTimeUnixNano), int64(delivered.EndTimeUnixNano); begin != began.UnixNano() || end-begin != int64(5*time.Millisecond) {
		t.Errorf("the delivery took from %d to %d", begin, end)
	}
	if e := delivered.Events[0]; e.Name != "executed" || int64(e.TimeUnixNano)-began.UnixNano() != int64(2*time.Millisecond) {
		t.Errorf("the result was there %v", e)
	}
	for _, test := range []struct {
		span            *tracepb.Span
		operation, kind string
	}{{published, "publish", "send"}, {delivered, "deliver", "process"}} {
		about := texts(test.span.Attributes)
		if about["messaging.system"] != "sluice" || about["messaging.destination.name"] != "price.42" ||
			about["messaging.operation.name"] != test.operation || about["messaging.operation.type"] != test.kind {
			t.Errorf("%s: %v", test.operation, about)
		}
	}
	for _, a := range delivered.Attributes {
		if a.Key == "sluice.members" && a.Value.GetIntValue() != 100 {
			t.Errorf("%v members", a.Value)
		}
	}
}

func TestADeliveryWithoutATimeHasJustEnded(t *testing.T) {
	c := startCollector(t)
	tracer := open(t, Options{Endpoint: c.url})
	before := time.Now()
	tracer.Delivery(Delivery{Field: "Subscription.x", Trace: kept, Executed: time.Second})
	after := time.Now()
	s := c.all(t, tracer)["deliver Subscription.x"]
	if end := time.Unix(0, int64(s.EndTimeUnixNano)); end.Before(before.Round(0)) || end.After(after.Round(0)) {
		t.Errorf("it ended %v, between %v and %v", end, before, after)
	}
}

func TestADeliveryOfAPublishThatIsNotKeptIsNotTold(t *testing.T) {
	c := startCollector(t)
	tracer := open(t, Options{Endpoint: c.url, Sample: 1})
	for _, trace := range []string{"", notKept, "01", kept[:54] + "g", "01" + kept[2:], kept + "1"} {
		tracer.Delivery(Delivery{Field: "Subscription.x", Trace: trace})
	}
	if spans := c.all(t, tracer); len(spans) > 0 {
		t.Errorf("the collector has %v", spans)
	}
	if n := testing.AllocsPerRun(100, func() { tracer.Delivery(Delivery{Field: "Subscription.x", Trace: notKept}) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestADeliveryThatFindsTheQueueFullIsCounted(t *testing.T) {
	tracer := open(t, Options{Endpoint: startCollector(t).url})
	tracer.gate.waiting.Add(queued)
	tracer.Delivery(Delivery{Field: "Subscription.x", Trace: kept})
	if counts := tracer.Counts(); counts != (Counts{Dropped: 1}) {
		t.Errorf("counts = %+v", counts)
	}
}

func BenchmarkDelivery(b *testing.B) {
	tracer := open(b, Options{Endpoint: startCollector(b).url})
	for _, bench := range []struct {
		name   string
		tracer *Tracer
		trace  string
	}{{"nil", nil, kept}, {"bare", tracer, ""}, {"unsampled", tracer, notKept}, {"sampled", tracer, kept}} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				bench.tracer.Delivery(Delivery{Field: "Subscription.priceChanged", Topic: "price.42", Trace: bench.trace, Members: 100})
			}
		})
	}
}

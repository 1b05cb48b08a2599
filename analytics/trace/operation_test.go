package trace

import (
	"maps"
	"strings"
	"testing"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
)

func TestTheSpanOfAnOperation(t *testing.T) {
	full := Operation{
		Kind: "subscription", Name: "PriceChanged", Document: "abc", Field: "Subscription.priceChanged",
		Transport: "graphqlws", Client: "shop",
	}
	fullAbout := map[string]string{
		"graphql.operation.type": "subscription", "graphql.operation.name": "PriceChanged", "sluice.document": "abc",
		"sluice.field": "Subscription.priceChanged", "sluice.transport": "graphqlws", "sluice.client": "shop",
	}
	long := strings.Repeat("N", 10_000)
	for _, test := range []struct {
		name      string
		operation Operation
		code      string // of its failure
		title     string
		about     map[string]string
	}{
		{"says what is known", full, "", "subscription PriceChanged", fullAbout},
		{"says nothing of what is not", Operation{Kind: "query"}, "", "query", map[string]string{"graphql.operation.type": "query"}},
		{"says why it failed", Operation{Kind: "query"}, "FORBIDDEN", "query", map[string]string{
			"graphql.operation.type": "query", "error.type": "FORBIDDEN",
		}},
		{"is text, whatever the client sends", Operation{Kind: "query", Name: "\xffX", Client: "\xffshop"}, "", "query \uFFFDX", map[string]string{
			"graphql.operation.type": "query", "graphql.operation.name": "\uFFFDX", "sluice.client": "\uFFFDshop",
		}},
		{"is short, however long its name", Operation{Kind: "query", Name: long}, "", "query " + long[:longest-len("query ")], map[string]string{
			"graphql.operation.type": "query", "graphql.operation.name": long[:longest],
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := startCollector(t)
			tracer := open(t, Options{Endpoint: c.url})
			_, span := tracer.StartOperation(t.Context(), test.operation, kept)
			if test.code != "" {
				span.Fail(test.code)
			}
			span.End()
			s := c.all(t, tracer)[test.title]
			if s == nil {
				t.Fatalf("the collector has %v", c.spans)
			}
			if hexOf(s.TraceId) != kept[3:35] || hexOf(s.ParentSpanId) != kept[36:52] || s.Kind != tracepb.Span_SPAN_KIND_SERVER {
				t.Errorf("the span is %v", s)
			}
			if about := texts(s.Attributes); !maps.Equal(about, test.about) {
				t.Errorf("it says %v", about)
			}
			if failed := s.Status.GetCode() == tracepb.Status_STATUS_CODE_ERROR; failed != (test.code != "") || s.Status.GetMessage() != test.code {
				t.Errorf("its status is %v", s.Status)
			}
		})
	}
}

func BenchmarkStartOperation(b *testing.B) {
	tracer := open(b, Options{Endpoint: startCollector(b).url})
	operation := Operation{Kind: "subscription", Name: "PriceChanged", Field: "Subscription.priceChanged"}
	for _, bench := range []struct {
		name   string
		tracer *Tracer
		parent string
	}{{"nil", nil, kept}, {"unsampled", tracer, ""}, {"sampled", tracer, kept}} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, span := bench.tracer.StartOperation(b.Context(), operation, bench.parent)
				span.End()
			}
		})
	}
}

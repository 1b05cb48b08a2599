package trace

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/propagation"
	otel "go.opentelemetry.io/otel/trace"
)

func TestTraceparent(t *testing.T) {
	for _, test := range []struct {
		name    string
		headers []string
		want    string
	}{
		{"one that is kept", []string{kept}, kept},
		{"one that is not kept", []string{notKept}, notKept},
		{"none", nil, ""},
		{"two", []string{kept, kept}, ""},
		{"empty", []string{""}, ""},
		{"in capitals", []string{strings.ToUpper(kept)}, ""},
		{"of another version", []string{"01" + kept[2:]}, ""},
		{"with more behind it", []string{kept + "-x"}, ""},
		{"without a trace", []string{"00-" + strings.Repeat("0", 32) + kept[35:]}, ""},
		{"without a span", []string{kept[:36] + strings.Repeat("0", 16) + kept[52:]}, ""},
		{"with flags that are none", []string{kept[:53] + "0x"}, ""},
		{"with other marks", []string{strings.ReplaceAll(kept, "-", "_")}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			header := make(http.Header)
			for _, value := range test.headers {
				header.Add("traceparent", value)
			}
			if got := Traceparent(header); got != test.want {
				t.Errorf("Traceparent = %q", got)
			}
		})
	}
}

func TestAPublishMayBelongToItsCallersTrace(t *testing.T) {
	for _, test := range []struct {
		name, parent string
		trace        string // that the event's traceparent names; "" if it has none
	}{
		{"of a caller whose span is kept", kept, kept[3:35]},
		{"of a caller whose span is not", notKept, ""},
		{"of a caller without", "00-garbled", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			tracer := open(t, Options{Endpoint: startCollector(t).url})
			got := parse(tracer.Publish(tracer.WithParent(t.Context(), test.parent), "price.42").Traceparent())
			if got.IsValid() != (test.trace != "") || got.IsValid() && (got.TraceID().String() != test.trace || !got.IsSampled()) {
				t.Errorf("the event belongs to %v", got)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"", kept, notKept, kept[:53] + "03", kept[:53] + "ff", "00-", strings.Repeat("0", 55)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := parse(text)
		carrier := propagation.MapCarrier{"traceparent": text}
		theirs := otel.SpanContextFromContext(propagation.TraceContext{}.Extract(context.Background(), carrier))
		if strings.HasPrefix(text, "00-") && theirs.IsValid() && !got.Equal(theirs) {
			t.Fatalf("%q is %v, and for OpenTelemetry %v", text, got, theirs)
		}
		if got.IsValid() && isSampled(text) != got.IsSampled() {
			t.Fatalf("%q is sampled: %v", text, isSampled(text))
		}
	})
}

package trace

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	otel "go.opentelemetry.io/otel/trace"
)

// A Span is something that takes its time, and is told to the collector when it has ended. Nil is one
// that nobody keeps.
type Span struct{ span otel.Span }

// start begins a span within that of ctx. A span that is not kept is nil; the returned context says so
// to those within it.
func (t *Tracer) start(ctx context.Context, name string, kind otel.SpanKind) (context.Context, *Span) {
	ctx, span := t.tracer.Start(ctx, text(name), otel.WithSpanKind(kind))
	if !span.IsRecording() {
		return ctx, nil
	}
	return ctx, &Span{span}
}

// set gives the span an attribute, unless it would be empty.
func (s *Span) set(key attribute.Key, value string) {
	if value != "" {
		s.span.SetAttributes(key.String(text(value)))
	}
}

// Traceparent returns the span as a W3C traceparent, and "" for one that is not kept.
func (s *Span) Traceparent() string {
	if s == nil {
		return ""
	}
	c := s.span.SpanContext()
	return "00-" + c.TraceID().String() + "-" + c.SpanID().String() + "-" + c.TraceFlags().String()
}

// Fail says that what the span is about has failed, with a code that is one of a few.
func (s *Span) Fail(code string) {
	if s == nil {
		return
	}
	s.span.SetStatus(codes.Error, code)
	s.span.SetAttributes(semconv.ErrorTypeKey.String(code))
}

// End ends the span. What is called on it afterwards does nothing.
func (s *Span) End() {
	if s != nil {
		s.span.End()
	}
}

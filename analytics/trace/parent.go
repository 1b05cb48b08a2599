package trace

import (
	"context"

	otel "go.opentelemetry.io/otel/trace"
)

// Traceparent returns the traceparent of a request's header, which is an http.Header, and "" if there
// is none, more than one, or one that is not as the W3C wants version 00 of it.
func Traceparent(header map[string][]string) string {
	values := header["Traceparent"]
	if len(values) != 1 || !parse(values[0]).IsValid() {
		return ""
	}
	return values[0]
}

// WithParent returns a context whose spans are part of the caller's trace, for what is no operation. A
// text that is no traceparent changes nothing.
func (t *Tracer) WithParent(ctx context.Context, traceparent string) context.Context {
	if t == nil {
		return ctx
	}
	parent := parse(traceparent)
	if !parent.IsValid() {
		return ctx
	}
	return otel.ContextWithRemoteSpanContext(ctx, parent)
}

// parse reads a traceparent of version 00. What is none gives a context that is not valid.
func parse(traceparent string) otel.SpanContext {
	const length = len("00-0123456789abcdef0123456789abcdef-0123456789abcdef-01")
	if len(traceparent) != length || traceparent[:3] != "00-" || traceparent[35] != '-' || traceparent[52] != '-' {
		return otel.SpanContext{}
	}
	flags, ok := parseFlags(traceparent[53:])
	trace, traceErr := otel.TraceIDFromHex(traceparent[3:35])
	span, spanErr := otel.SpanIDFromHex(traceparent[36:52])
	if !ok || traceErr != nil || spanErr != nil {
		return otel.SpanContext{}
	}
	return otel.NewSpanContext(otel.SpanContextConfig{TraceID: trace, SpanID: span, TraceFlags: flags, Remote: true})
}

// parseFlags reads two digits. Flags that nobody knows are left out.
func parseFlags(digits string) (flags otel.TraceFlags, ok bool) {
	for i := range len(digits) {
		c := digits[i]
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		default:
			return 0, false
		}
		flags = flags<<4 | otel.TraceFlags(c)
	}
	return flags & (otel.FlagsSampled | otel.FlagsRandom), true
}

// isSampled reports whether a traceparent says that its span is kept. It is for those that come with
// every event: most are not.
func isSampled(traceparent string) bool {
	if traceparent == "" {
		return false
	}
	flags, ok := parseFlags(traceparent[len(traceparent)-1:])
	return ok && flags.IsSampled()
}

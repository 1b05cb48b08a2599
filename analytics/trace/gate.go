package trace

import (
	"sync/atomic"

	sdk "go.opentelemetry.io/otel/sdk/trace"
)

// A gate lets through as many spans as the processor behind it has room for, and counts the others:
// that one would drop them without a word.
type gate struct {
	sdk.SpanProcessor
	waiting atomic.Int64 // spans that were let through and have not left
	dropped atomic.Uint64
}

// OnEnd implements sdk.SpanProcessor. It does not wait.
func (g *gate) OnEnd(s sdk.ReadOnlySpan) {
	if g.waiting.Add(1) > queued {
		g.waiting.Add(-1)
		g.dropped.Add(1)
		return
	}
	g.SpanProcessor.OnEnd(s)
}

// isFull reports whether a span that ended now would be dropped, and counts it then. It saves making it.
func (g *gate) isFull() bool {
	full := g.waiting.Load() >= queued
	if full {
		g.dropped.Add(1)
	}
	return full
}

// left makes room for n more.
func (g *gate) left(n int) { g.waiting.Add(int64(-n)) }

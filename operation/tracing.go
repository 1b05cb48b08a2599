package operation

import (
	"context"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/sluice-gateway/sluice/analytics/trace"
)

// traceOf is the traceparent of a request that is followed: who is not known cannot make the gateway trace.
func traceOf(req Request) string {
	if req.Viewer.IsAnonymous() {
		return ""
	}
	return req.Trace
}

// startSpan begins the span of the operation's execution, or of a stream's beginning.
func (op *Operation) startSpan(ctx context.Context) (context.Context, *trace.Span) {
	tracer := op.engine.options.Tracer
	if tracer == nil {
		return ctx, nil
	}
	l := op.Labels()
	return tracer.StartOperation(ctx, trace.Operation{
		Kind: l.Kind, Name: l.Operation, Document: l.Document, Field: l.Field, Transport: l.Transport, Client: l.Client,
	}, op.trace)
}

// failSpan has the span say why the operation was refused, or ended while it began.
func (op *Operation) failSpan(errs gqlerror.List) {
	if len(errs) == 0 {
		return
	}
	op.mu.Lock()
	span := op.span
	op.mu.Unlock()
	span.Fail(Code(errs))
}

// traceRefusal tells of a request that became no operation.
func (e *Engine) traceRefusal(ctx context.Context, req Request, errs gqlerror.List) {
	if e.options.Tracer == nil {
		return
	}
	_, span := e.options.Tracer.StartOperation(ctx, trace.Operation{
		Kind: "refused", Name: req.OperationName, Transport: req.Transport, Client: req.Client.Name,
	}, traceOf(req))
	span.Fail(Code(errs))
	span.End()
}

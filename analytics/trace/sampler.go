package trace

import (
	sdk "go.opentelemetry.io/otel/sdk/trace"
	otel "go.opentelemetry.io/otel/trace"
)

// A sampler keeps a part of the traces that begin here, and what belongs to one that is kept. The spans
// of consumers are all kept: Delivery makes none but for publishes that are.
type sampler struct{ sdk.Sampler }

func newSampler(part float64) sampler {
	return sampler{sdk.ParentBased(sdk.TraceIDRatioBased(part))}
}

// ShouldSample implements sdk.Sampler.
func (s sampler) ShouldSample(p sdk.SamplingParameters) sdk.SamplingResult {
	if p.Kind == otel.SpanKindConsumer {
		return sdk.SamplingResult{Decision: sdk.RecordAndSample}
	}
	return s.Sampler.ShouldSample(p)
}

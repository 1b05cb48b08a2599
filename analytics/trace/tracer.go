package trace

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	otel "go.opentelemetry.io/otel/trace"
)

const (
	// queued is how many spans wait for the collector, or are on their way to it, at most.
	queued = 2048
	// batch is how many spans are in one request at most.
	batch = 512
	// every is how long a span waits for others to travel with.
	every = 2 * time.Second
	// tryTimeout bounds one request to the collector.
	tryTimeout = 5 * time.Second
	// batchTimeout bounds all the tries of one batch.
	batchTimeout = 15 * time.Second

	scope = "github.com/sluice-gateway/sluice/analytics/trace"
)

// A Tracer makes spans and sends them to a collector.
type Tracer struct {
	tracer   otel.Tracer
	provider *sdk.TracerProvider
	exporter *exporter
	gate     *gate
	client   *http.Client
}

// New makes a tracer, which owns a goroutine until Close. It does not wait for the collector, nor need
// one: ctx bounds New alone. The error is about the options.
func New(ctx context.Context, o Options) (*Tracer, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	client := newClient()
	out, err := otlptracehttp.New(
		ctx,
		otlptracehttp.WithEndpointURL(o.Endpoint),
		otlptracehttp.WithHeaders(o.Headers),
		otlptracehttp.WithCompression(otlptracehttp.GzipCompression),
		otlptracehttp.WithEncoding(otlptracehttp.EncodingProtobuf),
		otlptracehttp.WithHTTPClient(client),
		otlptracehttp.WithRetry(otlptracehttp.RetryConfig{
			Enabled: true, InitialInterval: time.Second, MaxInterval: tryTimeout, MaxElapsedTime: batchTimeout,
		}),
	)
	if err != nil {
		return nil, fmt.Errorf("trace: %w", err)
	}
	t := &Tracer{client: client}
	t.exporter, t.gate = newExporter(out, o)
	t.provider = sdk.NewTracerProvider(
		sdk.WithSpanProcessor(t.gate),
		sdk.WithSampler(newSampler(o.Sample)),
		sdk.WithResource(o.resource()),
		sdk.WithRawSpanLimits(sdk.SpanLimits{
			AttributeValueLengthLimit: longest, AttributeCountLimit: 32, EventCountLimit: 32, LinkCountLimit: 1,
		}),
	)
	t.tracer = t.provider.Tracer(scope)
	return t, nil
}

// newClient makes a client that follows no redirect: the headers are for the collector alone. It goes
// by the proxies of the environment.
func newClient() *http.Client {
	transport := &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		ForceAttemptHTTP2:   true,
		MaxIdleConns:        1,
		IdleConnTimeout:     time.Minute,
		TLSHandshakeTimeout: tryTimeout,
	}
	return &http.Client{
		Transport:     transport,
		Timeout:       tryTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Close sends what is queued and waits for the tracer's goroutine. Spans that have not reached the
// collector when ctx ends are given up, and the error says how many. Spans that end later are lost. It
// may be called twice.
func (t *Tracer) Close(ctx context.Context) error {
	if t == nil {
		return nil
	}
	defer context.AfterFunc(ctx, t.exporter.giveUp)()
	// Not ctx: it would have the SDK return and leave its goroutine behind.
	err := t.provider.Shutdown(context.WithoutCancel(ctx))
	t.client.CloseIdleConnections()
	if n := t.exporter.givenUp.Load(); n > 0 {
		return fmt.Errorf("trace: %d spans were given up: %w", n, context.Cause(ctx))
	}
	return err
}

// Counts is what became of the spans that were kept, since the start. Those that wait are in none.
type Counts struct {
	Sent    uint64 `json:"sent"`    // the collector has taken them
	Failed  uint64 `json:"failed"`  // it was not reached in time, or refused them or some that came with them
	Dropped uint64 `json:"dropped"` // too many were waiting
}

// Counts returns the counts of this moment.
func (t *Tracer) Counts() Counts {
	if t == nil {
		return Counts{}
	}
	return t.exporter.counts()
}

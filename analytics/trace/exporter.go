package trace

import (
	"context"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	sdk "go.opentelemetry.io/otel/sdk/trace"
)

const (
	// quiet is the time between two complaints in the log.
	quiet = time.Minute
	// longestError is the length of an error's text, in bytes: the collector's answer may stand in it.
	longestError = 256
)

// An exporter counts what another one sends, and logs what that cannot. The SDK hears of no error: it
// would tell the error handler of the whole program.
type exporter struct {
	to      sdk.SpanExporter
	gate    *gate
	log     *slog.Logger
	secrets []string // that stand in no line of the log

	abandoned context.Context // done when what is on its way is given up
	giveUp    context.CancelFunc

	sent, failed, givenUp atomic.Uint64 // spans; those that were given up have failed, too

	// Of whoever exports, one at a time.
	told    Counts // when the log was told
	toldAt  time.Time
	last    error // that something failed for
	failing bool  // the log has not been told that all is well again
}

// newExporter makes an exporter, and the gate to the queue before it, whose goroutine runs until the
// gate is shut down.
func newExporter(to sdk.SpanExporter, o Options) (*exporter, *gate) {
	e := &exporter{to: to, gate: new(gate), log: o.Log, secrets: secretsOf(o.Headers)}
	e.abandoned, e.giveUp = context.WithCancel(context.Background())
	e.gate.SpanProcessor = sdk.NewBatchSpanProcessor(
		e,
		sdk.WithMaxQueueSize(queued),
		sdk.WithMaxExportBatchSize(batch),
		sdk.WithBatchTimeout(every),
		sdk.WithExportTimeout(batchTimeout),
	)
	return e, e.gate
}

// ExportSpans implements sdk.SpanExporter. The SDK calls it from one goroutine at a time.
func (e *exporter) ExportSpans(ctx context.Context, spans []sdk.ReadOnlySpan) error {
	err := e.export(ctx, spans)
	e.gate.left(len(spans))
	if err != nil {
		e.failed.Add(uint64(len(spans)))
		e.last = err
		if e.abandoned.Err() != nil {
			e.givenUp.Add(uint64(len(spans)))
		}
	} else {
		e.sent.Add(uint64(len(spans)))
	}
	e.tell()
	return nil
}

func (e *exporter) export(ctx context.Context, spans []sdk.ReadOnlySpan) error {
	if err := e.abandoned.Err(); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(e.abandoned, cancel)()
	return e.to.ExportSpans(ctx, spans)
}

// Shutdown implements sdk.SpanExporter.
func (e *exporter) Shutdown(ctx context.Context) error { return e.to.Shutdown(ctx) }

// counts is what became of the spans up to now.
func (e *exporter) counts() Counts {
	return Counts{Sent: e.sent.Load(), Failed: e.failed.Load(), Dropped: e.gate.dropped.Load()}
}

// tell logs what was lost since it last did, and that nothing is any more.
func (e *exporter) tell() {
	now := e.counts()
	failed, dropped := now.Failed-e.told.Failed, now.Dropped-e.told.Dropped
	switch {
	case failed == 0 && dropped == 0:
		if e.failing {
			e.failing = false
			e.log.Info("traces are sent again")
		}
	case time.Since(e.toldAt) >= quiet:
		e.log.Warn("traces are lost", "failed", failed, "dropped", dropped, "error", e.reason(failed))
		e.told, e.toldAt, e.failing = now, time.Now(), true
	}
}

// reason is why spans were lost, without secrets, cut.
func (e *exporter) reason(failed uint64) string {
	if failed == 0 {
		return "the collector takes them more slowly than they come"
	}
	text := e.last.Error()
	for _, secret := range e.secrets {
		text = strings.ReplaceAll(text, secret, "…")
	}
	if len(text) > longestError {
		text = strings.ToValidUTF8(text[:longestError], "") + "…"
	}
	return text
}

// secretsOf returns what must not be logged of headers: a collector may say in its answer what it was
// sent, with or without the scheme before it.
func secretsOf(headers map[string]string) (secrets []string) {
	for _, value := range headers {
		words := strings.Fields(value)
		if len(words) == 0 {
			continue
		}
		secrets = append(secrets, value, words[len(words)-1])
	}
	return secrets
}

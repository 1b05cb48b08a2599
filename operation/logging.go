package operation

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/sluice-gateway/sluice/analytics"
)

// A LogKind says which operations are logged when they have ended.
type LogKind uint8

// Kinds.
const (
	LogNone    LogKind = iota
	LogStreams         // subscriptions and live queries
	LogAll
)

var logKinds = [...]string{LogNone: "off", LogStreams: "streams", LogAll: "all"}

// UnmarshalText implements encoding.TextUnmarshaler: off, streams or all.
func (k *LogKind) UnmarshalText(text []byte) error {
	i := slices.Index(logKinds[:], string(text))
	if i < 0 {
		return errors.New("give off, streams or all")
	}
	*k = LogKind(i)
	return nil
}

// MarshalText implements encoding.TextMarshaler.
func (k LogKind) MarshalText() ([]byte, error) { return []byte(logKinds[k]), nil }

// Messages of the log. Each operation that has ended has one line of the first.
const (
	logEnded     = "operation ended"
	logCorrected = "operation corrected" // it has lost something since: take this line for what was said before
)

// A line is how far an operation's is. Who writes it writes all that follow: so of several the last knows
// the most.
type line uint8

const (
	lineNone    line = iota // it runs
	lineBegun               // somebody writes it
	lineStale               // and something was lost meanwhile, of which it may not know
	lineWritten             // nobody does
)

// write writes a line that was begun, and corrects it as long as something is lost meanwhile.
func (op *Operation) write(message, why string) {
	for stale := true; stale; message = logCorrected {
		op.log(message, why)
		op.mu.Lock()
		if stale = op.line == lineStale; stale {
			op.line = lineBegun
		} else {
			op.line = lineWritten
		}
		op.mu.Unlock()
	}
}

// correct has the line of an operation that has ended corrected: something was lost.
func (op *Operation) correct() {
	op.mu.Lock()
	before, why := op.line, op.why
	switch before {
	case lineBegun:
		op.line = lineStale
	case lineWritten:
		op.line = lineBegun
	}
	op.mu.Unlock()
	if before == lineWritten {
		op.write(logCorrected, why)
	}
}

// log writes what an operation has had that ends, and why it does.
func (op *Operation) log(message, why string) {
	o := &op.engine.options
	if o.LogOperations == LogNone || o.LogOperations == LogStreams && !op.Streaming() {
		return
	}
	ctx := context.Background()
	if !o.Log.Enabled(ctx, slog.LevelInfo) {
		return
	}
	l, c := op.record.Labels(), op.record.Counts()
	attrs := []slog.Attr{
		slog.String("id", op.ID()), slog.String("ending", why), slog.String("kind", l.Kind),
		slog.String("operation", l.Operation), slog.String("document", l.Document), slog.String("field", l.Field),
		slog.String("consumer", l.Consumer), slog.String("plan", l.Plan), slog.String("transport", l.Transport),
		slog.Duration("lasted", time.Duration(c.ConnectedMillis)*time.Millisecond), slog.Uint64("events", c.Events), slog.Uint64("bytes", c.Bytes),
	}
	for _, more := range []struct{ name, value string }{
		{"issuer", l.Issuer}, {"subject", l.Subject}, {"client", l.Client}, {"version", l.Version}, {"country", l.Country},
	} {
		if more.value != "" {
			attrs = append(attrs, slog.String(more.name, more.value))
		}
	}
	if c.Failed > 0 {
		attrs = append(attrs, slog.Uint64("failed", c.Failed))
	}
	for why, n := range c.Dropped {
		if n > 0 {
			attrs = append(attrs, slog.Uint64("dropped_"+analytics.Drop(why).String(), n))
		}
	}
	o.Log.LogAttrs(ctx, slog.LevelInfo, message, attrs...)
}

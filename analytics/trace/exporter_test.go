package trace

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
)

// failing is an exporter that fails as it is told.
type failing struct {
	sdk.SpanExporter
	err error
}

func (f *failing) ExportSpans(context.Context, []sdk.ReadOnlySpan) error { return f.err }
func (f *failing) Shutdown(context.Context) error                        { return nil }

// exporting runs test with an exporter to one that fails, in a bubble, and returns the log's lines.
func exporting(t *testing.T, test func(t *testing.T, e *exporter, to *failing)) []string {
	t.Helper()
	var log bytes.Buffer
	synctest.Test(t, func(t *testing.T) {
		to := new(failing)
		e, gate := newExporter(to, Options{
			Log:     slog.New(slog.NewTextHandler(&log, nil)),
			Headers: map[string]string{"Authorization": "Bearer hunter2", "X-Empty": ""},
		})
		time.Sleep(quiet)
		test(t, e, to)
		if err := gate.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
	})
	return strings.Split(strings.TrimSuffix(log.String(), "\n"), "\n")
}

var three = tracetest.SpanStubs{{}, {}, {}}.Snapshots()

func TestTheLogIsToldOnceAMinute(t *testing.T) {
	lines := exporting(t, func(t *testing.T, e *exporter, to *failing) {
		to.err = errors.New("no route")
		for range 70 { // seconds
			if err := e.ExportSpans(t.Context(), three); err != nil {
				t.Errorf("the SDK was told: %v", err)
			}
			time.Sleep(time.Second)
		}
		to.err = nil
		time.Sleep(quiet)
		for range 3 {
			_ = e.ExportSpans(t.Context(), three)
		}
		if got, want := e.counts(), (Counts{Sent: 9, Failed: 210}); got != want {
			t.Errorf("counts = %+v, want %+v", got, want)
		}
	})
	want := []string{"failed=3 dropped=0", "failed=180 dropped=0", "failed=27 dropped=0", "sent again"}
	if len(lines) != len(want) {
		t.Fatalf("the log is %q", lines)
	}
	for i, line := range lines {
		if i < 3 && !strings.Contains(line, "no route") {
			t.Errorf("line %d does not say why: %s", i, line)
		}
		if !strings.Contains(line, want[i]) {
			t.Errorf("line %d is %s, want %s", i, line, want[i])
		}
	}
}

func TestSpansThatFindTheQueueFullAreToldOf(t *testing.T) {
	lines := exporting(t, func(t *testing.T, e *exporter, _ *failing) {
		e.gate.dropped.Add(7)
		_ = e.ExportSpans(t.Context(), three)
	})
	if len(lines) != 1 || !strings.Contains(lines[0], "dropped=7") || !strings.Contains(lines[0], "more slowly") {
		t.Errorf("the log is %q", lines)
	}
}

func TestTheLogHasNoSecretsAndNoLongAnswers(t *testing.T) {
	for _, echo := range []string{"you sent Bearer hunter2", "bad token hunter2", strings.Repeat("x", 250) + "hunter2" + strings.Repeat("é", 9999)} {
		lines := exporting(t, func(t *testing.T, e *exporter, to *failing) {
			to.err = errors.New(echo)
			_ = e.ExportSpans(t.Context(), three)
		})
		if len(lines) != 1 || strings.Contains(lines[0], "hunter") || len(lines[0]) > longestError+200 {
			t.Errorf("the log is %q", lines)
		}
	}
}

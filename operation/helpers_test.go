package operation_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vektah/gqlparser/v2/gqlerror"
	"go.uber.org/goleak"

	"github.com/sluice-gateway/sluice/auth"
	"github.com/sluice-gateway/sluice/internal/outbox"
	"github.com/sluice-gateway/sluice/internal/testschema"
	"github.com/sluice-gateway/sluice/internal/work"
	"github.com/sluice-gateway/sluice/operation"
	"github.com/sluice-gateway/sluice/pubsub"
	"github.com/sluice-gateway/sluice/pubsub/memory"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A bench is an engine on the test schema with an in-process broker.
type bench struct {
	t      testing.TB
	broker *memory.Broker
	engine *operation.Engine
	notes  *testschema.Notes
	log    *logBuffer
}

// retainKept keeps what the schema says, but less of it.
func retainKept(topic string) pubsub.Retention {
	if strings.HasPrefix(topic, "kept") {
		return pubsub.Retention{Events: 100, For: time.Minute}
	}
	return pubsub.Retention{}
}

// logBuffer is a log that may be read while it is written.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func newBench(t testing.TB, options operation.Options) *bench {
	t.Helper()
	b := &bench{t: t, broker: memory.NewWith(memory.Options{Retain: retainKept}), notes: new(testschema.Notes), log: new(logBuffer)}
	options.Log = slog.New(slog.NewTextHandler(b.log, nil))
	pool := work.NewPool()
	engine, err := operation.New(testschema.NewWith(b.notes), b.broker, pool, options)
	if err != nil {
		t.Fatal(err)
	}
	b.engine = engine
	t.Cleanup(func() {
		engine.Close()
		pool.Close()
		_ = b.broker.Close()
	})
	return b
}

// A sink records what it is given.
type sink struct {
	results chan string
	ended   chan gqlerror.List
	cut     chan operation.Ending
	full    bool
}

func newSink() *sink {
	return &sink{
		results: make(chan string, 1000),
		ended:   make(chan gqlerror.List, 2),
		cut:     make(chan operation.Ending, 1000),
	}
}

func (s *sink) Next(e outbox.Event) bool {
	if s.full {
		return false
	}
	s.results <- string(e.Body)
	return true
}
func (s *sink) End(errs gqlerror.List)        { s.ended <- errs }
func (s *sink) Disconnect(e operation.Ending) { s.cut <- e }

// next waits for one result.
func (s *sink) next(t testing.TB) string {
	t.Helper()
	select {
	case r := <-s.results:
		return r
	case <-time.After(10 * time.Second):
		t.Fatal("no result")
	}
	return ""
}

// end waits for the last words.
func (s *sink) end(t testing.TB) gqlerror.List {
	t.Helper()
	select {
	case errs := <-s.ended:
		return errs
	case <-time.After(10 * time.Second):
		t.Fatal("no end")
	}
	return nil
}

// silent fails if another result has come.
func (s *sink) silent(t testing.TB) {
	t.Helper()
	select {
	case r := <-s.results:
		t.Fatalf("unexpected result %s", r)
	default:
	}
}

func (b *bench) prepare(viewer *auth.Viewer, query string, variables string) *operation.Operation {
	b.t.Helper()
	req := operation.Request{Viewer: viewer, Query: query}
	if variables != "" {
		if err := json.Unmarshal([]byte(variables), &req.Variables); err != nil {
			b.t.Fatal(err)
		}
	}
	op, errs := b.engine.Prepare(context.Background(), req)
	if errs != nil {
		b.t.Fatalf("prepare %s: %v", query, errs)
	}
	return op
}

// subscribe starts a subscription; started waits for it.
func (b *bench) subscribe(viewer *auth.Viewer, query, variables string) (*operation.Operation, *sink) {
	b.t.Helper()
	op, s := b.prepare(viewer, query, variables), newSink()
	op.Run(b.t.Context(), s)
	b.t.Cleanup(op.Stop)
	return op, s
}

// started waits until every subscription receives events.
func (b *bench) started() {
	b.t.Helper()
	eventually(b.t, "every group has started", func() bool { return b.engine.Stats().Starting == 0 })
}

func (b *bench) publish(topic, payload string) {
	b.t.Helper()
	if err := b.broker.Publish(b.t.Context(), topic, []byte(payload)); err != nil {
		b.t.Fatal(err)
	}
}

// eventually waits for a condition that no channel tells.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	deadline := time.After(10 * time.Second)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-deadline:
			t.Fatal("never: " + what)
		case <-tick.C:
		}
	}
}

func equal(t testing.TB, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func message(room, text string) string { return fmt.Sprintf(`{"room":%q,"text":%q}`, room, text) }

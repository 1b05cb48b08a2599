package operation_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/sluice-gateway/sluice/internal/testschema"
	"github.com/sluice-gateway/sluice/internal/work"
	"github.com/sluice-gateway/sluice/operation"
	"github.com/sluice-gateway/sluice/pubsub"
)

// A board is the latest message of a room, which is kept under a lock together with what was published.
type board struct {
	mu     sync.Mutex
	number int
}

// write changes the board and tells so.
func (w *board) write(b *bench) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.number++
	b.publish("kept.1", message("1", fmt.Sprint("number ", w.number)))
}

func (w *board) latest(room string) (*testschema.Message, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.number == 0 {
		return nil, nil
	}
	return &testschema.Message{Room: room, Text: fmt.Sprint("number ", w.number)}, nil
}

func TestASnapshotStandsBeforeTheEvents(t *testing.T) {
	for _, query := range []string{
		`subscription { board(room: "1") { text } }`,
		`subscription S($r: ID!, $with: Boolean = false) { ...f } fragment f on Subscription { b: board(room: $r) { ...m } } fragment m on Message { text room @include(if: $with) }`,
	} {
		b, w := newBench(t, operation.Options{}), new(board)
		b.notes.LatestOf = w.latest
		for range 5 {
			w.write(b)
		}
		req := resuming(query, true)
		req.Variables = map[string]any{"r": "1"}
		s := b.open(req)
		first, cursor := s.read(t, 1)
		if !slices.Equal(first, []string{"number 5"}) || cursor == "" {
			t.Errorf("first comes %q, with the cursor %q", first, cursor)
		}
		w.write(b)
		if then, _ := s.read(t, 1); !slices.Equal(then, []string{"number 6"}) {
			t.Errorf("then comes %q", then)
		}
		back := b.open(operation.Request{Viewer: alice, Query: query, Variables: req.Variables, Extensions: map[string]any{"resume": cursor}})
		if missed, _ := back.read(t, 1); !slices.Equal(missed, []string{"number 6"}) {
			t.Errorf("who resumes gets %q, no snapshot", missed)
		}
	}
}

func TestWithoutAValueThereIsNoSnapshot(t *testing.T) {
	b, w := newBench(t, operation.Options{}), new(board)
	b.notes.LatestOf = w.latest
	s := b.open(resuming(`subscription { board(room: "1") { text } }`, true))
	<-s.at
	w.write(b)
	if got, _ := s.read(t, 1); !slices.Equal(got, []string{"number 1"}) {
		t.Errorf("it gets %q", got)
	}
}

func TestASnapshotThatFailsIsToldAndTheEventsFollow(t *testing.T) {
	b, w := newBench(t, operation.Options{}), new(board)
	b.notes.LatestOf = func(string) (*testschema.Message, error) { return nil, errors.New("row 7 is locked") }
	s := b.open(resuming(`subscription { board(room: "1") { text } }`, true))
	<-s.at
	eventually(t, "the error is there", func() bool {
		frames, _ := s.box.Take(nil, 1<<20)
		return len(frames) > 0
	})
	w.write(b)
	if got, _ := s.read(t, 1); !slices.Equal(got, []string{"number 1"}) {
		t.Errorf("it gets %q", got)
	}
}

// Panicky is a schema whose queries panic where gqlgen does not catch it: while a result is written.
type panicky struct{ graphql.ExecutableSchema }

func (p panicky) Exec(ctx context.Context) graphql.ResponseHandler {
	if graphql.GetOperationContext(ctx).Operation.Operation == ast.Query {
		return func(context.Context) *graphql.Response { panic("a scalar's encoder") }
	}
	return p.ExecutableSchema.Exec(ctx)
}

func TestASnapshotThatPanicsEndsItsSubscriptionAlone(t *testing.T) {
	b := newBench(t, operation.Options{})
	pool := work.NewPool()
	engine, err := operation.New(panicky{testschema.NewWith(b.notes)}, b.broker, pool, operation.Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { engine.Close(); pool.Close() })
	op, errs := engine.Prepare(t.Context(), resuming(`subscription { board(room: "1") { text } }`, true))
	if errs != nil {
		t.Fatal(errs)
	}
	s := newSink()
	op.Run(t.Context(), s)
	if errs := <-s.ended; operation.Code(errs) != operation.CodeInternal {
		t.Errorf("it ends with %v", errs)
	}
	op.Stop()
}

// A session that has no room while another of its subscriptions catches up gets the snapshot later.
func TestASnapshotWaitsForRoom(t *testing.T) {
	b, w := newBench(t, operation.Options{}), new(board)
	b.notes.LatestOf = w.latest
	w.write(b)
	first := b.open(resuming(`subscription { kept(rooms: ["2"]) { text } }`, true))
	<-first.at
	b.publishTexts("2", 1, 50)
	eventually(t, "it is behind", func() bool { return b.engine.Stats().Behind == 1 })
	op, errs := b.engine.Prepare(t.Context(), resuming(`subscription { board(room: "1") { text } }`, true))
	if errs != nil {
		t.Fatal(errs)
	}
	second := &wire{sink: newSink(), op: op, at: make(chan string, 1), box: first.box}
	second.Tail = []byte("\n")
	op.Configure(second.box, &second.Stream)
	var running sync.WaitGroup
	running.Go(func() { op.Run(t.Context(), second) })
	t.Cleanup(op.Stop)
	<-second.at // it has a snapshot, and no room for it
	if got, _ := first.read(t, 51); !slices.Contains(got, "number 1") || len(got) != 51 {
		t.Errorf("the session gets %q", got)
	}
	running.Wait()
	select {
	case e := <-second.cut:
		t.Errorf("the whole session is ended: %+v", e)
	default:
	}
}

func TestWithoutALogThereIsNoSnapshotInSilence(t *testing.T) {
	b, w := newBench(t, operation.Options{Retain: func(string) pubsub.Retention { return pubsub.Retention{} }}), new(board)
	b.notes.LatestOf = w.latest
	s := b.open(resuming(`subscription { board(room: "1") { text } }`, true))
	if errs := <-s.ended; operation.Code(errs) != operation.CodeBadUserInput || !strings.Contains(errs[0].Message, "not kept") {
		t.Errorf("it ends with %v", errs)
	}
}

// TestASnapshotMeetsItsEvents has subscriptions begin under the fire of changes: after the number that a
// snapshot shows come exactly those that follow it.
func TestASnapshotMeetsItsEvents(t *testing.T) {
	b, w := newBench(t, operation.Options{}), new(board)
	b.notes.LatestOf = w.latest
	w.write(b)
	stop, writing := make(chan struct{}), new(sync.WaitGroup)
	writing.Go(func() {
		every := time.NewTicker(time.Millisecond) // a snapshot takes less
		defer every.Stop()
		for {
			select {
			case <-stop:
				return
			case <-every.C:
				w.write(b)
			}
		}
	})
	for range 100 {
		s := b.open(resuming(`subscription { board(room: "1") { text } }`, true))
		got, _ := s.read(t, 3)
		s.op.Stop()
		var first int
		_, _ = fmt.Sscanf(got[0], "number %d", &first)
		for i, text := range got {
			if text != fmt.Sprint("number ", first+i) {
				t.Fatalf("it gets %q", got)
			}
		}
	}
	close(stop)
	writing.Wait()
}

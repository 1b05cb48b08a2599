package operation_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/sluice-gateway/sluice/auth"
	"github.com/sluice-gateway/sluice/internal/cursor"
	"github.com/sluice-gateway/sluice/internal/outbox"
	"github.com/sluice-gateway/sluice/limits"
	"github.com/sluice-gateway/sluice/operation"
	"github.com/sluice-gateway/sluice/pubsub"
)

// A wire is a sink with an outbox whose frames are results, one on a line.
type wire struct {
	idle
	*sink
	outbox.Stream
	box *outbox.Outbox
	op  *operation.Operation
	at  chan string
}

func (w *wire) Next(e outbox.Event) bool { return w.box.Offer(&w.Stream, e) != outbox.Full }
func (w *wire) At(cursor []byte)         { w.at <- string(cursor) }

// open runs a subscription that is resumed as its request says.
func (b *bench) open(req operation.Request) *wire {
	b.t.Helper()
	op, errs := b.engine.Prepare(b.t.Context(), req)
	if errs != nil {
		b.t.Fatal(errs)
	}
	w := &wire{sink: newSink(), op: op, at: make(chan string, 1)}
	w.Tail = []byte("\n")
	w.box = outbox.New(plain{}, &outbox.Limits{Events: 10, Bytes: 1 << 20}, w)
	op.Configure(w.box, &w.Stream)
	op.Run(b.t.Context(), w)
	b.t.Cleanup(op.Stop)
	return w
}

// A told is a result as its client sees it.
type told struct {
	Data       map[string]struct{ Text string }
	Extensions struct{ Cursor string }
}

// read takes results from the wire until there are so many.
func (w *wire) read(t *testing.T, n int) (texts []string, cursor string) {
	t.Helper()
	eventually(t, fmt.Sprintf("there are %d results", n), func() bool {
		for {
			frames, _ := w.box.Take(nil, 1<<20)
			w.box.TellRoom()
			if len(frames) == 0 {
				break
			}
			for line := range strings.Lines(string(frames)) {
				var r told
				if err := json.Unmarshal([]byte(line), &r); err != nil {
					t.Fatalf("%q: %v", line, err)
				}
				for _, m := range r.Data {
					texts = append(texts, m.Text)
				}
				cursor = r.Extensions.Cursor
			}
		}
		return len(texts) >= n
	})
	return texts, cursor
}

func (b *bench) publishTexts(room string, from, to int) (texts []string) {
	for i := from; i <= to; i++ {
		texts = append(texts, fmt.Sprint("number ", i))
		b.publish("kept."+room, message(room, texts[len(texts)-1]))
	}
	return texts
}

const keptRoom = `subscription { kept(rooms: ["1"]) { text } }`

func resuming(query string, resume any) operation.Request {
	return operation.Request{Viewer: alice, Query: query, Extensions: map[string]any{"resume": resume}}
}

func TestAClientGoesOnAfterItsCursor(t *testing.T) {
	for _, tt := range []struct{ name, first, then string }{
		{"with the same document", keptRoom, keptRoom},
		{"with another document", keptRoom, `subscription Again { m: kept(rooms: ["1"]) { text room } }`},
		{"with other topics in another order", `subscription { kept(rooms: ["1", "2"]) { text } }`, `subscription { kept(rooms: ["2", "1"]) { text } }`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t, operation.Options{})
			w := b.open(resuming(tt.first, true))
			<-w.at
			b.publishTexts("1", 1, 3)
			_, cursor := w.read(t, 3)
			w.op.Stop()
			want := b.publishTexts("1", 4, 60)
			back := b.open(resuming(tt.then, cursor))
			got, last := back.read(t, len(want))
			if !slices.Equal(got, want) || last == "" || last == cursor {
				t.Errorf("it got %q, want %q, and the cursor %q", got, want, last)
			}
			want = b.publishTexts("1", 61, 61)
			if got, _ := back.read(t, 1); !slices.Equal(got, want) {
				t.Errorf("then it got %q, want %q", got, want)
			}
		})
	}
}

func TestOnlyWhoAsksSeesCursors(t *testing.T) {
	for _, tt := range []struct {
		name, query string
		extensions  map[string]any
		cursor      bool
	}{
		{"who asks", keptRoom, map[string]any{"resume": true}, true},
		{"who says no", keptRoom, map[string]any{"resume": false}, false},
		{"who says something else", keptRoom, map[string]any{"resume": 7}, false},
		{"who does not ask", keptRoom, nil, false},
		{"who has every topic", `subscription { kept { text } }`, map[string]any{"resume": true}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t, operation.Options{})
			w := b.open(operation.Request{Viewer: alice, Query: tt.query, Extensions: tt.extensions})
			b.started()
			b.publishTexts("1", 1, 1)
			if _, cursor := w.read(t, 1); (cursor != "") != tt.cursor {
				t.Errorf("the cursor is %q", cursor)
			}
		})
	}
}

func TestASlowClientOfAKeptTopicHasEverythingLater(t *testing.T) {
	b := newBench(t, operation.Options{})
	w := b.open(resuming(keptRoom, true))
	<-w.at
	want := b.publishTexts("1", 1, 90) // the outbox holds ten
	eventually(t, "it is behind", func() bool { return b.engine.Stats().Behind == 1 })
	if got, _ := w.read(t, 90); !slices.Equal(got, want) {
		t.Errorf("it got %q", got)
	}
	if w.op.Dropped() != 0 {
		t.Errorf("%d were dropped", w.op.Dropped())
	}
}

func TestASlowClientThatTheLogHasLeftIsTold(t *testing.T) {
	b := newBench(t, operation.Options{})
	w := b.open(resuming(keptRoom, true))
	<-w.at
	b.publishTexts("1", 1, 200) // the log holds 100
	eventually(t, "it is behind", func() bool { return b.engine.Stats().Behind == 1 })
	w.read(t, 10)
	select {
	case e := <-w.cut:
		if e != operation.SlowConsumer {
			t.Errorf("its session ends with %v", e)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("nobody told it")
	}
}

func TestWhatCannotBeResumedIsSaid(t *testing.T) {
	foreign := cursor.NewKeys()
	topics := []cursor.Topic{cursor.TopicOf("kept.1")}
	b := newBench(t, operation.Options{})
	cursorOf := func(v *auth.Viewer, query string) string {
		w := b.open(operation.Request{Viewer: v, Query: query, Extensions: map[string]any{"resume": true}})
		defer w.op.Stop()
		return <-w.at
	}
	old := cursorOf(alice, keptRoom)
	secret := cursorOf(alice, `subscription { keptSecret { text } }`)
	ofOther := cursorOf(alice, `subscription { kept(rooms: ["2"]) { text } }`)
	b.publishTexts("1", 1, 150)
	for _, tt := range []struct {
		name   string
		viewer *auth.Viewer
		query  string
		resume string
		facts  map[string]any
	}{
		{"the log has left it", alice, keptRoom, old, map[string]any{"firstAvailable": uint64(51), "top": uint64(150)}},
		{"another server's cursor", alice, keptRoom, string(foreign.Append(nil, cursor.ScopeOf(""), topics, make([]pubsub.Position, 1))), nil},
		{"no cursor at all", alice, keptRoom, "yesterday", nil},
		{"another subscription's", alice, keptRoom, ofOther, nil},
		{"somebody else's", bob, `subscription { keptSecret { text } }`, secret, nil},
		{"a field that keeps nothing", alice, room1, old, nil},
		{"every topic", alice, `subscription { kept { text } }`, old, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := b.open(operation.Request{Viewer: tt.viewer, Query: tt.query, Extensions: map[string]any{"resume": tt.resume}})
			var errs gqlerror.List
			select {
			case errs = <-w.ended:
			case <-time.After(10 * time.Second):
				t.Fatal("nobody told it")
			}
			if operation.Code(errs) != operation.CodeResumeGap {
				t.Fatalf("the end is %v", errs)
			}
			for fact, want := range tt.facts {
				if got := errs[0].Extensions[fact]; got != want {
					t.Errorf("%s is %v, want %v", fact, got, want)
				}
			}
			if frames, _ := w.box.Take(nil, 1<<20); len(frames) > 0 {
				t.Errorf("it has %q all the same", frames)
			}
		})
	}
}

// What a viewer may do is looked at anew; who it is, is the same after its rights or claims have changed.
func TestAViewerWithOtherRightsGoesOn(t *testing.T) {
	const query = `subscription { keptSecret { text } }`
	b := newBench(t, operation.Options{})
	w := b.open(operation.Request{Viewer: alice, Query: query, Extensions: map[string]any{"resume": true}})
	cursor := <-w.at
	w.op.Stop()
	var want []string
	for i := range 3 {
		want = append(want, fmt.Sprint("number ", i))
		b.publish("kept-secret.alice", message("1", want[i]))
	}
	renewed := &auth.Viewer{Consumer: "shop", Subject: "alice", Plan: "gold", Scopes: []string{"more"}, Claims: map[string]any{"email": "a@example.com"}}
	back := b.open(operation.Request{Viewer: renewed, Query: query, Extensions: map[string]any{"resume": cursor}})
	if got, _ := back.read(t, 3); !slices.Equal(got, want) {
		t.Errorf("it gets %q", got)
	}
}

func TestWhatIsRefusedForWantOfRoomIsChargedOnce(t *testing.T) {
	metered(t, map[string]limits.Terms{"kept": terms(100, limits.Hour)}, func(t *testing.T, b *bench) {
		w := b.open(resuming(keptRoom, true))
		<-w.at
		want := b.publishTexts("1", 1, 90)
		if got, _ := w.read(t, 90); !slices.Equal(got, want) {
			t.Errorf("it got %d of %d", len(got), len(want))
		}
		mine, err := b.engine.Budgets(auth.WithViewer(t.Context(), alice))
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(mine, func(f operation.FieldBudget) bool { return f.Field == "Subscription.kept" })
		if left := mine[i].Quotas[0].Left; left != 10 {
			t.Errorf("%d are left of 100 after 90", left)
		}
	})
}

func TestARateDelaysWhatWasMissedAndLosesNothing(t *testing.T) {
	rate := 200.0
	metered(t, map[string]limits.Terms{"kept": {Rate: &rate}}, func(t *testing.T, b *bench) {
		w := b.open(resuming(keptRoom, true))
		cursor := <-w.at
		w.op.Stop()
		want := b.publishTexts("1", 1, 90)
		back := b.open(resuming(keptRoom, cursor))
		if got, _ := back.read(t, 90); !slices.Equal(got, want) {
			t.Errorf("it got %d of %d", len(got), len(want))
		}
	})
}

package operation_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/sluice-gateway/sluice/analytics"
	"github.com/sluice-gateway/sluice/internal/outbox"
	"github.com/sluice-gateway/sluice/operation"
)

// counted is a bench whose operations are counted and logged.
func counted(t testing.TB, log operation.LogKind) (*bench, *analytics.Recorder) {
	t.Helper()
	r := analytics.NewRecorder(analytics.Options{})
	return newBench(t, operation.Options{
		Recorder: r, LogOperations: log, Node: "here",
		Country: func(netip.Addr) string { return "DE" },
	}), r
}

func TestAnOperationHasARecord(t *testing.T) {
	b, r := counted(t, operation.LogStreams)
	op := b.prepare(alice, `subscription Chat { message(rooms: ["1"]) { text } }`, "")
	s := newSink()
	op.Run(t.Context(), s)
	b.started()
	b.publish("room.1", "no JSON")
	b.publish("room.1", message("1", "hello"))
	if got := s.next(t); !strings.Contains(got, "hello") {
		t.Fatal(got)
	}
	runs, total := r.Runs(analytics.RunQuery{First: 10})
	if total != 1 {
		t.Fatalf("%d run", total)
	}
	l, c := runs[0].Labels, runs[0].Counts
	if l.Kind != "subscription" || l.Operation != "Chat" || l.Field != "Subscription.message" || l.Topic != "room.{rooms}" || l.Country != "DE" {
		t.Errorf("labels %+v", l)
	}
	if c.Events != 1 || c.Dropped[analytics.DropDecode] != 1 || c.Failed != 0 {
		t.Errorf("counts %+v", c)
	}
	op.Dismiss("too loud")
	if errs := s.end(t); operation.Code(errs) != "ENDED_BY_OPERATOR" || !strings.HasSuffix(errs[0].Message, ": too loud") {
		t.Errorf("it ended with %v", errs)
	}
	if c := r.Totals(); c.Running() != 0 || c.Endings["ENDED_BY_OPERATOR"] != 1 {
		t.Errorf("%+v", c)
	}
	for _, want := range []string{
		`msg="operation ended"`, "id=here.1 ", "ending=ENDED_BY_OPERATOR", "kind=subscription", "operation=Chat", "field=Subscription.message",
		"events=1 ", "country=DE", "dropped_decode=1",
	} {
		if !strings.Contains(b.log.String(), want) {
			t.Errorf("the log has no %s:\n%s", want, b.log)
		}
	}
}

func TestWhatIsLostIsCountedByWhy(t *testing.T) {
	b, r := counted(t, operation.LogNone)
	op := b.prepare(alice, `subscription { message(rooms: ["1"]) { text } }`, "")
	var place outbox.Stream
	op.Configure(nil, &place)
	op.Run(t.Context(), newSink())
	b.started()
	place.Lost(3, outbox.TooSlow)
	op.Stop()
	place.Lost(4, outbox.Gone) // what waited when its client left
	c := r.Totals()
	if c.Dropped[analytics.DropSlow] != 3 || c.Dropped[analytics.DropWrite] != 4 {
		t.Errorf("%+v", c)
	}
}

func TestWhichOperationsAreLogged(t *testing.T) {
	for kind, want := range map[operation.LogKind][2]int{
		operation.LogNone: {0, 0}, operation.LogStreams: {0, 1}, operation.LogAll: {1, 1},
	} {
		b, _ := counted(t, kind)
		for i, query := range []string{`query Once { hello }`, `subscription { message(rooms: ["1"]) { text } }`} {
			before := strings.Count(b.log.String(), "operation ended")
			op := b.prepare(alice, query, "")
			op.Run(t.Context(), newSink())
			op.Stop()
			if got := strings.Count(b.log.String(), "operation ended") - before; got != want[i] {
				t.Errorf("log kind %v: %d lines of %s, want %d", kind, got, query, want[i])
			}
		}
	}
}

func TestResultsWithErrorsAreCountedAsFailed(t *testing.T) {
	b, r := counted(t, operation.LogNone)
	for query, want := range map[string]uint64{`{ hello }`: 0, `{ broken }`: 1} {
		before := r.Totals().Failed
		op := b.prepare(alice, query, "")
		op.Run(t.Context(), newSink())
		if got := r.Totals().Failed - before; got != want {
			t.Errorf("%s: %d results failed, want %d", query, got, want)
		}
	}
}

func TestLogKindsAreReadByTheirNames(t *testing.T) {
	for _, name := range []string{"off", "streams", "all"} {
		var k operation.LogKind
		if err := k.UnmarshalText([]byte(name)); err != nil {
			t.Error(err)
		}
		if text, _ := k.MarshalText(); string(text) != name {
			t.Errorf("%s became %s", name, text)
		}
	}
	var k operation.LogKind
	if err := k.UnmarshalText([]byte("some")); err == nil {
		t.Error("some is a kind")
	}
}

package operation_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/sluice-gateway/sluice/analytics"
	"github.com/sluice-gateway/sluice/internal/outbox"
	"github.com/sluice-gateway/sluice/operation"
)

// A meanwhile is a sink whose operation is stopped while it takes a result: the outbox has no place for it
// any more.
type meanwhile struct {
	*sink
	place *outbox.Stream
	stop  func()
}

func (m *meanwhile) Next(outbox.Event) bool {
	m.stop()
	m.place.Lost(1, outbox.Gone)
	m.results <- "lost"
	return true
}

// told are the lines of the log with a message.
func (b *bench) told(message string) (lines []string) {
	for line := range strings.Lines(b.log.String()) {
		if strings.Contains(line, `msg="`+message+`"`) {
			lines = append(lines, line)
		}
	}
	return lines
}

func TestAnOperationEndsInOneLineAndWhatItLosesLaterIsACorrection(t *testing.T) {
	b, _ := counted(t, operation.LogStreams)
	op := b.prepare(alice, `subscription { message(rooms: ["1"]) { text } }`, "")
	var place outbox.Stream
	op.Configure(nil, &place)
	op.Run(t.Context(), newSink())
	b.started()
	place.Lost(3, outbox.Gone)
	op.Stop()
	if ended := b.told("operation ended"); len(ended) != 1 || !strings.Contains(ended[0], "dropped_write=3") || b.told("operation corrected") != nil {
		t.Fatalf("the log says %s", b.log)
	}
	place.Lost(4, outbox.Gone) // what waited when its client left
	place.Lost(1, outbox.TooSlow)
	corrected := b.told("operation corrected")
	if len(b.told("operation ended")) != 1 || len(corrected) != 2 {
		t.Fatalf("the log says %s", b.log)
	}
	for _, want := range []string{"id=here.1 ", "ending=LEFT", "consumer=", "dropped_slow=1", "dropped_write=7"} {
		if !strings.Contains(corrected[1], want) {
			t.Errorf("the last line has no %s: %s", want, corrected[1])
		}
	}
}

func TestOfManyCorrectionsTheLastKnowsEverything(t *testing.T) {
	const losers, losses = 8, 50
	b, _ := counted(t, operation.LogStreams)
	op := b.prepare(alice, `subscription { message(rooms: ["1"]) { text } }`, "")
	var place outbox.Stream
	op.Configure(nil, &place)
	op.Run(t.Context(), newSink())
	b.started()
	var all sync.WaitGroup
	for range losers {
		all.Go(func() {
			for range losses {
				place.Lost(1, outbox.Gone)
			}
		})
	}
	all.Go(op.Stop)
	all.Wait()
	last := b.told("operation ended")
	if len(last) != 1 {
		t.Errorf("%d operations have ended", len(last))
	}
	last = append(last, b.told("operation corrected")...)
	if want := fmt.Sprint("dropped_write=", losers*losses); !strings.Contains(last[len(last)-1], want) {
		t.Errorf("the last of %d lines has not %s: %s", len(last), want, last[len(last)-1])
	}
}

// The log had an event that nobody was sent: it was counted, and not yet taken back.
func TestTheLogKnowsWhatWasLostWhileAnOperationEnded(t *testing.T) {
	b, r := counted(t, operation.LogStreams)
	op := b.prepare(alice, `subscription { message(rooms: ["1"]) { text } }`, "")
	m := &meanwhile{sink: newSink(), place: new(outbox.Stream), stop: op.Stop}
	op.Configure(nil, m.place)
	op.Run(t.Context(), m)
	b.started()
	b.publish("room.1", message("1", "hello"))
	m.next(t)
	if c := r.Totals(); c.Events != 1 || c.Dropped[analytics.DropWrite] != 1 {
		t.Errorf("counts %+v", c)
	}
	lines := strings.Split(strings.TrimSpace(b.log.String()), "\n")
	if last := lines[len(lines)-1]; !strings.Contains(last, "events=1 ") || !strings.Contains(last, "dropped_write=1") {
		t.Errorf("the log says %s", b.log)
	}
}

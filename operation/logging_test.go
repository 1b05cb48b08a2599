package operation_test

import (
	"strings"
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

package operation_test

import (
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/internal/outbox"
	"github.com/sluice-gateway/sluice/operation"
	"github.com/sluice-gateway/sluice/share"
)

// An origins is a sink that keeps where results come from.
type origins struct {
	*sink
	all chan *outbox.Origin
}

func (o *origins) Next(e outbox.Event) bool {
	o.all <- e.Origin
	return o.sink.Next(e)
}

// Who joins later is given a result at once that may be hours old: it says nothing about how long results
// take.
func TestOnlyThoseWhoWaitedForALiveResultAreTimed(t *testing.T) {
	b := newBench(t, operation.Options{Share: share.Options{
		Written: func(string) func(time.Duration) { return func(time.Duration) {} },
	}})
	for i, timed := range []bool{true, false, false} {
		op, s := b.prepare(alice, `query @live { hello }`, ""), &origins{newSink(), make(chan *outbox.Origin, 10)}
		op.Run(t.Context(), s)
		t.Cleanup(op.Stop)
		s.next(t)
		if origin := <-s.all; origin == nil || origin.At.IsZero() == timed || (origin.Written == nil) == timed {
			t.Errorf("the result of member %d comes from %+v, timed: %v", i, origin, timed)
		}
	}
}

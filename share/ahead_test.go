package share_test

import (
	"context"
	"sync"
	"testing"

	"github.com/99designs/gqlgen/graphql"

	"github.com/sluice-gateway/sluice/internal/outbox"
	"github.com/sluice-gateway/sluice/share"
)

// A gated executor is an echo that waits with one event.
type gated struct {
	at   string
	open chan struct{}
}

func (g gated) DispatchOperation(ctx context.Context, oc *graphql.OperationContext) (graphql.ResponseHandler, context.Context) {
	next, ctx := echo{}.DispatchOperation(ctx, oc)
	return func(ctx context.Context) *graphql.Response {
		r := next(ctx)
		if string(r.Data) == g.at {
			<-g.open
		}
		return r
	}, ctx
}

// A meddler is a reader during whose first event something happens.
type meddler struct {
	*reader
	once  sync.Once
	first func()
}

func (m *meddler) Next(e outbox.Event) bool {
	room := m.reader.Next(e)
	m.once.Do(m.first)
	return room
}

// TestTheCursorOfWhoIsAheadOfItsGroupSaysSo has a member catch up with one topic further than its group is, while the
// group has an event of another one for it: the cursor of that event is not the group's.
func TestTheCursorOfWhoIsAheadOfItsGroupSaysSo(t *testing.T) {
	gate := make(chan struct{})
	s := newStageOf(t, gated{at: "100", open: gate}, 10_000, "kept.1", "kept.2")
	present := s.join(-1)
	at := present.cursor()
	s.publish("kept.1", 1, 1)
	s.has(present, numbers("kept.1", 1, 1))
	back := &meddler{reader: &reader{room: -1}, first: func() {
		s.publish("kept.2", 100, 100) // after the replay has looked there; the group waits with it
		s.publish("kept.1", 2, 2)
	}}
	var err error
	if back.member, err = s.groups.Resume(share.Key{}, s.spec, back, at); err != nil {
		t.Fatal(err)
	}
	missed := numbers("kept.1", 1, 2)
	s.has(back.reader, missed)
	s.until("it is not behind", func() bool { return s.groups.Stats().Behind == 0 })
	close(gate)
	s.has(back.reader, append(missed, numbers("kept.2", 100, 100)...))
	s.until("its group has everything", func() bool { return len(present.events()) == 3 })
	back.member.Leave()
	again := s.resume(-1, back.cursor())
	s.publish("kept.2", 3, 3)
	s.has(again, numbers("kept.2", 3, 3))
}

package operation_test

import (
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-gateway/sluice/internal/testschema"
	"github.com/sluice-gateway/sluice/internal/work"
	"github.com/sluice-gateway/sluice/operation"
	"github.com/sluice-gateway/sluice/pubsub"
	"github.com/sluice-gateway/sluice/pubsub/memory"
)

// A farBroker can have been away.
type farBroker struct {
	*memory.Broker
	reconnects atomic.Uint64
}

func (f *farBroker) Health() pubsub.Health {
	health := f.Broker.Health()
	health.Reconnects = f.reconnects.Load()
	return health
}

func TestWhatMayHaveBeenMissedWhileTheBrokerWasAwayIsMadeAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broker, pool, notes := &farBroker{Broker: memory.New()}, work.NewPool(), new(testschema.Notes)
		defer func() { _ = broker.Close() }()
		defer pool.Close()
		engine, err := operation.New(testschema.NewWith(notes), broker, pool, operation.Options{Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		defer engine.Close()
		notes.Set("1", "before")
		b := &bench{t: t, broker: broker.Broker, engine: engine, notes: notes}
		s := b.watch(operation.Request{Query: `query @live { note(id: 1) { text } }`})
		time.Sleep(5 * time.Second)
		notes.Set("1", "after") // of which nobody tells
		time.Sleep(5 * time.Second)
		if n := s.count(); n != 1 {
			t.Fatalf("it was sent %d times", n)
		}
		broker.reconnects.Add(1)
		time.Sleep(1100 * time.Millisecond)
		synctest.Wait()
		if bodies := s.bodies(); len(bodies) != 2 || !strings.Contains(bodies[1], "after") {
			t.Errorf("it was sent %s", bodies)
		}
	})
}

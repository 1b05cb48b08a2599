package operation_test

import (
	"context"
	"log/slog"
	"runtime"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-gateway/sluice/internal/testschema"
	"github.com/sluice-gateway/sluice/internal/work"
	"github.com/sluice-gateway/sluice/operation"
	"github.com/sluice-gateway/sluice/pubsub"
	"github.com/sluice-gateway/sluice/pubsub/memory"
)

// A hasty broker has something happen as soon as somebody has subscribed.
type hasty struct {
	*memory.Broker
	then func()
}

func (h *hasty) Subscribe(ctx context.Context, topic string, r pubsub.Receiver) (pubsub.Subscription, error) {
	s, err := h.Broker.Subscribe(ctx, topic, r)
	h.then()
	return s, err
}

// A task is a function for a pool.
type task func()

func (t task) Run() { t() }

// TestASnapshotIsMadeOfATopicThatHasLeftItsGroupBehind begins while more events wait for the group than are kept: all of
// them are in the snapshot, and none of them is missing.
func TestASnapshotIsMadeOfATopicThatHasLeftItsGroupBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		retain := func(string) pubsub.Retention { return pubsub.Retention{Events: 2, For: time.Minute} }
		w, pool, free := new(board), work.NewPool(), make(chan struct{})
		for range max(2, runtime.GOMAXPROCS(0)) { // so no group takes a step
			pool.Submit(task(func() { <-free }))
		}
		broker := &hasty{Broker: memory.NewWith(memory.Options{Retain: retain})}
		b := &bench{t: t, broker: broker.Broker}
		broker.then = func() {
			for range 5 {
				w.write(b)
			}
		}
		engine, err := operation.New(testschema.NewWith(&testschema.Notes{LatestOf: w.latest}), broker, pool, operation.Options{
			Retain: retain, Log: slog.New(slog.DiscardHandler),
		})
		if err != nil {
			t.Fatal(err)
		}
		b.engine = engine
		t.Cleanup(func() {
			engine.Close()
			pool.Close()
			_ = broker.Close()
		})
		s := b.open(resuming(`subscription { board(room: "1") { text } }`, true))
		close(free)
		synctest.Wait()
		select {
		case errs := <-s.ended:
			t.Fatalf("it ended: %v", errs)
		default:
		}
		w.write(b)
		if got, _ := s.read(t, 2); !slices.Equal(got, []string{"number 5", "number 6"}) {
			t.Errorf("it gets %q", got)
		}
	})
}

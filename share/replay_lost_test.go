package share_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"github.com/sluice-gateway/sluice/internal/outbox"
	"github.com/sluice-gateway/sluice/internal/work"
	"github.com/sluice-gateway/sluice/pubsub"
	"github.com/sluice-gateway/sluice/pubsub/memory"
	"github.com/sluice-gateway/sluice/share"
)

// A teller notes what it is told to have lost.
type teller struct {
	reader
	dropped []uint64
}

func (r *teller) Next(e outbox.Event) bool {
	taken := r.reader.Next(e)
	r.mu.Lock()
	defer r.mu.Unlock()
	if taken {
		r.dropped = append(r.dropped, e.Dropped)
	}
	return taken
}

func (s *stage) publishBroken(n int) {
	for range n {
		if err := s.broker.Publish(s.Context(), "kept.1", []byte("no JSON")); err != nil {
			s.Fatal(err)
		}
	}
}

// What cannot be decoded is lost to whoever comes later too, and told by the next result.
func TestWhoCatchesUpIsToldWhatIsLost(t *testing.T) {
	s := newStage(t, 100, "kept.1")
	first := s.join(-1)
	first.member.Leave()
	s.publish("kept.1", 1, 1)
	s.publishBroken(2)
	s.publish("kept.1", 2, 3)
	back := &teller{reader: reader{room: 1, at: first.began}}
	m, err := s.groups.Resume(share.Key{}, s.spec, back, first.cursor())
	if err != nil {
		t.Fatal(err)
	}
	back.mu.Lock()
	back.member = m
	back.mu.Unlock()
	s.until("it has no room", func() bool { back.mu.Lock(); defer back.mu.Unlock(); return back.full })
	back.give(-1)
	s.until("it has all", func() bool { back.mu.Lock(); defer back.mu.Unlock(); return len(back.dropped) == 3 })
	back.mu.Lock()
	defer back.mu.Unlock()
	if want := []uint64{0, 2, 0}; !slices.Equal(back.dropped, want) {
		t.Errorf("its results tell of %v lost events, want %v", back.dropped, want)
	}
}

// Apart is a broker whose log is another one than the one that its subscribers have.
type apart struct {
	*memory.Broker
	reads atomic.Int64
}

func (b *apart) Read(context.Context, string, pubsub.Position, int) (pubsub.Past, error) {
	b.reads.Add(1)
	return pubsub.Past{}, nil
}

func TestALogThatDoesNotJoinItsGroupIsReadRarely(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &apart{Broker: memory.NewWith(memory.Options{Retain: func(string) pubsub.Retention { return pubsub.Retention{Events: 10, For: time.Hour} }})}
		pool := work.NewPool()
		groups := share.NewGroups(echo{}, b, pool, share.Options{Log: slog.New(slog.DiscardHandler)})
		spec := func() share.Spec {
			return share.Spec{Context: subscription, Topics: []string{"kept.1"}, Root: share.Root{Key: "m"}, Cursor: cursorOf}
		}
		m, err := groups.Resume(share.Key{}, spec, &reader{room: -1}, share.Place{{Epoch: 1, Offset: 1}})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if n := b.reads.Load(); n < 5 || n > 60 {
			t.Errorf("in a minute it was read %d times", n)
		}
		m.Leave()
		groups.Close()
		pool.Close()
		_ = b.Close()
	})
}

// Enlarge is an executor whose results are much larger than the events.
type enlarge struct{}

func (enlarge) DispatchOperation(ctx context.Context, _ *graphql.OperationContext) (graphql.ResponseHandler, context.Context) {
	events, _ := pubsub.Stream(ctx, func(payload []byte) (json.RawMessage, error) { return payload, nil })
	large := slices.Concat([]byte(`"`), bytes.Repeat([]byte("x"), 200<<10), []byte(`"`))
	return func(context.Context) *graphql.Response {
		<-events
		return &graphql.Response{Data: slices.Clone(large)}
	}, ctx
}

// A forgetful reader counts.
type forgetful struct{ reader }

func (r *forgetful) Next(e outbox.Event) bool {
	taken := r.reader.Next(e)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.got = nil
	return taken
}

func TestWhatAReplayMakesIsBounded(t *testing.T) {
	b := memory.NewWith(memory.Options{Retain: func(string) pubsub.Retention { return pubsub.Retention{Events: 5000, For: time.Hour} }})
	pool := work.NewPool()
	groups := share.NewGroups(enlarge{}, b, pool, share.Options{Log: slog.New(slog.DiscardHandler)})
	t.Cleanup(func() { groups.Close(); pool.Close(); _ = b.Close() })
	s := &stage{TB: t, broker: b, groups: groups, topics: []string{"kept.1"}}
	first := s.join(-1)
	first.member.Leave()
	s.publish("kept.1", 1, 700)
	before := heap()
	r := &forgetful{reader{room: 600}}
	if _, err := groups.Resume(share.Key{}, s.spec, r, first.cursor()); err != nil {
		t.Fatal(err)
	}
	s.until("it has no room", func() bool { r.mu.Lock(); defer r.mu.Unlock(); return r.full })
	if held := heap() - before; held > 16<<20 {
		t.Errorf("what was made of 600 events of a byte holds %d MiB", held>>20)
	}
}

func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

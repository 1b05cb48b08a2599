package tail

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/sluice-gateway/sluice/pubsub"
)

// A store is a log that loses nothing.
type store struct {
	mu     sync.Mutex
	events []*pubsub.Event
	live   func(*pubsub.Event) // what comes is in the order of the log
	reads  int
}

func (s *store) position(offset uint64) pubsub.Position {
	if offset == 0 {
		return pubsub.Position{Epoch: 1}
	}
	return s.events[offset-1].Position
}

func (s *store) publish(payload string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := uint64(len(s.events) + 1)
	e := &pubsub.Event{Topic: "t", Payload: []byte(payload), Position: pubsub.Position{Epoch: 1, Offset: n, ID: [12]byte{byte(n), byte(n >> 8), 1}}}
	s.events = append(s.events, e)
	if s.live != nil {
		s.live(e)
	}
}

func (s *store) Start(context.Context, string) (pubsub.Position, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.position(uint64(len(s.events))), nil
}

func (s *store) Read(_ context.Context, topic string, after pubsub.Position, most int) (pubsub.Past, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads++
	n := uint64(len(s.events))
	past := pubsub.Past{Top: s.position(n)}
	if after.Offset > n || s.position(after.Offset) != after {
		return past, &pubsub.GapError{Topic: topic, Epoch: 1, First: 1, Top: n}
	}
	rest := s.events[after.Offset:]
	past.Events = rest[:min(most, len(rest))]
	return past, nil
}

func (s *store) Pause(context.Context, int) {}

// A bench is a tail on a store, whose Runs happen when they are called for.
type bench struct {
	*store
	tail   *Tail
	starts int
	strays int
	got    []*pubsub.Event
}

func newBench() *bench {
	b := &bench{store: new(store)}
	b.tail = New("t", Hooks{
		Hand:  func(e *pubsub.Event) { b.got = append(b.got, e) },
		Start: func() { b.starts++ },
		Stray: func() { b.strays++ },
	})
	return b
}

func (b *bench) run(t *testing.T) {
	for ; b.starts > 0; b.starts-- {
		b.tail.Run(t.Context(), b)
	}
}

// check wants the events from 1 to the last of the log.
func (b *bench) check(t *testing.T) {
	t.Helper()
	if len(b.got) != len(b.events) {
		t.Fatalf("%d events were handed over, of %d", len(b.got), len(b.events))
	}
	for i, e := range b.got {
		if e != b.events[i] {
			t.Fatalf("event %d has position %v", i, e.Position)
		}
	}
}

// begun is a bench whose tail is not behind.
func begun(t *testing.T) *bench {
	b := newBench()
	b.tail.Confirmed()
	b.run(t)
	return b
}

func TestWhatComesInOrderIsNotRead(t *testing.T) {
	b := begun(t)
	b.live = b.tail.Receive
	for i := range 1000 {
		b.publish(fmt.Sprint(i))
	}
	b.tail.Receive(b.events[999]) // again
	b.check(t)
	if b.reads != 0 || b.starts != 0 {
		t.Errorf("the log was read %d times", b.reads)
	}
}

func TestWhatIsMissingIsReadOnce(t *testing.T) {
	b := begun(t)
	b.publish("1")
	b.publish("2")
	b.live = b.tail.Receive
	b.publish("3")
	b.publish("4")
	b.run(t)
	b.publish("5")
	b.check(t)
	if b.reads != 1 {
		t.Errorf("the log was read %d times", b.reads)
	}
}

func TestWhatWasReadAndComesLateIsKnown(t *testing.T) {
	b := begun(t)
	for i := range 900 { // three pages
		b.publish(fmt.Sprint(i))
	}
	b.tail.Confirmed()
	b.run(t)
	reads := b.reads
	for _, e := range b.events {
		b.tail.Receive(e)
	}
	b.live = b.tail.Receive
	b.publish("next")
	b.check(t)
	if b.reads != reads || b.starts != 0 {
		t.Error("the log was read for what was known")
	}
}

func TestWhatDoesNotFitIntoTheBufferIsRead(t *testing.T) {
	for name, payload := range map[string]string{"too many": "x", "too large": string(make([]byte, bufferedBytes/3))} {
		t.Run(name, func(t *testing.T) {
			b := begun(t)
			b.tail.Confirmed()
			b.live = b.tail.Receive
			for range 3 * bufferedEvents {
				b.publish(payload)
			}
			if n := len(b.tail.buffer.events); n > bufferedEvents || b.tail.buffer.bytes > bufferedBytes {
				t.Errorf("the buffer has %d events of %d bytes", n, b.tail.buffer.bytes)
			}
			b.run(t)
			b.publish("last")
			b.check(t)
		})
	}
}

func TestWhatHasNoPositionIsHandedOnAndCounted(t *testing.T) {
	b := begun(t)
	b.tail.Receive(&pubsub.Event{Payload: []byte("plain")})
	b.tail.Confirmed()
	b.tail.Receive(&pubsub.Event{Payload: []byte("while it reads")})
	b.run(t)
	if len(b.got) != 2 || b.strays != 2 {
		t.Errorf("%d were handed on, and %d counted", len(b.got), b.strays)
	}
}

func TestAPositionThatTheLogDoesNotKnowIsCounted(t *testing.T) {
	b := begun(t)
	b.live = b.tail.Receive
	b.publish("1")
	for _, made := range []pubsub.Position{{Epoch: 1, Offset: 9}, {Epoch: 2, Offset: 2}, {Epoch: 1, Offset: 1}} {
		b.tail.Receive(&pubsub.Event{Position: made})
		b.run(t)
	}
	b.publish("2")
	b.check(t)
	if b.strays != 3 {
		t.Errorf("%d were counted", b.strays)
	}
}

func TestWhoWaitsForALogThatCannotBeReadLeaves(t *testing.T) {
	b := newBench()
	gone, leave := context.WithCancelCause(t.Context())
	why := errors.New("gone")
	leave(why)
	seat := func(pubsub.Position) { t.Error("somebody who has left has a seat") }
	if err := b.tail.Join(gone, seat); !errors.Is(err, why) {
		t.Errorf("join: %v", err)
	}
	waiting := b.tail.ask(seat)
	b.tail.End()
	<-waiting.done
	if err := b.tail.Join(t.Context(), seat); !errors.Is(err, ErrEnded) {
		t.Errorf("join after the end: %v", err)
	}
	b.tail.Confirmed()
	b.run(t)
}

func TestRunEndsWithItsContext(t *testing.T) {
	b := newBench()
	b.tail.Confirmed()
	ctx, stop := context.WithCancel(t.Context())
	stop()
	b.tail.Run(ctx, b)
	if b.reads != 0 || !b.tail.top.IsZero() {
		t.Error("it has read")
	}
}

// Publishers, a connection that breaks, readings and joiners, all at once.
func TestEverybodyAtOnce(t *testing.T) {
	const events, joiners = 5000, 50
	s := new(store)
	var (
		running sync.WaitGroup
		mu      sync.Mutex
		seats   []*seat
	)
	var tail *Tail
	tail = New("t", Hooks{
		Hand: func(e *pubsub.Event) {
			mu.Lock()
			defer mu.Unlock()
			for _, seat := range seats {
				seat.take(t, e)
			}
		},
		Start: func() { running.Go(func() { tail.Run(t.Context(), s) }) },
		Stray: func() { t.Error("an event was taken for a stray") },
	})
	wire := make(chan *pubsub.Event, events)
	s.live = func(e *pubsub.Event) {
		if e.Position.Offset%97 > 5 { // the others are lost
			wire <- e
		}
	}
	var connection sync.WaitGroup
	connection.Go(func() {
		tail.Confirmed()
		n := 0
		for e := range wire {
			if n++; n%500 == 0 {
				tail.Confirmed()
			}
			tail.Receive(e)
		}
	})
	var busy sync.WaitGroup
	for range 2 {
		busy.Go(func() {
			for range events / 2 {
				s.publish("x")
			}
		})
	}
	for range joiners {
		busy.Go(func() {
			err := tail.Join(t.Context(), func(at pubsub.Position) {
				mu.Lock()
				defer mu.Unlock()
				seats = append(seats, &seat{at})
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	busy.Wait()
	close(wire)
	connection.Wait()
	tail.Confirmed()
	running.Wait()
	for i, seat := range seats {
		if seat.at.Offset != events {
			t.Errorf("joiner %d is at %v", i, seat.at)
		}
	}
}

type seat struct{ at pubsub.Position }

func (s *seat) take(t *testing.T, e *pubsub.Event) {
	if !follows(s.at, e.Position) {
		t.Errorf("%v comes after %v", e.Position, s.at)
	}
	s.at = e.Position
}

func BenchmarkReceive(b *testing.B) {
	tail := New("t", Hooks{Hand: func(*pubsub.Event) {}, Start: func() {}})
	tail.Confirmed()
	tail.enter(0, pubsub.Past{Top: pubsub.Position{Epoch: 1}}, nil)
	tail.stale = false
	tail.next()
	e := &pubsub.Event{Position: pubsub.Position{Epoch: 1}}
	b.ReportAllocs()
	for b.Loop() {
		e.Position.Offset++
		tail.Receive(e)
	}
}

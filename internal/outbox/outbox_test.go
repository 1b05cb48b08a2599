package outbox

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// brackets is a framer whose frames can be read: [head body tail].
type brackets struct{}

func (brackets) AppendFrame(dst, head, body, tail []byte) []byte {
	return fmt.Appendf(dst, "[%s%s%s]", head, body, tail)
}

// A counter is a writer that never writes; it counts how often it was told.
type counter int

func (c *counter) Ready()      { *c++ }
func (*counter) Urge(int) bool { return false }
func (*counter) Slow() bool    { return false }

func box(events, bytes int) (o *Outbox, told *counter) {
	told = new(counter)
	return New(brackets{}, &Limits{Events: events, Bytes: bytes}, told), told
}

func take(o *Outbox) string {
	frames, _ := o.Take(nil, 1<<20)
	return string(frames)
}

func TestEverythingComesOutInOrder(t *testing.T) {
	o, told := box(100, 1000)
	s := &Stream{Head: []byte("1:"), Tail: []byte(";")}
	o.Send([]byte("<ack>"))
	o.Offer(s, Event{Body: []byte("a")})
	o.Send([]byte("<pong>"))
	o.Offer(s, Event{Body: []byte("b")})
	o.End(s, []byte("<end>"))
	if got := take(o); got != "<ack>[1:a;]<pong>[1:b;]<end>" {
		t.Error(got)
	}
	if *told != 1 {
		t.Errorf("told %d times, want once until all is taken", *told)
	}
	take(o) // finds nothing
	o.Send([]byte("x"))
	if *told != 2 {
		t.Errorf("told %d times, want again for what came after", *told)
	}
}

func TestLimits(t *testing.T) {
	for _, tt := range []struct {
		name          string
		events, bytes int
		sizes         []int
		full          int // index of the first body that is refused
	}{
		{"of events", 3, 1000, []int{1, 1, 1, 1}, 3},
		{"of bytes", 100, 10, []int{4, 4, 4}, 2},
		{"a body larger than the limit passes alone", 100, 10, []int{50, 1}, 1},
		{"a body larger than the limit does not pass behind another", 100, 10, []int{1, 50}, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o, _ := box(tt.events, tt.bytes)
			s := new(Stream)
			for i, size := range tt.sizes {
				verdict := o.Offer(s, Event{Body: bytes.Repeat([]byte("x"), size)})
				if want := map[bool]Verdict{true: Queued, false: Full}[i < tt.full]; verdict != want {
					t.Errorf("body %d: %v, want %v", i, verdict, want)
				}
			}
			take(o)
			if events, size := o.Waiting(); events != 0 || size != 0 {
				t.Errorf("%d events and %d bytes wait in an empty outbox", events, size)
			}
			if o.Offer(s, Event{Body: []byte("x")}) != Queued {
				t.Error("an empty outbox is full")
			}
		})
	}
}

func TestOwnMessagesPassAFullOutboxButNotForEver(t *testing.T) {
	o, _ := box(1, 1<<20)
	s := new(Stream)
	o.Offer(s, Event{Body: []byte("x")})
	sent := 0
	for o.Send([]byte("pong")) {
		sent++
	}
	if sent != controls {
		t.Errorf("%d were taken, want %d", sent, controls)
	}
	if o.End(s, []byte("complete")) != Full {
		t.Error("the ends of operations have no bound")
	}
	take(o)
	if !o.Send([]byte("pong")) || o.End(s, []byte("complete")) != Queued {
		t.Error("an empty outbox is full")
	}
}

func TestOwnMessagesAreBoundedInBytesToo(t *testing.T) {
	o, _ := box(10, 1000)
	if !o.Send(make([]byte, 5000)) {
		t.Error("one that is larger than the limit does not pass alone")
	}
	if o.Send([]byte("x")) || o.End(new(Stream), []byte("x")) != Full {
		t.Error("something passed behind it")
	}
	take(o)
	if !o.Send(make([]byte, 900)) || o.Send(make([]byte, 101)) || !o.Send(make([]byte, 100)) {
		t.Error("the limit is not 1000 bytes")
	}
}

func TestADroppedStreamIsSilent(t *testing.T) {
	o, _ := box(10, 1000)
	gone, stays := &Stream{Head: []byte("gone ")}, &Stream{Head: []byte("stays ")}
	o.Offer(gone, Event{Body: []byte("1")})
	o.Offer(stays, Event{Body: []byte("2")})
	o.Drop(gone)
	if o.Offer(gone, Event{Body: []byte("3")}) != Closed || o.End(gone, []byte("end")) != Closed {
		t.Error("a dropped stream was taken in")
	}
	if got := take(o); got != "[stays 2]" {
		t.Error(got)
	}
}

func TestAnEndedStreamTakesNothingMore(t *testing.T) {
	o, _ := box(10, 1000)
	s := new(Stream)
	if !o.Begin(s, []byte("begin")) {
		t.Error("the beginning was refused")
	}
	o.Offer(s, Event{Body: []byte("1")})
	if o.End(s, []byte("end")) != Queued || o.End(s, []byte("again")) != Closed || o.Offer(s, Event{Body: []byte("2")}) != Closed || o.Begin(s, []byte("begin")) {
		t.Error("something came after the end")
	}
	if got := take(o); got != "begin[1]end" {
		t.Error(got)
	}
}

func TestLastWords(t *testing.T) {
	for discard, want := range map[bool]string{false: "[1]bye", true: "bye"} {
		o, _ := box(10, 1000)
		s := new(Stream)
		o.Offer(s, Event{Body: []byte("1")})
		if !o.Finish([]byte("bye"), discard) || o.Finish([]byte("again"), false) {
			t.Error("the first last words are the last")
		}
		if o.Offer(s, Event{Body: []byte("2")}) != Closed || o.Send([]byte("x")) || o.End(s, []byte("x")) != Closed {
			t.Error("something came after the last words")
		}
		frames, finished := o.Take(nil, 1<<20)
		if string(frames) != want || !finished {
			t.Errorf("%s %v, want %s", frames, finished, want)
		}
	}
}

func TestTakeStopsAtItsMaximum(t *testing.T) {
	o, _ := box(1000, 1<<20)
	s := new(Stream)
	for range 100 {
		o.Offer(s, Event{Body: []byte(strings.Repeat("x", 98))})
	}
	total := 0
	for {
		frames, _ := o.Take(nil, 1000)
		if len(frames) == 0 {
			break
		}
		if len(frames) != 1000 {
			t.Errorf("%d bytes at once, want 1000", len(frames))
		}
		total += len(frames)
	}
	if total != 100*100 {
		t.Errorf("%d bytes in all", total)
	}
}

// A queue that never empties does not grow: what was taken makes room.
func TestAQueueThatNeverEmptiesStaysSmall(t *testing.T) {
	o, _ := box(1000, 1<<20)
	s := new(Stream)
	for range 10 {
		o.Offer(s, Event{Body: []byte("x")})
	}
	for range 10_000 {
		o.Offer(s, Event{Body: []byte("x")})
		if frames, _ := o.Take(nil, 1); len(frames) == 0 {
			t.Fatal("nothing waits")
		}
	}
	if n := cap(o.items); n > 64 {
		t.Errorf("room for %d items, with 10 waiting", n)
	}
}

func TestAbandon(t *testing.T) {
	o, _ := box(10, 1000)
	s := new(Stream)
	o.Offer(s, Event{Body: []byte("1")})
	o.Abandon()
	if o.Offer(s, Event{Body: []byte("2")}) != Closed || take(o) != "" {
		t.Error("an abandoned outbox holds something")
	}
}

package outbox

import (
	"fmt"
	"strings"
	"testing"
)

// event is an event whose body is a number, about a key.
func event(n int, key string) Event {
	return Event{Body: fmt.Appendf(nil, `{"n":%d}`, n), Key: key}
}

// A lossCount is a Stream's Lost.
type lossCount int

func (l *lossCount) add(n int, _ Loss) { *l += lossCount(n) }

func TestOverflow(t *testing.T) {
	const most = 3
	for _, tt := range []struct {
		name     string
		overflow Overflow
		limits   Limits
		most     int
		keys     string // of the events 1, 2, 3, ...
		verdict  Verdict
		frames   string
		lost     int
	}{
		{
			"as many as the outbox takes are refused one more", Disconnect,
			Limits{Events: 3, Bytes: 1000},
			0, "aaaa",
			Full, `[{"n":1}][{"n":2}][{"n":3}]`, 1,
		},
		{
			"as many as the stream may hold are refused one more", Disconnect,
			Limits{Events: 100, Bytes: 1000},
			most, "aaaa",
			Full, `[{"n":1}][{"n":2}][{"n":3}]`, 1,
		},
		{
			"the oldest gives way where the stream holds what it may", DropOldest,
			Limits{Events: 100, Bytes: 1000},
			most, "aaaaa",
			Queued, `[{"n":3,"extensions":{"dropped":2}}][{"n":4}][{"n":5}]`, 2,
		},
		{
			"the oldest gives way where the outbox is full of events", DropOldest,
			Limits{Events: 3, Bytes: 1000},
			0, "abcde",
			Queued, `[{"n":3,"extensions":{"dropped":2}}][{"n":4}][{"n":5}]`, 2,
		},
		{
			"the oldest gives way where the outbox is full of bytes", DropOldest,
			Limits{Events: 100, Bytes: 20},
			0, "abcde",
			Queued, `[{"n":4,"extensions":{"dropped":3}}][{"n":5}]`, 3,
		},
		{
			"the latest takes the place of the one before it about the same", Latest,
			Limits{Events: 100, Bytes: 1000},
			most, "abcaa",
			Queued, `[{"n":5,"extensions":{"dropped":2}}][{"n":2}][{"n":3}]`, 2,
		},
		{
			"the latest of nothing in particular is one", Latest,
			Limits{Events: 100, Bytes: 1000},
			0, "     ",
			Queued, `[{"n":5,"extensions":{"dropped":4}}]`, 4,
		},
		{
			"the latest of more things than the stream may hold drops the oldest", Latest,
			Limits{Events: 100, Bytes: 1000},
			most, "abcda",
			Queued, `[{"n":3,"extensions":{"dropped":2}}][{"n":4}][{"n":5}]`, 2,
		},
		{
			"the latest of more things than the outbox takes drops the oldest", Latest,
			Limits{Events: 100, Bytes: 20},
			0, "abcdc",
			Queued, `[{"n":5,"extensions":{"dropped":3}}][{"n":4}]`, 3,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var lost lossCount
			o := New(brackets{}, &tt.limits, new(counter))
			s := &Stream{Overflow: tt.overflow, Most: tt.most, Lost: lost.add}
			var verdict Verdict
			for i := range tt.keys {
				verdict = o.Offer(s, event(i+1, tt.keys[i:i+1]))
			}
			if verdict != tt.verdict || int(lost) != tt.lost {
				t.Errorf("the last was %v, want %v; %d lost, want %d", verdict, tt.verdict, lost, tt.lost)
			}
			if got := take(o); got != tt.frames {
				t.Errorf("got  %s\nwant %s", got, tt.frames)
			}
			if events, bytes := o.Waiting(); events != 0 || bytes != 0 {
				t.Errorf("%d events and %d bytes wait in an empty outbox", events, bytes)
			}
		})
	}
}

func TestAPatientStreamTakesNothingFromOthers(t *testing.T) {
	for _, overflow := range []Overflow{DropOldest, Latest} {
		losses := new(Losses)
		o := New(brackets{}, &Limits{Events: 2, Bytes: 1000, Losses: losses}, new(counter))
		var lost lossCount
		other := &Stream{Head: []byte("other ")}
		s := &Stream{Overflow: overflow, Lost: lost.add}
		o.Offer(other, event(1, "a"))
		o.Offer(other, event(2, "a"))
		if verdict := o.Offer(s, event(3, "a")); verdict != Lost || lost != 1 || losses.Dropped.Load() != 1 {
			t.Errorf("%v, %d lost, %d counted", verdict, lost, losses.Dropped.Load())
		}
		if got := take(o); got != `[other {"n":1}][other {"n":2}]` {
			t.Error(got)
		}
		o.Offer(s, event(4, "a"))
		if got := take(o); got != `[{"n":4,"extensions":{"dropped":1}}]` {
			t.Errorf("what was lost is not told: %s", got)
		}
	}
}

// One event too large to ever fit beside the others' must not cost the stream what it has.
func TestAnEventThatCannotFitCostsNoOther(t *testing.T) {
	o, _ := box(10, 30)
	s := &Stream{Overflow: DropOldest}
	o.Offer(new(Stream), event(1, ""))
	o.Offer(s, event(2, ""))
	if verdict := o.Offer(s, Event{Body: []byte(`{"n":"` + strings.Repeat("x", 30) + `"}`)}); verdict != Lost {
		t.Errorf("verdict %v", verdict)
	}
	if got := take(o); got != `[{"n":1}][{"n":2,"extensions":{"dropped":1}}]` {
		t.Error(got)
	}
}

func TestFramesTellWhatIsTheirOwn(t *testing.T) {
	for _, tt := range []struct {
		name  string
		event Event
		want  string
	}{
		{"nothing", Event{Body: []byte(`{"data":{}}`)}, `[<{"data":{}}>]`},
		{"events that were lost before", Event{Body: []byte(`{"data":{}}`), Dropped: 7}, `[<{"data":{},"extensions":{"dropped":7}}>]`},
		{"extensions", Event{Body: []byte(`{"data":{}}`), Extensions: []byte(`"budget":{}`)}, `[<{"data":{},"extensions":{"budget":{}}}>]`},
		{
			"both",
			Event{Body: []byte(`{"data":{}}`), Dropped: 1, Extensions: []byte(`"budget":{}`)},
			`[<{"data":{},"extensions":{"dropped":1,"budget":{}}}>]`,
		},
		{"an empty object", Event{Body: []byte(`{}`), Dropped: 1}, `[<{"extensions":{"dropped":1}}>]`},
	} {
		for _, overflow := range []Overflow{Disconnect, DropOldest, Latest} {
			o, _ := box(10, 1000)
			body := string(tt.event.Body)
			o.Offer(&Stream{Head: []byte("<"), Tail: []byte(">"), Overflow: overflow}, tt.event)
			if got := take(o); got != tt.want {
				t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
			}
			if string(tt.event.Body) != body {
				t.Errorf("%s: the shared body became %s", tt.name, tt.event.Body)
			}
		}
	}
}

// What an event tells is not lost with it.
func TestADroppedEventHandsOnWhatItWouldHaveTold(t *testing.T) {
	for _, overflow := range []Overflow{DropOldest, Latest} {
		o, _ := box(10, 1000)
		s := &Stream{Overflow: overflow, Most: 1}
		o.Offer(s, Event{Body: []byte(`{"n":1}`), Dropped: 10})
		o.Offer(s, Event{Body: []byte(`{"n":2}`), Dropped: 100})
		if got := take(o); got != `[{"n":2,"extensions":{"dropped":111}}]` {
			t.Error(got)
		}
		o.Offer(s, event(3, ""))
		if got := take(o); got != `[{"n":3}]` {
			t.Errorf("told twice: %s", got)
		}
	}
}

func TestLostIsToldOnceForEachEventThatIsNotSent(t *testing.T) {
	for _, tt := range []struct {
		name string
		end  func(*Outbox, *Stream)
		lost int
	}{
		{"when the stream is dropped", func(o *Outbox, s *Stream) { o.Drop(s); o.Drop(s); take(o) }, 3},
		{"when the outbox is abandoned", func(o *Outbox, _ *Stream) { o.Abandon(); o.Abandon() }, 3},
		{"when the last words discard it", func(o *Outbox, s *Stream) { o.Finish(nil, true); o.Drop(s); o.Abandon() }, 3},
		{"not when the last words come after it", func(o *Outbox, _ *Stream) { o.Finish(nil, false); take(o); o.Abandon() }, 0},
		{"not when the stream's end comes after it", func(o *Outbox, s *Stream) { o.End(s, nil); take(o); o.Abandon() }, 0},
		{"when it comes after the end", func(o *Outbox, s *Stream) { o.End(s, nil); o.Offer(s, event(4, "d")); take(o) }, 1},
		{"not when it was framed", func(o *Outbox, s *Stream) { take(o); o.Drop(s); o.Abandon() }, 0},
	} {
		for _, overflow := range []Overflow{Disconnect, DropOldest, Latest} {
			var lost lossCount
			o, _ := box(10, 1000)
			s := &Stream{Overflow: overflow, Lost: lost.add}
			o.Offer(s, event(1, "a"))
			o.Offer(s, event(2, "b"))
			o.Offer(s, Event{Body: []byte(`{}`), Key: "c", Dropped: 5})
			tt.end(o, s)
			if int(lost) != tt.lost {
				t.Errorf("%s, overflow %v: %d lost, want %d", tt.name, overflow, lost, tt.lost)
			}
		}
	}
}

func TestWhatAnOutboxNeedsOfItsPeer(t *testing.T) {
	o, _ := box(10, 1000)
	strict, patient, keeps := new(Stream), &Stream{Overflow: Latest}, &Stream{Keeps: true}
	for _, step := range []struct {
		name              string
		do                func()
		tolerant, patient bool
	}{
		{"at first", func() {}, false, false},
		{"with a patient stream", func() { o.Offer(patient, event(1, "")) }, true, true},
		{"while nothing of it waits", func() { take(o) }, true, true},
		{"with another stream", func() { o.Offer(strict, event(2, "")) }, false, false},
		{"when that has ended and still waits", func() { o.End(strict, nil) }, false, false},
		{"when that is gone", func() { take(o) }, true, true},
		{"with one that keeps its events", func() { o.Offer(keeps, event(3, "")) }, true, false},
		{"when the patient one has ended and still waits", func() { o.Offer(patient, event(4, "")); o.End(patient, nil) }, true, false},
		{"when that is gone", func() { take(o) }, true, false},
		{"when the one that keeps its events is gone too", func() { o.Drop(keeps) }, false, false},
		{"with a new patient one", func() { o.Offer(&Stream{Overflow: DropOldest}, event(5, "")) }, true, true},
		{"with one that keeps its events and has begun", func() { o.Begin(&Stream{Keeps: true}, []byte("begin")) }, true, false},
		{"at the end", func() { o.Finish(nil, false) }, false, false},
	} {
		step.do()
		if o.Tolerant() != step.tolerant || o.Patient() != step.patient {
			t.Errorf("%s: tolerant %v, patient %v", step.name, o.Tolerant(), o.Patient())
		}
	}
}

// What is framed in advance cannot give way any more.
func TestAPatientOutboxIsWrittenInSmallPieces(t *testing.T) {
	o, _ := box(1000, 1<<20)
	large := o.Batch()
	o.Offer(&Stream{Overflow: DropOldest}, event(1, ""))
	if small := o.Batch(); small != 4<<10 || large != 64<<10 {
		t.Errorf("%d bytes, and %d otherwise", small, large)
	}
}

// A peer that is slow keeps no fan-out waiting: its outbox may be full for a long time.
func TestNobodyWaitsForASlowPeerOfATolerantStream(t *testing.T) {
	for _, tt := range []struct {
		name   string
		stream *Stream
		slow   bool
		turns  int
	}{
		{"one that ends the session", &Stream{}, true, maxTurns},
		{"a patient one of a peer that reads", &Stream{Overflow: DropOldest}, false, maxTurns},
		{"a patient one of a slow peer", &Stream{Overflow: DropOldest}, true, quickTurns},
		{"one that keeps its events, of a peer that reads", &Stream{Keeps: true}, false, maxTurns},
		{"one that keeps its events, of a slow peer", &Stream{Keeps: true}, true, quickTurns},
	} {
		w := &urged{slow: tt.slow}
		o := New(brackets{}, &Limits{Events: 1, Bytes: 1000}, w)
		o.Offer(tt.stream, event(1, ""))
		o.Offer(tt.stream, event(2, ""))
		if w.turns != tt.turns {
			t.Errorf("%s: the writer got %d turns, want %d", tt.name, w.turns, tt.turns)
		}
	}
}

// urged is a writer that makes no room, however often it gets a turn.
type urged struct {
	turns int
	slow  bool
}

func (*urged) Ready()          {}
func (w *urged) Urge(int) bool { w.turns++; return true }
func (w *urged) Slow() bool    { return w.slow }

// Streams that come and go while nobody reads leave no places behind.
func TestPlacesOfStreamsThatAreGoneAreSweptAway(t *testing.T) {
	o, _ := box(256, 1<<20)
	for range 1000 {
		s := &Stream{Overflow: DropOldest}
		for i := range 256 {
			o.Offer(s, event(i, ""))
		}
		o.Drop(s)
	}
	if n := cap(o.items); n > 1024 {
		t.Errorf("room for %d items, with none waiting", n)
	}
	s := &Stream{Overflow: DropOldest}
	o.Offer(s, event(1, ""))
	if got := take(o); got != `[{"n":1}]` || o.surplus != 0 {
		t.Errorf("%s, and %d places are left", got, o.surplus)
	}
}

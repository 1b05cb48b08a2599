package outbox

import "testing"

// at is an event with a cursor.
func at(e Event, cursor string) Event {
	e.Origin = &Origin{Cursor: []byte(cursor)}
	return e
}

func TestFramesShowCursorsWhereTheirStreamHasThem(t *testing.T) {
	plainEvent := Event{Body: []byte(`{"data":{}}`)}
	telling := Event{Body: plainEvent.Body, Dropped: 1, Extensions: []byte(`"budget":{}`)}
	for _, tt := range []struct {
		name  string
		place CursorPlace
		event Event
		want  string
	}{
		{"nowhere", NoCursor, at(plainEvent, "c1"), `[<{"data":{}}>]`},
		{"in the extensions", InExtensions, at(plainEvent, "c1"), `[<{"data":{},"extensions":{"cursor":"c1"}}>]`},
		{"in the extensions, of an empty object", InExtensions, at(Event{Body: []byte(`{}`)}, "c1"), `[<{"extensions":{"cursor":"c1"}}>]`},
		{"in the extensions, beside what else is told", InExtensions, at(telling, "c1"), `[<{"data":{},"extensions":{"dropped":1,"budget":{},"cursor":"c1"}}>]`},
		{"before the tail", BeforeTail, at(plainEvent, "c1"), `[<{"data":{}}|c1>]`},
		{"before the tail, while the extensions tell the rest", BeforeTail, at(telling, "c1"), `[<{"data":{},"extensions":{"dropped":1,"budget":{}}}|c1>]`},
		{"none in the extensions, where the event has none", InExtensions, at(telling, ""), `[<{"data":{},"extensions":{"dropped":1,"budget":{}}}>]`},
		{"none before the tail, where the event has none", BeforeTail, plainEvent, `[<{"data":{}}>]`},
	} {
		for _, overflow := range []Overflow{Disconnect, DropOldest, Latest} {
			o, _ := box(10, 1000)
			s := &Stream{Head: []byte("<"), Tail: []byte(">"), Overflow: overflow, Cursor: tt.place, CursorMark: []byte("|")}
			o.Offer(s, tt.event)
			if got := take(o); got != tt.want {
				t.Errorf("%s, overflow %v: got %s, want %s", tt.name, overflow, got, tt.want)
			}
			if events, bytes := o.Waiting(); events != 0 || bytes != 0 {
				t.Errorf("%s: %d events and %d bytes wait in an empty outbox", tt.name, events, bytes)
			}
		}
	}
}

// An event whose body is all that stays of it, and one with a cursor, keep their order.
func TestCursorsChangeNoOrder(t *testing.T) {
	o, _ := box(10, 1000)
	shows, other := &Stream{Cursor: InExtensions}, new(Stream)
	for _, step := range []struct {
		stream *Stream
		event  Event
	}{
		{shows, event(1, "")},
		{shows, at(event(2, ""), "c2")},
		{other, at(event(3, ""), "c2")},
		{shows, event(4, "")},
	} {
		if o.Offer(step.stream, step.event) != Queued {
			t.Fatal("refused")
		}
	}
	if got := take(o); got != `[{"n":1}][{"n":2,"extensions":{"cursor":"c2"}}][{"n":3}][{"n":4}]` {
		t.Error(got)
	}
}

// Who goes on after a cursor must not miss what stood behind it.
func TestTheLatestShowsNoCursorBeyondWhatWaitsBehindIt(t *testing.T) {
	o, _ := box(10, 1000)
	s := &Stream{Overflow: Latest, Cursor: InExtensions}
	for _, e := range []Event{
		at(event(1, "a"), "c1"), at(event(2, "b"), "c2"), at(event(3, "a"), "c3"), at(event(4, "a"), "c4"),
	} {
		o.Offer(s, e)
	}
	want := `[{"n":4,"extensions":{"dropped":2,"cursor":"c1"}}][{"n":2,"extensions":{"cursor":"c2"}}]`
	if got := take(o); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	o.Offer(s, at(event(5, "a"), "c5"))
	if got := take(o); got != `[{"n":5,"extensions":{"cursor":"c5"}}]` {
		t.Error(got)
	}
}

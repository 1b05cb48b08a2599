package sse

import (
	"fmt"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/sluice-gateway/sluice/internal/outbox"
	"github.com/sluice-gateway/sluice/operation"
	"github.com/sluice-gateway/sluice/transport"
)

// silent is a writer that the test stands in for.
type silent struct{}

func (silent) Ready()        {}
func (silent) Urge(int) bool { return false }
func (silent) Slow() bool    { return false }

// An eventSource reads a stream as a browser does (the WHATWG's HTML standard, section 9.2.6).
type eventSource struct {
	id     string
	events []string // the names, with their data and the last event ID
}

func (e *eventSource) read(stream string) {
	name, id := "", e.id
	var data []string
	for line := range strings.Lines(stream) {
		line = strings.TrimSuffix(line, "\n")
		field, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch {
		case line == "":
			if e.id = id; data != nil {
				e.events = append(e.events, fmt.Sprintf("%s %s @%s", name, strings.Join(data, "\n"), id))
			}
			name, data = "", nil
		case field == "event":
			name = value
		case field == "data":
			data = append(data, value)
		case field == "id":
			id = value
		}
	}
}

func TestWhatABrowserRemembers(t *testing.T) {
	format := distinctFormat{}
	o := outbox.New(format, &outbox.Limits{Events: 100, Bytes: 1 << 20}, silent{})
	place := &outbox.Stream{Cursor: outbox.BeforeTail, CursorMark: format.CursorMark()}
	place.Head, place.Tail = format.Around()
	var browser eventSource
	for _, step := range []struct {
		name    string
		do      func()
		written string
		id      string
	}{
		{"where the subscription begins", func() { o.Send(format.At([]byte("c0"))) }, "id: c0\n\n", "c0"},
		{
			"where it can go on after an event",
			func() {
				o.Offer(place, outbox.Event{Body: []byte(`{"n":1}`), Origin: &outbox.Origin{Cursor: []byte("c1")}})
			},
			"event: next\ndata: {\"n\":1}\nid: c1\n\n", "c1",
		},
		{
			"the same where events were lost before",
			func() {
				o.Offer(place, outbox.Event{Body: []byte(`{"n":2}`), Dropped: 3, Origin: &outbox.Origin{Cursor: []byte("c2")}})
			},
			"event: next\ndata: {\"n\":2,\"extensions\":{\"dropped\":3}}\nid: c2\n\n", "c2",
		},
		{
			"nothing new after an event that has no place",
			func() { o.Offer(place, outbox.Event{Body: []byte(`{"n":3}`)}) },
			"event: next\ndata: {\"n\":3}\n\n", "c2",
		},
		{"nothing new after a heartbeat", func() { o.Send(format.Beat()) }, ":\n\n", "c2"},
		{
			"nothing of a place that is lost",
			func() { o.End(place, format.Last(gqlerror.List{operation.Errorf(operation.CodeResumeGap, "gone")})) },
			"event: next\ndata: {\"errors\":[{\"message\":\"gone\",\"extensions\":{\"code\":\"RESUME_GAP\"}}]}\nid:\n\nevent: complete\ndata:\n\n", "",
		},
	} {
		step.do()
		written, _ := o.Take(nil, 1<<20)
		if string(written) != step.written {
			t.Errorf("%s: wrote %q, want %q", step.name, written, step.written)
		}
		browser.read(string(written))
		if browser.id != step.id {
			t.Errorf("%s: the browser remembers %q, want %q", step.name, browser.id, step.id)
		}
	}
	want := []string{
		`next {"n":1} @c1`,
		`next {"n":2,"extensions":{"dropped":3}} @c2`,
		`next {"n":3} @c2`,
		`next {"errors":[{"message":"gone","extensions":{"code":"RESUME_GAP"}}]} @`,
		`complete  @`,
	}
	if fmt.Sprint(browser.events) != fmt.Sprint(want) {
		t.Errorf("events %q, want %q", browser.events, want)
	}
}

func TestOtherLastWordsLeaveTheIDAlone(t *testing.T) {
	for _, errs := range []gqlerror.List{nil, {operation.Errorf(operation.CodeBroker, "away")}} {
		browser := eventSource{id: "c1"}
		if browser.read(string(distinctFormat{}.Last(errs))); browser.id != "c1" {
			t.Errorf("%v: the browser remembers %q", errs, browser.id)
		}
	}
}

// A result of a single connection says it where the client asked for it.
func TestCursorsOfASingleConnection(t *testing.T) {
	o := outbox.New(format{}, &outbox.Limits{Events: 100, Bytes: 1 << 20}, silent{})
	place := &outbox.Stream{Cursor: outbox.InExtensions}
	place.Head, place.Tail = around("1")
	o.Offer(place, outbox.Event{Body: []byte(`{"data":{}}`), Origin: &outbox.Origin{Cursor: []byte("c1")}})
	written, _ := o.Take(nil, 1<<20)
	if want := "event: next\ndata: {\"id\":\"1\",\"payload\":{\"data\":{},\"extensions\":{\"cursor\":\"c1\"}}}\n\n"; string(written) != want {
		t.Errorf("%q, want %q", written, want)
	}
}

var _ transport.CursorFormat = distinctFormat{}

package transport

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/sluice-gateway/sluice/internal/outbox"
	"github.com/sluice-gateway/sluice/operation"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// lines is a Format of one line per result.
type lines struct{}

func (lines) AppendFrame(dst, head, body, tail []byte) []byte {
	return append(append(append(append(dst, head...), body...), tail...), '\n')
}
func (lines) Transport() string               { return "lines" }
func (lines) Header(http.Header)              {}
func (lines) Open() []byte                    { return nil }
func (lines) Beat() []byte                    { return nil }
func (lines) Parting(operation.Ending) []byte { return []byte("parted\n") }

// A machine that is too busy to write is not a client that is too slow to read.
func TestABurstOfMoreThanTheLimitPasses(t *testing.T) {
	options := StreamOptions{Events: 16}.WithDefaults(1 << 40)
	s := NewStream(lines{}, newSessions(t, operation.Options{}, SessionLimits{}), &options)
	w := httptest.NewRecorder()
	var running sync.WaitGroup
	running.Go(func() { s.Run(w, httptest.NewRequestWithContext(context.Background(), http.MethodGet, "/", nil)) })
	for !s.running.Load() {
	}
	var place outbox.Stream
	var want strings.Builder
	for i := range 5000 {
		if !s.Offer(&place, outbox.Event{Body: fmt.Append(nil, i)}) {
			t.Fatalf("event %d was refused", i)
		}
		fmt.Fprintf(&want, "%d\n", i)
	}
	s.Finish([]byte("end"))
	running.Wait()
	if got := w.Body.String(); got != want.String()+"end" {
		t.Errorf("%d bytes, want %d", len(got), want.Len()+3)
	}
}

func TestAStreamThatNobodyWritesIsBounded(t *testing.T) {
	options := StreamOptions{Events: 16}.WithDefaults(1 << 40)
	sessions := newSessions(t, operation.Options{}, SessionLimits{})
	s := NewStream(lines{}, sessions, &options)
	var place outbox.Stream
	accepted := 0
	for s.Offer(&place, outbox.Event{Body: []byte("x")}) {
		accepted++
	}
	if accepted != 16 {
		t.Errorf("%d were accepted, want 16", accepted)
	}
	s.End(operation.SlowConsumer)
	s.End(operation.SlowConsumer)
	if n := sessions.Endings()["SLOW_CONSUMER"]; n != 1 {
		t.Errorf("%d slow consumers counted, want 1", n)
	}
	if n := sessions.engine.Refusals().Counts()["outbox"]; n != 1 {
		t.Errorf("the limit is noted %d times, want 1", n)
	}
}

// What a stream keeps comes once its writer has taken what was in the way.
func TestAKeeperIsToldOfRoom(t *testing.T) {
	options := StreamOptions{Events: 4}.WithDefaults(1 << 40)
	s := NewStream(lines{}, newSessions(t, operation.Options{}, SessionLimits{}), &options)
	room := make(chan struct{}, 1)
	place := outbox.Stream{Keeps: true, Room: func() { room <- struct{}{} }}
	var want strings.Builder
	next := 0
	offer := func() bool {
		if !s.Offer(&place, outbox.Event{Body: fmt.Append(nil, next)}) {
			return false
		}
		fmt.Fprintf(&want, "%d\n", next)
		next++
		return true
	}
	for offer() {
	}
	if next != 4 || len(room) != 0 {
		t.Fatalf("%d events were taken, want 4; told of room %d times while nobody writes", next, len(room))
	}
	w := httptest.NewRecorder()
	var running sync.WaitGroup
	running.Go(func() { s.Run(w, httptest.NewRequestWithContext(context.Background(), http.MethodGet, "/", nil)) })
	<-room
	for range 4 {
		if !offer() {
			t.Fatal("there is no room")
		}
	}
	s.Finish([]byte("end"))
	running.Wait()
	if got := w.Body.String(); got != want.String()+"end" {
		t.Errorf("%q, want %q", got, want.String()+"end")
	}
}

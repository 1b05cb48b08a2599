package outbox

import (
	"bytes"
	"fmt"
	"io"
	"sync/atomic"
	"testing"
	"time"
)

// A keeper offers what it keeps: as much as fits, and the rest once there is room.
type keeper struct {
	Stream
	rooms int
	lost  lossCount
}

func newKeeper() *keeper {
	k := new(keeper)
	k.Keeps = true
	k.Room = func() { k.rooms++ }
	k.Lost = k.lost.add
	return k
}

// drain takes up to so many bytes, as a writer does.
func drain(o *Outbox, most int) string {
	frames, _ := o.Take(nil, most)
	o.TellRoom()
	o.Written()
	return string(frames)
}

func TestRoomIsToldWhenAllIsTakenThatWasInTheWay(t *testing.T) {
	const one = 1 // byte, so one frame
	for _, tt := range []struct {
		name  string
		do    func(o *Outbox, k *keeper)
		rooms int
	}{
		{"not before something was refused", func(o *Outbox, _ *keeper) { drain(o, everything) }, 0},
		{"not while one of those waits", func(o *Outbox, k *keeper) {
			o.Offer(&k.Stream, event(4, ""))
			drain(o, one)
			drain(o, one)
		}, 0},
		{"when the last of them is taken", func(o *Outbox, k *keeper) {
			o.Offer(&k.Stream, event(4, ""))
			drain(o, everything)
			drain(o, everything)
		}, 1},
		{"when they are taken, although more has come", func(o *Outbox, k *keeper) {
			o.Offer(&k.Stream, event(4, ""))
			o.Send([]byte("pong"))
			drain(o, one)
			drain(o, one)
			o.Offer(new(Stream), event(5, ""))
			drain(o, one)
			drain(o, one)
		}, 1},
		{"once for all that were refused meanwhile", func(o *Outbox, k *keeper) {
			o.Offer(&k.Stream, event(4, ""))
			o.Offer(&k.Stream, event(4, ""))
			drain(o, one)
			o.Offer(new(Stream), event(5, ""))
			o.Offer(&k.Stream, event(4, ""))
			drain(o, everything)
			drain(o, everything)
		}, 1},
		{"again when something is refused again", func(o *Outbox, k *keeper) {
			for range 3 {
				for o.Offer(&k.Stream, event(4, "")) != Full {
				}
				drain(o, everything)
			}
		}, 3},
		{"not once the stream is dropped", func(o *Outbox, k *keeper) {
			o.Offer(&k.Stream, event(4, ""))
			o.Drop(&k.Stream)
			drain(o, everything)
		}, 0},
		{"not when it is dropped in the last moment", func(o *Outbox, k *keeper) {
			o.Offer(&k.Stream, event(4, ""))
			o.Take(nil, everything)
			o.Drop(&k.Stream)
			o.TellRoom()
		}, 0},
		{"not once the stream has ended", func(o *Outbox, k *keeper) {
			o.Offer(&k.Stream, event(4, ""))
			o.End(&k.Stream, []byte("end"))
			drain(o, everything)
		}, 0},
		{"not once the outbox has its last words", func(o *Outbox, k *keeper) {
			o.Offer(&k.Stream, event(4, ""))
			o.Finish([]byte("bye"), false)
			drain(o, everything)
		}, 0},
		{"not once what waits is discarded", func(o *Outbox, k *keeper) {
			o.Offer(&k.Stream, event(4, ""))
			o.Finish([]byte("bye"), true)
			drain(o, everything)
		}, 0},
		{"not once the outbox is abandoned", func(o *Outbox, k *keeper) {
			o.Offer(&k.Stream, event(4, ""))
			o.Take(nil, everything)
			o.Abandon()
			drain(o, everything)
		}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o, _ := box(3, 1000)
			k := newKeeper()
			for i := range 3 {
				o.Offer(&k.Stream, event(i+1, ""))
			}
			tt.do(o, k)
			if k.rooms != tt.rooms {
				t.Errorf("told %d times, want %d", k.rooms, tt.rooms)
			}
			if o.marks != 0 && k.ended || o.marks > 1 {
				t.Errorf("%d marks are left", o.marks)
			}
		})
	}
}

func TestWhatIsKeptIsNeitherOfferedNorLost(t *testing.T) {
	o, _ := box(2, 1000)
	k := newKeeper()
	body := event(1, "").Body
	for i := range 5 {
		want := Queued
		if i >= 2 {
			want = Full
		}
		if got := o.Offer(&k.Stream, event(1, "")); got != want {
			t.Errorf("event %d: %v, want %v", i, got, want)
		}
	}
	if events, size := o.Offered(&k.Stream); events != 2 || size != uint64(2*len(body)) || k.lost != 0 {
		t.Errorf("%d events and %d bytes count as offered, %d as lost", events, size, k.lost)
	}
	drain(o, everything)
	o.Drop(&k.Stream)
	if o.Offer(&k.Stream, event(1, "")) != Closed {
		t.Error("a stream that was dropped takes something in")
	}
	if events, _ := o.Offered(&k.Stream); events != 3 || k.lost != 1 {
		t.Errorf("%d events count as offered, %d as lost, want that which came after the end", events, k.lost)
	}
}

// A peer that subscribes and completes for ever, and never reads, leaves no marks behind.
func TestMarksOfStreamsThatAreGoneAreSweptAway(t *testing.T) {
	o, _ := box(1, 1<<20)
	o.Offer(new(Stream), event(1, ""))
	for range 10_000 {
		k := newKeeper()
		o.Offer(&k.Stream, event(2, ""))
		o.Drop(&k.Stream)
	}
	if n := cap(o.items); n > 1024 {
		t.Errorf("room for %d items, with one waiting", n)
	}
	for range controls {
		if !o.Send([]byte("pong")) {
			t.Fatal("marks take the room of frames")
		}
	}
	drain(o, everything)
	if o.surplus != 0 || o.marks != 0 {
		t.Errorf("%d places and %d marks are left", o.surplus, o.marks)
	}
}

// A peer that pauses has everything in the end, once and in order, however little the outbox holds.
func TestAKeeperLosesNothingToAPeerThatPauses(t *testing.T) {
	s, peer := pair(t, Limits{Events: 16, Bytes: 1 << 20}, SocketOptions{Buffer: 4 << 10})
	body := bytes.Repeat([]byte("x"), 4<<10)
	const events = 2000 // 8 MiB, far more than the kernel holds
	room, refused := make(chan struct{}, 1), 0
	var waiting atomic.Bool
	stream := &Stream{Keeps: true, Room: func() { room <- struct{}{} }}
	var want bytes.Buffer
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := range events {
			e := Event{Body: append(fmt.Appendf(nil, "%d ", i), body...)}
			want.Write(brackets{}.AppendFrame(nil, nil, e.Body, nil))
			for s.Offer(stream, e) == Full {
				refused++
				waiting.Store(true)
				<-room
			}
		}
		s.LastWords([]byte("bye"), false, time.Now().Add(10*time.Second))
	}()
	until(t, waiting.Load)
	got, err := io.ReadAll(peer)
	<-done
	want.WriteString("bye")
	if err != nil || !bytes.Equal(got, want.Bytes()) || refused == 0 {
		t.Errorf("%d bytes, want %d; %d were refused; %v", len(got), want.Len(), refused, err)
	}
}

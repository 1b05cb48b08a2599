package outbox

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// A road is an outbox of which a test notes what it tells origins.
type road struct {
	*Outbox
	told []string // such as "1 after 2s", of the event 1
}

func newRoad() *road {
	o, _ := box(256, 1<<20)
	return &road{Outbox: o}
}

// timed is an event that was made now.
func (r *road) timed(n int, key string) Event {
	e := event(n, key)
	e.Origin = &Origin{At: time.Now(), Written: func(after time.Duration) {
		r.told = append(r.told, fmt.Sprint(n, " after ", after))
	}}
	return e
}

// write takes up to so many bytes, and has written them.
func (r *road) write(most int) {
	_, _ = r.Take(nil, most)
	r.Written()
}

const everything = 1 << 20

func TestWhichEventIsTimedAndHowLongItsWayWas(t *testing.T) {
	all := []Overflow{Disconnect, DropOldest, Latest}
	patient := []Overflow{DropOldest, Latest}
	for _, tt := range []struct {
		name      string
		overflows []Overflow
		do        func(r *road, s *Stream)
		want      []string
	}{
		{"the first of those that wait", all, func(r *road, s *Stream) {
			r.Offer(s, r.timed(1, "a"))
			time.Sleep(time.Second)
			r.Offer(s, r.timed(2, "b"))
			time.Sleep(time.Second)
			r.write(everything)
			r.write(everything)
		}, []string{"1 after 2s"}},
		{"the next one once that is written", all, func(r *road, s *Stream) {
			r.Offer(s, r.timed(1, "a"))
			r.write(everything)
			r.Offer(s, r.timed(2, "b"))
			time.Sleep(time.Second)
			r.write(everything)
		}, []string{"1 after 0s", "2 after 1s"}},
		{"only when it is its turn", all, func(r *road, s *Stream) {
			r.Offer(s, event(0, "a"))
			r.Offer(s, r.timed(1, "b"))
			r.Send([]byte("ping"))
			r.write(1)
			time.Sleep(time.Second)
			r.write(1)
			r.write(1)
		}, []string{"1 after 1s"}},
		{"one that tells more than its body", all, func(r *road, s *Stream) {
			e := r.timed(1, "a")
			e.Dropped = 1
			r.Offer(s, event(0, "b"))
			r.Offer(s, e)
			r.write(1)
			time.Sleep(time.Second)
			r.write(1)
		}, []string{"1 after 1s"}},
		{"that of its stream, where two are offered the same", all, func(r *road, s *Stream) {
			r.Offer(s, r.timed(1, "a"))
			both := r.timed(2, "b")
			r.Offer(&Stream{Overflow: s.Overflow}, both)
			r.write(1)
			r.Offer(s, both)
			r.write(1)
			time.Sleep(time.Second)
			r.write(1)
		}, []string{"1 after 0s", "2 after 1s"}},
		{"none that nobody wants to be timed", all, func(r *road, s *Stream) {
			for i, origin := range []*Origin{nil, {}, {At: time.Now()}, {Written: func(time.Duration) { r.told = append(r.told, "no time") }}} {
				e := event(i, fmt.Sprint(i))
				e.Origin = origin
				r.Offer(s, e)
			}
			r.write(everything)
		}, nil},
		{"none whose writing has failed", all, func(r *road, s *Stream) {
			r.Offer(s, r.timed(1, "a"))
			r.Take(nil, everything)
			r.Abandon()
		}, nil},
		{"none that was refused", all, func(r *road, s *Stream) {
			r.End(s, []byte("end"))
			r.Offer(s, r.timed(1, "a"))
			time.Sleep(time.Second)
			r.write(everything)
		}, nil},
		{"the one that takes the place of the oldest, and no later one", patient, func(r *road, s *Stream) {
			s.Most = 3
			for i := range 4 {
				r.Offer(s, r.timed(i, fmt.Sprint(i)))
			}
			time.Sleep(time.Second)
			r.write(everything)
			time.Sleep(10 * time.Minute)
			r.Offer(s, r.timed(9, "z"))
			r.write(everything)
		}, []string{"3 after 1s", "9 after 0s"}},
		{"one that stays while the oldest gives way", patient, func(r *road, s *Stream) {
			s.Most = 3
			r.Offer(s, event(0, "0"))
			for i := 1; i < 4; i++ {
				r.Offer(s, r.timed(i, fmt.Sprint(i)))
			}
			time.Sleep(time.Second)
			r.write(everything)
		}, []string{"1 after 1s"}},
		{"the latest about the same, since it is that", []Overflow{Latest}, func(r *road, s *Stream) {
			r.Offer(s, r.timed(1, "a"))
			time.Sleep(time.Second)
			r.Offer(s, r.timed(2, "a"))
			time.Sleep(time.Second)
			r.write(everything)
		}, []string{"2 after 1s"}},
		{"none that gave way to one that is not timed", []Overflow{Latest}, func(r *road, s *Stream) {
			r.Offer(s, r.timed(1, "a"))
			r.Offer(s, event(2, "a"))
			r.write(everything)
			r.Offer(s, r.timed(3, "a"))
			r.write(everything)
		}, []string{"3 after 0s"}},
		{"one that is not behind places any more that were swept away", patient, func(r *road, s *Stream) {
			gone := &Stream{Overflow: s.Overflow}
			for i := range 2 * minSurplus {
				r.Offer(gone, event(i, fmt.Sprint(i)))
			}
			r.Offer(s, r.timed(1, "a"))
			r.Offer(s, event(2, "b"))
			r.Drop(gone)
			r.write(1)
			time.Sleep(time.Second)
			r.write(everything)
		}, []string{"1 after 0s"}},
		{"none of a stream that was dropped", all, func(r *road, s *Stream) {
			r.Offer(s, r.timed(1, "a"))
			r.Drop(s)
			r.write(everything)
			time.Sleep(25 * time.Second)
			r.Send([]byte("ping"))
			r.write(everything)
			r.Offer(&Stream{Overflow: s.Overflow}, r.timed(2, "b"))
			r.write(everything)
		}, []string{"2 after 0s"}},
		{"one of a stream that stays when another is dropped", all, func(r *road, s *Stream) {
			other := &Stream{Overflow: s.Overflow}
			r.Offer(other, event(0, "a"))
			r.Offer(s, r.timed(1, "a"))
			r.Drop(other)
			time.Sleep(time.Second)
			r.write(everything)
		}, []string{"1 after 1s"}},
		{"one of a stream that has ended after it", all, func(r *road, s *Stream) {
			r.Offer(s, r.timed(1, "a"))
			r.End(s, []byte("end"))
			time.Sleep(time.Second)
			r.write(everything)
		}, []string{"1 after 1s"}},
		{"none that was discarded for the last words", all, func(r *road, s *Stream) {
			r.Offer(s, r.timed(1, "a"))
			r.Finish([]byte("bye"), true)
			r.write(everything)
		}, nil},
		{"one that comes before the last words", all, func(r *road, s *Stream) {
			r.Offer(s, r.timed(1, "a"))
			r.Finish([]byte("bye"), false)
			r.write(everything)
		}, []string{"1 after 0s"}},
	} {
		for _, overflow := range tt.overflows {
			t.Run(fmt.Sprint(tt.name, ", overflow ", overflow), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					r := newRoad()
					tt.do(r, &Stream{Overflow: overflow})
					if !slices.Equal(r.told, tt.want) {
						t.Errorf("%q, want %q", r.told, tt.want)
					}
				})
			})
		}
	}
}

func TestOneEventInAWhileIsTimed(t *testing.T) {
	timed := 0
	o, _ := box(100, 10_000)
	s := new(Stream)
	begin := time.Unix(1000, 0)
	for _, after := range []time.Duration{0, time.Millisecond, 49 * time.Millisecond, 50 * time.Millisecond, 60 * time.Millisecond, time.Second} {
		e := event(1, "a")
		e.Origin = &Origin{At: begin.Add(after), Written: func(time.Duration) { timed++ }}
		o.Offer(s, e)
		take(o)
		o.Written()
	}
	if timed != 3 {
		t.Errorf("%d of 6 events are timed, want 3: at first, after 50 ms, and after a second", timed)
	}
}

//go:build !race

package outbox

import (
	"testing"
	"time"
)

// Without the race detector, under which a sync.Pool forgets what it holds now and then.
func TestOfferAndTakeWithoutAllocation(t *testing.T) {
	plainEvent := Event{Body: []byte(`{"data":{}}`), Key: "price.1"}
	timed := plainEvent
	timed.Origin = &Origin{At: time.Now(), Written: func(time.Duration) {}}
	telling := Event{Body: plainEvent.Body, Dropped: 1, Extensions: []byte(`"budget":{}`)}
	placed := plainEvent
	placed.Origin = &Origin{Cursor: []byte("c1")}
	for _, tt := range []struct {
		name   string
		stream *Stream
		event  Event
		offers int
	}{
		{"of an ordinary stream", &Stream{}, plainEvent, 10},
		{"that are timed", &Stream{}, timed, 10},
		{"with something to tell", &Stream{}, telling, 5},
		{"with a cursor that is not shown", &Stream{}, placed, 10},
		{"with a cursor in the extensions", &Stream{Cursor: InExtensions}, placed, 5},
		{"with a cursor before the tail", &Stream{Cursor: BeforeTail, CursorMark: []byte("id: ")}, placed, 5},
		{"of a stream that keeps them", &Stream{Keeps: true, Room: func() {}}, plainEvent, 10},
		{"of a patient stream", &Stream{Overflow: DropOldest}, plainEvent, 5},
		{"of a patient stream that overflows", &Stream{Overflow: DropOldest}, plainEvent, 100},
		{"of a patient stream that are timed", &Stream{Overflow: DropOldest}, timed, 100},
		{"of the latest", &Stream{Overflow: Latest}, plainEvent, 100},
	} {
		o, _ := box(256, 1<<20)
		o.framer = plain{}
		s, buf := tt.stream, make([]byte, 0, 16<<10)
		if s.patient() {
			s.Most = few
		}
		if n := testing.AllocsPerRun(1000, func() {
			for range tt.offers {
				o.Offer(s, tt.event)
			}
			buf, _ = o.Take(buf[:0], 1<<20)
			o.Written()
			buf, _ = o.Take(buf[:0], 1<<20)
		}); n != 0 {
			t.Errorf("%s: %v allocations for %d events, want 0", tt.name, n, tt.offers)
		}
	}
}

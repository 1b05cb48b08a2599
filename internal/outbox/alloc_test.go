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
	for _, tt := range []struct {
		name     string
		overflow Overflow
		event    Event
		offers   int
	}{
		{"of an ordinary stream", Disconnect, plainEvent, 10},
		{"that are timed", Disconnect, timed, 10},
		{"with something to tell", Disconnect, telling, 5},
		{"of a patient stream", DropOldest, plainEvent, 5},
		{"of a patient stream that overflows", DropOldest, plainEvent, 100},
		{"of a patient stream that are timed", DropOldest, timed, 100},
		{"of the latest", Latest, plainEvent, 100},
	} {
		o, _ := box(256, 1<<20)
		o.framer = plain{}
		s, buf := &Stream{Overflow: tt.overflow}, make([]byte, 0, 16<<10)
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

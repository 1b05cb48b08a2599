//go:build !race

package outbox

import "testing"

// Without the race detector, under which a sync.Pool forgets what it holds now and then.
func TestOfferAndTakeWithoutAllocation(t *testing.T) {
	o, _ := box(256, 1<<20)
	o.framer = plain{}
	s, body, buf := new(Stream), make([]byte, 200), make([]byte, 0, 16<<10)
	if n := testing.AllocsPerRun(1000, func() {
		for range 10 {
			o.Offer(s, body)
		}
		buf, _ = o.Take(buf[:0], 1<<20)
		buf, _ = o.Take(buf[:0], 1<<20)
	}); n != 0 {
		t.Errorf("%v allocations for ten events, want 0", n)
	}
}

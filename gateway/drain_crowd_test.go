package gateway_test

import (
	"runtime"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-gateway/sluice/gateway"
	"github.com/sluice-gateway/sluice/limits"
	"github.com/sluice-gateway/sluice/operation"
	"github.com/sluice-gateway/sluice/transport"
)

// TestADrainOfACrowdLeavesNoGoroutine drains as many sessions as a process is promised to bear, of all transports.
// Goroutines are counted while nobody but the test runs: fewer may be left than there were before the first
// client came, none more. What a process does with real sockets is tested in cmd/sluice.
func TestADrainOfACrowdLeavesNoGoroutine(t *testing.T) {
	const each, window = drainedSessions / 3, 30 * time.Second
	options := gateway.Options{
		Sessions:  transport.SessionLimits{Sessions: 3 * each, Rate: limits.UnlimitedRate},
		Operation: operation.Options{Callers: operation.CallerLimits{Sessions: 3 * each, Requests: limits.UnlimitedRate}},
	}
	inHouse(t, options, func(h house) {
		synctest.Wait()
		before := runtime.NumGoroutine()
		guests := h.guests(each)
		during := runtime.NumGoroutine()
		ends := h.drain(guests, window)
		synctest.Wait()
		after := runtime.NumGoroutine()
		t.Logf("%d sessions: %d goroutines before, %d with them, %d after", len(guests), before, during, after)
		if after > before || during < len(guests) {
			t.Errorf("there were %d goroutines before the first of %d sessions, %d with them, and are %d", before, len(guests), during, after)
		}
		if last := slices.Max(ends); last < window*85/100 || last > window*115/100 {
			t.Errorf("the last one was sent away after %v, want %v", last, window)
		}
	})
}

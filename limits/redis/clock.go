package redis

import (
	"sync/atomic"
	"time"

	"github.com/sluice-gateway/sluice/limits"
)

// A clock estimates Redis' time. The zero clock takes it for our own.
type clock struct{ ahead atomic.Int64 } // microseconds

func (c *clock) now() time.Time {
	return time.Now().Add(time.Duration(c.ahead.Load()) * time.Microsecond)
}

// set notes that it is now, in microseconds, in Redis.
func (c *clock) set(now int64) { c.ahead.Store(now - time.Now().UnixMicro()) }

// offers are the windows of which Redis picks one: id, start and end, in microseconds, of that of now
// and of those beside it; of a sliding window its name.
func offers(w limits.Window, now time.Time, loc *time.Location) []any {
	id, start, end := w.Bounds(now, loc)
	if w.Length() > 0 {
		return []any{id}
	}
	before, from, _ := w.Bounds(start.Add(-1), loc)
	after, _, to := w.Bounds(end, loc)
	return []any{
		id, start.UnixMicro(), end.UnixMicro(),
		before, from.UnixMicro(), start.UnixMicro(),
		after, end.UnixMicro(), to.UnixMicro(),
	}
}

package redis

import (
	"strings"
	"time"
)

// ClockKey holds the seconds and microseconds for counters of UseClockKey.
const ClockKey = "sluice:quota:clock"

// UseClockKey lets the scripts read the time from ClockKey. It works on a single Redis.
func (c *Counter) UseClockKey() {
	text := strings.Replace(prelude, "redis.call('TIME')", "redis.call('LRANGE', '"+ClockKey+"', 0, 1)", 1)
	if text == prelude {
		panic("the scripts ask for the time in another way now")
	}
	c.scripts = newScripts(text)
}

// SetClock lets c believe that Redis' clock is so far ahead of ours.
func (c *Counter) SetClock(ahead time.Duration) { c.clock.ahead.Store(ahead.Microseconds()) }

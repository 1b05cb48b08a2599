package redis

import "strings"

// UseClockKey lets the script read the time from ClockKey. It works on a single Redis.
func (b *Buckets) UseClockKey() {
	text := strings.Replace(takeText, "redis.call('TIME')", "redis.call('LRANGE', '"+ClockKey+"', 0, 1)", 1)
	if text == takeText {
		panic("the script asks for the time in another way now")
	}
	b.take = newTake(text)
}

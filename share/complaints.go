package share

import (
	"log/slog"
	"sync"
	"time"

	"github.com/sluice-gateway/sluice/pubsub"
)

// complainEvery keeps a broken publisher from filling the log.
const complainEvery = 10 * time.Second

// complaints logs events that cannot be decoded: one line at once, then at most one every ten
// seconds, with the number of those left out.
type complaints struct {
	mu    sync.Mutex
	last  time.Time
	quiet int
}

func (c *complaints) decode(log *slog.Logger, e *pubsub.Event, err error) {
	c.mu.Lock()
	if now := time.Now(); now.Sub(c.last) >= complainEvery {
		c.last = now
	} else {
		c.quiet++
		c.mu.Unlock()
		return
	}
	quiet := c.quiet
	c.quiet = 0
	c.mu.Unlock()
	log.Warn("an event was lost: its payload cannot be decoded",
		"topic", e.Topic, "bytes", len(e.Payload), "error", err, "unlogged", quiet)
}

package limits

import (
	"sync"
	"time"
)

const (
	minBackoff = 100 * time.Millisecond
	maxBackoff = 5 * time.Second
	// strikes is how many failures in a row, of any accounts, mean that the counter is away.
	strikes = 3
)

// health knows whether the counter answers. While it does not, one call at a time tries: the others
// fail at once instead of keeping the workers busy. The zero health is well.
type health struct {
	mu       sync.Mutex // guards what follows
	failures int        // in a row
	until    time.Time  // when the next call may try
	trying   bool       // one does
	last     error
}

// err is the last failure of a counter that is away.
func (h *health) err() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.failures < strikes {
		return nil
	}
	return h.last
}

// admit reports whether a call may be made. The caller tells then how it ended.
func (h *health) admit(now time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.failures < strikes {
		return true
	}
	if h.trying || now.Before(h.until) {
		return false
	}
	h.trying = true
	return true
}

// failed notes a failure, and reports whether the counter is away since this one.
func (h *health) failed(now time.Time, err error) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.failures >= strikes && !h.trying {
		return false // it began before that was known
	}
	h.failures++
	h.trying, h.last = false, err
	h.until = now.Add(backoff(h.failures - strikes + 1))
	return h.failures == strikes
}

// left notes that a call was broken off by whoever made it: the next one may try.
func (h *health) left() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.trying = false
}

// answered notes an answer, and reports whether the counter is back since this one.
func (h *health) answered() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	away := h.failures >= strikes
	h.failures, h.trying, h.last = 0, false, nil
	return away
}

// backoff is how long to wait after so many failures in a row, at least one.
func backoff(failures int) time.Duration {
	if failures = max(1, failures); failures > 6 {
		return maxBackoff
	}
	return min(minBackoff<<(failures-1), maxBackoff)
}

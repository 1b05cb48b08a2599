package redis

import (
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/sluice-gateway/sluice/pubsub"
)

// A monitor keeps the state of every part that a broker needs: its connections and, in a Cluster,
// the knowledge of who serves what. The broker is up when every part is.
type monitor struct {
	log *slog.Logger

	mu         sync.Mutex // guards what follows
	parts      []*part
	up         bool
	since      time.Time
	reconnects uint64
	ended      bool
}

// A part is one thing that is up or down. Its fields are guarded by its monitor.
type part struct {
	monitor *monitor
	name    string
	up      bool
	proven  bool // has been up
	since   time.Time
	reason  string // why it is down, never with a password
	told    bool   // the reason has been logged
}

func newMonitor(log *slog.Logger) *monitor {
	return &monitor{log: log, since: time.Now()}
}

// add returns a new part that is not up yet.
func (m *monitor) add(name string) *part {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := &part{monitor: m, name: name, since: time.Now(), reason: "redis " + name + ": not connected yet"}
	m.parts = append(m.parts, p)
	m.judgeLocked()
	return p
}

// remove forgets a part that is not needed any more.
func (p *part) remove() {
	m := p.monitor
	m.mu.Lock()
	defer m.mu.Unlock()
	m.parts = slices.DeleteFunc(m.parts, func(other *part) bool { return other == p })
	m.judgeLocked()
}

// rise notes that the part works. It logs when it did not.
func (p *part) rise() {
	m := p.monitor
	m.mu.Lock()
	defer m.mu.Unlock()
	if p.up {
		return
	}
	if p.proven {
		m.reconnects++
	}
	m.log.Info("redis subscriptions are up", "redis", p.name, "after", time.Since(p.since).Round(time.Millisecond))
	p.up, p.proven, p.since, p.reason, p.told = true, true, time.Now(), "", false
	m.judgeLocked()
}

// fall notes that the part does not work, and why. It logs the first time only: what follows is the
// same trouble until rise.
func (p *part) fall(err error) {
	m := p.monitor
	m.mu.Lock()
	defer m.mu.Unlock()
	p.reason = "redis " + p.name + ": " + err.Error()
	if p.up {
		p.up, p.since = false, time.Now()
		m.judgeLocked()
	}
	if !p.told {
		p.told = true
		m.log.Warn("redis subscriptions are down, trying again", "redis", p.name, "error", err)
	}
}

// down returns how long the part has been down and why, and whether it has been up before.
func (p *part) down() (length time.Duration, reason string, proven bool) {
	p.monitor.mu.Lock()
	defer p.monitor.mu.Unlock()
	if p.up {
		return 0, "", true
	}
	return time.Since(p.since), p.reason, p.proven
}

// end takes the whole down for good.
func (m *monitor) end() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ended = true
	m.judgeLocked()
}

func (m *monitor) judgeLocked() {
	up := !m.ended && !slices.ContainsFunc(m.parts, func(p *part) bool { return !p.up })
	if up != m.up {
		m.up, m.since = up, time.Now()
	}
}

func (m *monitor) health() pubsub.Health {
	m.mu.Lock()
	defer m.mu.Unlock()
	h := pubsub.Health{Up: m.up, Since: m.since, Reconnects: m.reconnects}
	if m.ended {
		h.Reason = pubsub.ErrClosed.Error()
		return h
	}
	for _, p := range m.parts {
		if !p.up {
			h.Reason = p.reason
			break
		}
	}
	return h
}

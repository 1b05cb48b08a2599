package ledger

import (
	"sync"
	"sync/atomic"
	"time"
)

// A Tally counts what the operations with one Key have had. Adding to it takes no lock.
type Tally struct {
	events, bytes, requests atomic.Int64
	running                 atomic.Int64 // operations that last
	begun                   atomic.Int64 // the sum of when these began, since the Tallies did
	connected               atomic.Int64 // how long those lasted that have ended
	told                    Usage        // what the ledger knows; guarded by the Tallies' lock
	users                   int          // operations that hold it; guarded by it, too
}

// Tallies are those of a node. Sweep hands on what is new. They are safe for concurrent use.
type Tallies struct {
	to    interface{ Add(Key, Usage) }
	start time.Time

	mu  sync.Mutex // guards what follows
	all map[Key]*Tally
}

// NewTallies makes empty tallies that add to a ledger.
func NewTallies(to interface{ Add(Key, Usage) }) *Tallies {
	return &Tallies{to: to, start: time.Now(), all: make(map[Key]*Tally)}
}

// A Stay is one operation in a Tally, from Begin to End.
type Stay struct {
	*Tally
	tallies *Tallies
	lasts   bool
	began   time.Duration
}

// Begin counts an operation, one that lasts or a request. The caller ends it.
func (t *Tallies) Begin(k Key, lasts bool) *Stay {
	t.mu.Lock()
	defer t.mu.Unlock()
	tally := t.all[k]
	if tally == nil {
		tally = new(Tally)
		t.all[k] = tally
	}
	tally.users++
	s := &Stay{Tally: tally, tallies: t, lasts: lasts, began: time.Since(t.start)}
	if lasts {
		tally.begun.Add(int64(s.began))
		tally.running.Add(1)
	} else {
		tally.requests.Add(1)
	}
	return s
}

// Deliver counts an event of so many bytes, of an operation that lasts.
func (t *Tally) Deliver(bytes int) {
	t.events.Add(1)
	t.bytes.Add(int64(bytes))
}

// Answer counts the bytes of a request's result: the request is counted already.
func (t *Tally) Answer(bytes int) { t.bytes.Add(int64(bytes)) }

// Recall takes events back that were delivered and will not be sent. Their bytes stay: the gateway has made
// them.
func (t *Tally) Recall(n int) { t.events.Add(-int64(n)) }

// End counts the operation's time. It must be called once.
func (s *Stay) End() {
	if s.lasts {
		s.connected.Add(int64(time.Since(s.tallies.start) - s.began))
		s.begun.Add(-int64(s.began))
		s.running.Add(-1)
	}
	s.tallies.mu.Lock()
	defer s.tallies.mu.Unlock()
	s.users--
}

// total is all that was counted up to now.
func (t *Tally) total(now time.Duration) Usage {
	open := time.Duration(t.running.Load())*now - time.Duration(t.begun.Load())
	return Usage{
		Events:          t.events.Load(),
		Bytes:           t.bytes.Load(),
		Requests:        t.requests.Load(),
		ConnectedMillis: (time.Duration(t.connected.Load()) + open).Milliseconds(),
	}
}

// Sweep adds what is new to the ledger, and forgets who has had nothing since and runs nothing.
func (t *Tallies) Sweep() {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Since(t.start)
	for key, tally := range t.all {
		total := tally.total(now)
		fresh := Usage{
			Events:          total.Events - tally.told.Events,
			Bytes:           total.Bytes - tally.told.Bytes,
			Requests:        total.Requests - tally.told.Requests,
			ConnectedMillis: total.ConnectedMillis - tally.told.ConnectedMillis,
		}
		tally.told = total
		if fresh != (Usage{}) {
			t.to.Add(key, fresh)
		} else if tally.users == 0 {
			delete(t.all, key)
		}
	}
}

package ledger

import (
	"sync"
	"time"
)

// Tallies count what the operations of a node have had, by Key, until Sweep hands on what is new. They
// are safe for concurrent use.
type Tallies struct {
	to     interface{ Add(Key, Usage) }
	start  time.Time
	settle func() // see Before

	mu  sync.Mutex // guards what follows, and the tallies
	all map[Key]*tally
}

// A tally is what the operations with one Key have had. It is in Tallies.all while something uses it, or the
// ledger does not know all of it.
type tally struct {
	key       Key
	running   int           // operations that last
	begun     time.Duration // the sum of when these began, since the Tallies did
	connected time.Duration // how long those lasted that have ended
	had       Usage         // but for the time
	told      Usage         // what the ledger knows
	users     int           // operations that hold it
}

// NewTallies makes empty tallies that add to a ledger.
func NewTallies(to interface{ Add(Key, Usage) }) *Tallies {
	return &Tallies{to: to, start: time.Now(), settle: func() {}, all: make(map[Key]*tally)}
}

// Before has Sweep call settle first: whoever counts deliveries adds what is new then. It is called
// before the first Sweep.
func (t *Tallies) Before(settle func()) { t.settle = settle }

// A Stay is one operation in a tally, from Begin to End. It may be added to after its end.
type Stay struct {
	*tally
	tallies *Tallies
	lasts   bool
	began   time.Duration
}

// Begin counts an operation, one that lasts or a request. The caller ends it.
func (t *Tallies) Begin(k Key, lasts bool) *Stay {
	t.mu.Lock()
	defer t.mu.Unlock()
	of := t.all[k]
	if of == nil {
		of = &tally{key: k}
		t.all[k] = of
	}
	of.users++
	s := &Stay{tally: of, tallies: t, lasts: lasts, began: time.Since(t.start)}
	if lasts {
		of.begun += s.began
		of.running++
	} else {
		of.had.Requests++
	}
	return s
}

// Add counts events that were delivered and the bytes of them, or takes some back that will not be sent
// after all.
func (s *Stay) Add(events, bytes int64) {
	s.tallies.mu.Lock()
	defer s.tallies.mu.Unlock()
	of := s.tally
	if now := s.tallies.all[of.key]; now == nil { // it was forgotten, or another has taken its place
		s.tallies.all[of.key] = of
	} else {
		of = now
	}
	of.had.Events += events
	of.had.Bytes += bytes
}

// Answer counts the bytes of a request's result: the request is counted already.
func (s *Stay) Answer(bytes int) { s.Add(0, int64(bytes)) }

// End counts the operation's time. It must be called once.
func (s *Stay) End() {
	s.tallies.mu.Lock()
	defer s.tallies.mu.Unlock()
	s.users--
	if s.lasts {
		s.connected += time.Since(s.tallies.start) - s.began
		s.begun -= s.began
		s.running--
	}
}

// total is all that was counted up to now.
func (t *tally) total(now time.Duration) Usage {
	u := t.had
	u.ConnectedMillis = (t.connected + time.Duration(t.running)*now - t.begun).Milliseconds()
	return u
}

// Sweep adds what is new to the ledger, and forgets who has had nothing since and runs nothing.
func (t *Tallies) Sweep() {
	t.settle()
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Since(t.start)
	for key, of := range t.all {
		total := of.total(now)
		fresh := Usage{
			Events:          total.Events - of.told.Events,
			Bytes:           total.Bytes - of.told.Bytes,
			Requests:        total.Requests - of.told.Requests,
			ConnectedMillis: total.ConnectedMillis - of.told.ConnectedMillis,
		}
		of.told = total
		if fresh != (Usage{}) {
			t.to.Add(key, fresh)
		} else if of.users == 0 {
			delete(t.all, key)
		}
	}
}

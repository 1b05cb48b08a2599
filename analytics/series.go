package analytics

import (
	"maps"
	"sync"
	"sync/atomic"
	"time"
)

// A Drop is why an event was not delivered, although it was made for somebody.
type Drop uint8

// The drops.
const (
	DropSlow    Drop = iota // its client read too slowly: it gave way, or its session ended
	DropRate                // it came above the rate of a budget, and waited for too long
	DropLease               // it waited for too long for the node's next lease of a budget
	DropWrite               // its connection broke, or was closed, before it was written
	DropDecode              // no field can make anything of its payload
	DropOverrun             // events came faster than they were executed, or took too long
	Drops                   // how many there are
)

var dropNames = [Drops]string{
	DropSlow: "slow", DropRate: "rate", DropLease: "lease", DropWrite: "write", DropDecode: "decode", DropOverrun: "overrun",
}

// String is the drop's name, for labels.
func (d Drop) String() string { return dropNames[d] }

// afterwards reports whether the outbox had such an event already.
func (d Drop) afterwards() bool { return d == DropSlow || d == DropWrite }

// A Series counts what the operations with its labels have had on this node since it began.
type Series struct {
	labels Labels

	started, ended atomic.Uint64
	refused        atomic.Uint64
	events, bytes  atomic.Uint64
	failed         atomic.Uint64
	dropped        [Drops]atomic.Uint64
	connected      atomic.Int64 // milliseconds: of a hundred thousand operations, nanoseconds are too many in a day
	mu             sync.Mutex   // guards endings
	endings        map[string]uint64
	running        atomic.Int64 // who hold it: it is not forgotten
	lastUsed       atomic.Int64 // when one has ended last, Unix nanoseconds
}

// Labels are those of its operations.
func (s *Series) Labels() Labels { return s.labels }

// end counts an operation's end, by the code of its error.
func (s *Series) end(code string) {
	s.ended.Add(1)
	s.note(code)
	s.lastUsed.Store(time.Now().UnixNano())
	s.running.Add(-1)
}

// mostCodes is how many codes a series tells apart: resolvers may make codes up.
const mostCodes = 50

func (s *Series) note(code string) {
	if code == "" {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.endings == nil {
		s.endings = make(map[string]uint64)
	}
	if _, known := s.endings[code]; !known && len(s.endings) >= mostCodes {
		code = Other
	}
	s.endings[code]++
}

// Counts are those of a series at one moment.
type Counts struct {
	Started         uint64            `json:"started"` // operations
	Ended           uint64            `json:"ended"`
	Refused         uint64            `json:"refused"`         // not begun: they are none of Started
	Events          uint64            `json:"events"`          // handed to clients' outboxes
	Bytes           uint64            `json:"bytes"`           // of them, without what the protocol adds
	Dropped         [Drops]uint64     `json:"dropped"`         // by Drop
	Failed          uint64            `json:"failed"`          // of Events, those with errors
	ConnectedMillis int64             `json:"connectedMillis"` // how long operations have run, in sum
	Endings         map[string]uint64 `json:"endings"`         // by code; those without an error are not there
}

// Delivered is how many events clients were sent: those that were handed on and not dropped afterwards.
func (c Counts) Delivered() uint64 {
	n := c.Events
	for why, dropped := range c.Dropped {
		if Drop(why).afterwards() {
			n -= min(n, dropped)
		}
	}
	return n
}

// Running is how many operations have begun and not ended.
func (c Counts) Running() uint64 { return c.Started - c.Ended }

// Counts returns the counts that the series had when somebody last looked at its recorder.
func (s *Series) Counts() Counts {
	c := Counts{
		Ended:           s.ended.Load(), // first: none of them is missing among the started
		Started:         s.started.Load(),
		Refused:         s.refused.Load(),
		Events:          s.events.Load(),
		Bytes:           s.bytes.Load(),
		Failed:          s.failed.Load(),
		ConnectedMillis: s.connected.Load(),
	}
	for i := range s.dropped {
		c.Dropped[i] = s.dropped[i].Load()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c.Endings = maps.Clone(s.endings)
	return c
}

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

// A Series counts what the operations with its labels have had on this node since it began.
type Series struct {
	labels Labels

	started, ended atomic.Uint64
	events, bytes  atomic.Uint64
	dropped        [Drops]atomic.Uint64
	connected      atomic.Int64 // nanoseconds, of those that have ended
	mu             sync.Mutex   // guards endings
	endings        map[string]uint64
	running        atomic.Int64 // who hold it: it is not forgotten
	lastUsed       atomic.Int64 // when one has ended last, Unix nanoseconds
}

// Labels are those of its operations.
func (s *Series) Labels() Labels { return s.labels }

// Deliver counts one event that was handed to a client's outbox, of so many bytes.
func (s *Series) Deliver(bytes int) {
	s.events.Add(1)
	s.bytes.Add(uint64(bytes))
}

// Recall counts an event of so many bytes as not delivered after all, for a reason.
func (s *Series) Recall(n uint64, why Drop) { s.dropped[why].Add(n) }

// Refuse counts an operation that was not begun, by the code of its error.
func (s *Series) Refuse(code string) { s.end(code) }

// End counts an operation that has run for so long, by the code of its error; empty: it came to its end,
// or its client left.
func (s *Series) End(code string, lasted time.Duration) {
	s.connected.Add(int64(lasted))
	s.ended.Add(1)
	s.end(code)
	s.lastUsed.Store(time.Now().UnixNano())
	s.running.Add(-1)
}

// mostCodes is how many codes a series tells apart: resolvers may make codes up.
const mostCodes = 50

func (s *Series) end(code string) {
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
	Started   uint64            `json:"started"` // operations
	Ended     uint64            `json:"ended"`
	Refused   uint64            `json:"refused"`   // not begun: they are none of Started
	Events    uint64            `json:"events"`    // handed to clients' outboxes
	Bytes     uint64            `json:"bytes"`     // of them, without what the protocol adds
	Dropped   [Drops]uint64     `json:"dropped"`   // by Drop
	Failed    uint64            `json:"failed"`    // of Events, those with errors
	Connected time.Duration     `json:"connected"` // of operations that have ended
	Endings   map[string]uint64 `json:"endings"`   // by code; those without an error are not there
}

// Delivered is how many events clients were sent, or will be: those that were handed on and did not give
// way.
func (c Counts) Delivered() uint64 { return c.Events - min(c.Events, c.Dropped[DropSlow]) }

// Running is how many operations have begun and not ended.
func (c Counts) Running() uint64 { return c.Started - c.Ended }

// Counts returns the counts of this moment.
func (s *Series) Counts() Counts {
	c := Counts{
		Ended:     s.ended.Load(), // first: none of them is missing among the started
		Started:   s.started.Load(),
		Events:    s.events.Load(),
		Bytes:     s.bytes.Load(),
		Connected: time.Duration(s.connected.Load()),
	}
	for i := range s.dropped {
		c.Dropped[i] = s.dropped[i].Load()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c.Endings = maps.Clone(s.endings)
	return c
}

package analytics

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// mostBackendCalls is how many classes of calls are told apart.
const mostBackendCalls = 100

// longestError is how many bytes of an error's text are kept.
const longestError = 256

// Backends count how the services behind a node answer it: the broker, the database, and so on, each by
// class of call.
type Backends struct {
	begun time.Time

	mu  sync.RWMutex // guards all
	all map[backendCall]*backendCalls
}

// A backendCall names a class of calls of one back end.
type backendCall struct{ backend, call string }

// NewBackends returns Backends that have seen no call.
func NewBackends() *Backends {
	return &Backends{begun: time.Now(), all: make(map[backendCall]*backendCalls)}
}

// Observe counts a call that has ended: of which back end, such as "database"; of which class, such as
// "orders"; how long it took, and the back end's failure, or nil. Whoever calls decides what a failure
// is: that something is not there, or that the caller has left, is none. The error's text is shown and must
// hold no secret. Both names are the program's own: of more than 100 pairs, those that come later count as
// Other of Other. Without a failure it allocates nothing.
func (b *Backends) Observe(backend, call string, took time.Duration, err error) {
	text := ""
	if err != nil {
		text = beginningOf(err.Error())
	}
	c := b.of(backendCall{backend, call})
	c.count(b.begun, err != nil, text)
	c.latency.Observe(took) // last: none of it is missing among the calls
}

// Of returns Observe for one back end.
func (b *Backends) Of(backend string) func(call string, took time.Duration, err error) {
	return func(call string, took time.Duration, err error) { b.Observe(backend, call, took, err) }
}

// of finds or makes the counts of a class.
func (b *Backends) of(name backendCall) *backendCalls {
	b.mu.RLock()
	c := b.all[name]
	b.mu.RUnlock()
	if c != nil {
		return c
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if c = b.all[name]; c == nil && len(b.all) >= mostBackendCalls {
		name = backendCall{Other, Other}
		c = b.all[name]
	}
	if c == nil {
		c = new(backendCalls)
		b.all[name] = c
	}
	return c
}

// beginningOf is as much of a text as is kept, which keeps the rest out of memory.
func beginningOf(text string) string {
	return strings.Clone(strings.ToValidUTF8(text[:min(len(text), longestError)], ""))
}

// backendCalls are the counts of one class.
type backendCalls struct {
	latency Latency

	mu              sync.Mutex // guards what follows
	calls, failures uint64
	minute          lastMinute
	lastError       string
	lastFailed      time.Time
}

func (c *backendCalls) count(begun time.Time, failed bool, text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls++
	c.minute.add(time.Since(begun), failed)
	if failed {
		c.failures++
		c.lastError, c.lastFailed = text, time.Now()
	}
}

// BackendCalls are the calls of one class at one moment.
type BackendCalls struct {
	Backend        string    `json:"backend"`
	Call           string    `json:"call"`
	Calls          uint64    `json:"calls"`
	Failures       uint64    `json:"failures"`       // of Calls
	MinuteCalls    uint64    `json:"minuteCalls"`    // those that have ended within the last minute, to the second
	MinuteFailures uint64    `json:"minuteFailures"` // of MinuteCalls
	Latency        Sketch    `json:"latency"`        // of Calls, failures too
	LastError      string    `json:"lastError"`      // the text of the last failure, at most 256 bytes; empty: there was none
	LastFailed     time.Time `json:"lastFailed"`     // when that was; zero: never
}

// ErrorRatio is which share of the last minute's calls has failed, from 0 to 1; 0 if there were none.
func (c BackendCalls) ErrorRatio() float64 {
	return float64(c.MinuteFailures) / float64(max(c.MinuteCalls, 1))
}

// Calls are those of this moment, in the order of back ends and classes.
func (b *Backends) Calls() []BackendCalls {
	b.mu.RLock()
	all := maps.Clone(b.all)
	b.mu.RUnlock()
	calls := make([]BackendCalls, 0, len(all))
	for name, c := range all {
		calls = append(calls, c.now(name, time.Since(b.begun)))
	}
	slices.SortFunc(calls, func(x, y BackendCalls) int {
		return cmp.Or(cmp.Compare(x.Backend, y.Backend), cmp.Compare(x.Call, y.Call))
	})
	return calls
}

func (c *backendCalls) now(name backendCall, at time.Duration) BackendCalls {
	sketch := c.latency.Counts()
	c.mu.Lock()
	defer c.mu.Unlock()
	calls, failures := c.minute.sum(at)
	return BackendCalls{
		Backend: name.backend, Call: name.call,
		Calls: c.calls, Failures: c.failures, MinuteCalls: calls, MinuteFailures: failures,
		Latency: sketch, LastError: c.lastError, LastFailed: c.lastFailed,
	}
}

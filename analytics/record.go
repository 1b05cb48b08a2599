package analytics

import (
	"sync/atomic"
	"time"
)

// A Runner is the operation that a Record is of.
type Runner interface {
	// Labels say what it is, in its own names.
	Labels() Labels
	// Dismiss ends it, for an operator wishes so.
	Dismiss(why string)
}

// A Source counts what an operation hands to its client's outbox, where that is cheaper than Record.Deliver:
// under a lock that is held anyway.
type Source interface {
	// Offered is how many events there were, and their bytes. It is called with a lock of the recorder held:
	// it may take the outbox', under which no record is called, and nothing else.
	Offered() (events, bytes uint64)
}

// An Account is what an operation's deliveries are billed to.
type Account interface {
	// Add bills so many events and bytes more; of events it may be fewer. It is called with a lock of the
	// recorder held.
	Add(events, bytes int64)
}

// A Record is what one operation has had, from Recorder.Begin to its End; the zero Record has not begun.
// Counting in it takes no lock and allocates nothing. What was counted reaches its series and its account
// when somebody looks at these, and when it ends. A Record may not be copied.
type Record struct {
	events, bytes atomic.Uint64 // what Deliver touches stands together
	over          atomic.Bool
	rare          atomic.Pointer[rarity] // nil: nothing of it has happened

	number   uint64 // among those of the node
	recorder *Recorder
	series   *Series
	runner   Runner // nil: the series knows its labels
	began    time.Time

	// Guarded by the lock of its shelf.
	source              Source  // nil: Deliver counts
	account             Account // nil: nobody is billed
	toldEvents          uint64  // what the series knows of
	toldBytes           uint64
	toldConnected       int64   // milliseconds
	billed, billedBytes int64   // what the account knows of
	prev, next          *Record // on the shelf
	ended               bool
}

// A rarity is what few operations have had.
type rarity struct {
	failed      atomic.Uint64
	dropped     [Drops]atomic.Uint64
	toldFailed  uint64 // what the series knows of; guarded by the lock of the shelf
	toldDropped [Drops]uint64
}

// Deliver counts one event that was handed to a client's outbox, of so many bytes.
func (r *Record) Deliver(bytes int) {
	r.events.Add(1)
	r.bytes.Add(uint64(bytes))
	r.Late()
}

// CountedBy has a source count what is delivered. It is called before anything is. After each event that the
// source counts, Late must be called.
func (r *Record) CountedBy(s Source) {
	shelf := r.recorder.shelf(r)
	shelf.mu.Lock()
	defer shelf.mu.Unlock()
	r.source = s
}

// offeredLocked is what was delivered up to now.
func (r *Record) offeredLocked() (events, bytes uint64) {
	if r.source != nil {
		return r.source.Offered()
	}
	return r.events.Load(), r.bytes.Load()
}

// Fail counts an event, one of those delivered, whose result has errors.
func (r *Record) Fail() {
	r.rarity().failed.Add(1)
	r.Late()
}

// Drop counts events that were not delivered, for a reason. Those that the outbox had already stay in the
// sum of these.
func (r *Record) Drop(n uint64, why Drop) {
	r.rarity().dropped[why].Add(n)
	r.Late()
}

func (r *Record) rarity() *rarity {
	if found := r.rare.Load(); found != nil {
		return found
	}
	r.rare.CompareAndSwap(nil, new(rarity))
	return r.rare.Load()
}

// Late settles what comes after the end: nobody else will.
func (r *Record) Late() {
	if r.over.Load() {
		r.settle()
	}
}

// Bill has an account told of what is delivered. It is called before anything is.
func (r *Record) Bill(a Account) {
	shelf := r.recorder.shelf(r)
	shelf.mu.Lock()
	defer shelf.mu.Unlock()
	r.account = a
}

// End says that the operation is over, by the code of its error; empty: it came to its end, or its client
// left. It must be called once. What the outbox loses afterwards is counted all the same.
func (r *Record) End(code string) {
	r.over.Store(true)
	shelf := r.recorder.shelf(r)
	shelf.mu.Lock()
	r.settleLocked(time.Now())
	r.ended = true
	shelf.removeLocked(r)
	shelf.mu.Unlock()
	r.series.end(code)
}

// settle tells the series and the account what they do not know yet.
func (r *Record) settle() {
	shelf := r.recorder.shelf(r)
	shelf.mu.Lock()
	defer shelf.mu.Unlock()
	r.settleLocked(time.Now())
}

func (r *Record) settleLocked(now time.Time) {
	s := r.series
	if !r.ended {
		connected := now.Sub(r.began).Milliseconds()
		s.connected.Add(connected - r.toldConnected)
		r.toldConnected = connected
	}
	events, bytes := r.offeredLocked()
	if events != r.toldEvents || bytes != r.toldBytes {
		s.events.Add(events - r.toldEvents)
		s.bytes.Add(bytes - r.toldBytes)
		r.toldEvents, r.toldBytes = events, bytes
	}
	undelivered := uint64(0)
	if rare := r.rare.Load(); rare != nil {
		undelivered = rare.settleLocked(s)
	}
	if r.account == nil {
		return
	}
	if billed := int64(events) - int64(undelivered); billed != r.billed || int64(bytes) != r.billedBytes {
		r.account.Add(billed-r.billed, int64(bytes)-r.billedBytes)
		r.billed, r.billedBytes = billed, int64(bytes)
	}
}

// settleLocked tells a series, and returns how many events the outbox had and did not send.
func (r *rarity) settleLocked(s *Series) (undelivered uint64) {
	failed := r.failed.Load()
	s.failed.Add(failed - r.toldFailed)
	r.toldFailed = failed
	for why := range r.dropped {
		dropped := r.dropped[why].Load()
		s.dropped[why].Add(dropped - r.toldDropped[why])
		r.toldDropped[why] = dropped
		if Drop(why).afterwards() {
			undelivered += dropped
		}
	}
	return undelivered
}

// Number is the operation's own on this node.
func (r *Record) Number() uint64 { return r.number }

// Runner is what the record is of, or nil.
func (r *Record) Runner() Runner { return r.runner }

// Labels are the operation's own, also where its series has fewer.
func (r *Record) Labels() Labels {
	l := r.own().kept()
	if !r.recorder.options.Subjects {
		l.Subject = ""
	}
	return l
}

// own are its labels with the end user, even where these are not told apart.
func (r *Record) own() Labels {
	if r.runner == nil {
		return r.series.labels
	}
	return r.runner.Labels()
}

// Began is when the operation did.
func (r *Record) Began() time.Time { return r.began }

// Counts are what the operation has had up to now. Started and Ended, Refused and Endings are not known.
func (r *Record) Counts() Counts {
	shelf := r.recorder.shelf(r)
	shelf.mu.Lock()
	events, bytes := r.offeredLocked()
	shelf.mu.Unlock()
	c := Counts{Events: events, Bytes: bytes, ConnectedMillis: time.Since(r.began).Milliseconds()}
	if rare := r.rare.Load(); rare != nil {
		c.Failed = rare.failed.Load()
		for why := range rare.dropped {
			c.Dropped[why] = rare.dropped[why].Load()
		}
	}
	return c
}

// Dismiss ends the operation, and tells its client why.
func (r *Record) Dismiss(why string) {
	if r.runner != nil {
		r.runner.Dismiss(why)
	}
}

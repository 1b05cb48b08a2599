package limits

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// ErrForfeited reports a lease that its holder must not spend any more: nothing was heard of it for
// too long, or the counter does not know it.
var ErrForfeited = errors.New("limits: lease forfeited")

// What a Request may be made of.
const (
	MaxKey     = 1024 // bytes
	MaxID      = 128  // bytes
	MaxReports = 1000
)

// Share is the part of what is left of a quota that one lease gets at most, one event at least. So
// leases shrink to one event towards the quota's end, and no node holds what others need.
const Share = 16

// A Counter keeps what is left of quotas, for all nodes, by its own clock. What it grants of a key in
// a calendar window, less what is returned, never exceeds the quota. In a sliding window what is
// spent, or might be, never exceeds it in any interval of the window's length.
//
// At all times what was granted is charged, returned, forfeited or outstanding. Calls may be
// repeated: a holder that got no answer asks the same again. A Counter is safe for concurrent use.
type Counter interface {
	// Lease grants up to Request.Want events, and 0 when nothing is left. It grants an ID once:
	// whoever asks for it again gets the same lease, or ErrForfeited. An answer of 0 is forgotten.
	Lease(ctx context.Context, r Request) (Lease, error)

	// Settle charges what has been spent of a lease up to now, counted from its beginning, and
	// keeps the lease alive. Less than what was charged before changes nothing. It returns
	// ErrForfeited for a lease that is none any more, unless it was returned just before.
	Settle(ctx context.Context, key, id string, spent int64) error

	// Return charges what has been spent of a lease, and gives the rest back to its window, once.
	// Later calls change nothing. It returns ErrForfeited if the lease was forfeited, and nothing
	// if the counter does not know it any more.
	Return(ctx context.Context, key, id string, spent int64) error

	// Usage tells how q, as it stands for key, is used.
	Usage(ctx context.Context, key string, q Quota) (Usage, error)
}

// A Request asks for a lease.
type Request struct {
	Key   string // whose quota, any 1 to MaxKey bytes; a key of several parts needs lengths or escapes
	Quota Quota  // as it is now: what was granted before counts against it
	Want  int64  // events, at least 1
	ID    string // of the lease, chosen by the caller, never used before, 1 to MaxID bytes
	Node  string // who asks, for whoever looks into the counter, up to MaxID bytes

	// Reports are about other leases of Key, MaxReports at most. They take effect first, as if
	// Settle and Return had been called. That a lease is forfeited is not told.
	Reports []Report
}

// A Report says how much of a lease is spent.
type Report struct {
	ID    string
	Spent int64 // from the lease's beginning
	Done  bool  // the rest is returned
}

// Check returns an error that says what is wrong with r, or nil.
func (r Request) Check() error {
	if err := checkNames(r.Key, r.ID); err != nil {
		return err
	}
	switch {
	case r.Want < 1:
		return fmt.Errorf("limits: %d events are wanted; it must be 1 or more", r.Want)
	case len(r.Node) > MaxID:
		return fmt.Errorf("limits: a node's name of %d bytes; it must have %d at most", len(r.Node), MaxID)
	case len(r.Reports) > MaxReports:
		return fmt.Errorf("limits: %d reports; %d at most go into a request", len(r.Reports), MaxReports)
	}
	for _, report := range r.Reports {
		if err := report.check(r.Key); err != nil {
			return err
		}
	}
	return r.Quota.Check()
}

// CheckReport returns an error that says what is wrong with a call of Settle or Return, or nil.
func CheckReport(key, id string, spent int64) error { return Report{ID: id, Spent: spent}.check(key) }

func (r Report) check(key string) error {
	if r.Spent < 0 {
		return fmt.Errorf("limits: %d events are said to be spent", r.Spent)
	}
	return checkNames(key, r.ID)
}

// CheckUsage returns an error that says what is wrong with a call of Usage, or nil.
func CheckUsage(key string, q Quota) error {
	if err := checkNames(key, "-"); err != nil {
		return err
	}
	return q.Check()
}

// checkNames quotes neither: a key may name a person.
func checkNames(key, id string) error {
	switch {
	case key == "" || len(key) > MaxKey:
		return fmt.Errorf("limits: a key of %d bytes; it must have 1 to %d", len(key), MaxKey)
	case id == "" || len(id) > MaxID:
		return fmt.Errorf("limits: a lease's id of %d bytes; it must have 1 to %d", len(id), MaxID)
	}
	return nil
}

// A Lease is a block of a quota's events that one holder may spend.
type Lease struct {
	ID     string
	Key    string
	Events int64  // granted; 0: the quota is used up
	Left   int64  // of the whole quota after the grant; Unlimited of that
	Window string // the id of the window that it belongs to, see Window.Bounds

	// Ends is for how long it may be spent, from the counter's answer. In a calendar window it is
	// what remains of that. In a sliding one it begins anew with every Settle that succeeds. When
	// nothing was granted it is how long until ResetAt.
	Ends time.Duration

	// ResetAt is, by the counter's clock, when the window ends; of a sliding window, when the first
	// of the events that are used now become available again.
	ResetAt time.Time
}

// Usage is how a quota is used in the window of this moment. Granted is the sum of Charged, Returned,
// Forfeited and Outstanding. In a sliding window they are those of the last window's length, and
// what was returned counts as never granted.
type Usage struct {
	Granted     int64
	Charged     int64 // spent, as told by the holders
	Returned    int64
	Forfeited   int64 // leased to holders who were not heard of any more, and not known as spent
	Outstanding int64 // leased, and not known as spent
	Left        int64 // to be granted; Unlimited of that
	ResetAt     time.Time
}

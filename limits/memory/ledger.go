package memory

import (
	"container/heap"
	"time"

	"github.com/sluice-gateway/sluice/limits"
)

// How long leases are known that are none any more, in microseconds, like all times here: the counter
// in Redis counts in them too.
const (
	doneKnown      = int64(5 * time.Second / time.Microsecond) // for a repeated call
	forfeitedKnown = int64(time.Hour / time.Microsecond)       // for a holder that was cut off
)

// A ledger is what is known of one key.
type ledger struct {
	ttl     int64 // of a lease
	now     int64
	windows map[string]*account
	leases  map[string]*lease
	due     agenda
}

// An account is what was granted in one window. Outstanding is what remains of granted.
type account struct {
	granted, charged, returned, forfeited int64

	bucket int64             // how long each is; 0: a calendar window
	used   map[int64]*bucket // by number; only those in which something was spent
}

// A bucket is what was spent in a part of a sliding window, or may have been.
type bucket struct{ charged, forfeited int64 }

type state byte

const (
	open state = iota
	done
	forfeited
)

// A lease is a limits.Lease and what became of it.
type lease struct {
	limits.Lease
	state    state
	settled  int64
	deadline int64 // when it is forfeited, or forgotten
	last     int64 // the deadline may not come after this; 0: it may
}

func newLedger(ttl time.Duration) *ledger {
	return &ledger{ttl: ttl.Microseconds(), windows: make(map[string]*account), leases: make(map[string]*lease)}
}

// empty reports whether nothing stands in l any more.
func (l *ledger) empty() bool {
	for _, a := range l.windows {
		if a.bucket == 0 || a.granted > 0 {
			return false
		}
	}
	return len(l.leases) == 0
}

// window returns the account of w at this moment, and when that ends, or begins to come back.
func (l *ledger) window(w limits.Window, loc *time.Location) (id string, a *account, reset int64) {
	id, _, end := w.Bounds(time.UnixMicro(l.now), loc)
	a = l.windows[id]
	if a == nil {
		a = &account{bucket: w.Bucket().Microseconds(), used: make(map[int64]*bucket)}
	}
	if a.bucket == 0 {
		return id, a, end.UnixMicro()
	}
	first := l.now / a.bucket
	for no := range a.used {
		first = min(first, no)
	}
	return id, a, release(first, a.bucket)
}

// release returns when what was spent in a bucket counts no longer.
func release(no, bucket int64) int64 { return (no + 1 + limits.WindowBuckets) * bucket }

func left(q limits.Quota, a *account) int64 {
	if q.Events == limits.Unlimited {
		return limits.Unlimited
	}
	return max(0, q.Events-a.granted+a.returned)
}

func (l *ledger) lease(r limits.Request, loc *time.Location) (limits.Lease, error) {
	if known := l.leases[r.ID]; known != nil {
		return l.again(known)
	}
	id, a, reset := l.window(r.Quota.Window, loc)
	rest := left(limits.Quota{Events: min(r.Quota.Events, limits.MaxEvents)}, a)
	grant := min(r.Want, max(1, rest/limits.Share), rest)
	answer := limits.Lease{
		ID: r.ID, Key: r.Key, Events: grant, Window: id,
		Ends: time.Duration(reset-l.now) * time.Microsecond, ResetAt: time.UnixMicro(reset),
	}
	if grant == 0 {
		return answer, nil
	}
	a.granted += grant
	answer.Left = left(r.Quota, a)
	granted := &lease{Lease: answer}
	if l.windows[id] == nil {
		l.windows[id] = a
		if a.bucket == 0 {
			l.due.add(appointment{at: reset + 2*l.ttl, window: id})
		}
	}
	if a.bucket == 0 {
		granted.last = reset + 2*l.ttl - 1 // while the window is known
	} else {
		granted.Ends = time.Duration(l.ttl-l.ttl/10) * time.Microsecond
	}
	l.leases[r.ID] = granted
	l.prolong(granted)
	l.due.add(appointment{at: granted.deadline, lease: r.ID})
	return granted.Lease, nil
}

// again answers for a lease that was granted before.
func (l *ledger) again(known *lease) (limits.Lease, error) {
	if known.state == forfeited {
		return limits.Lease{}, limits.ErrForfeited
	}
	answer := known.Lease
	ends := known.ResetAt.UnixMicro()
	if known.last == 0 {
		ends = known.deadline - l.ttl/10
	}
	answer.Ends = time.Duration(max(0, ends-l.now)) * time.Microsecond
	return answer, nil
}

func (l *ledger) prolong(known *lease) {
	known.deadline = l.now + l.ttl
	if known.last != 0 {
		known.deadline = min(known.deadline, known.last)
	}
}

func (l *ledger) report(r limits.Report) error {
	known := l.leases[r.ID]
	switch {
	case known == nil && r.Done, known != nil && known.state == done:
		return nil
	case known == nil || known.state == forfeited:
		return limits.ErrForfeited
	}
	a := l.windows[known.Window]
	if more := min(r.Spent, known.Events) - known.settled; more > 0 {
		known.settled += more
		a.charged += more
		if a.bucket > 0 {
			l.bucket(known.Window, a, l.now).charged += more
		}
	}
	if !r.Done {
		l.prolong(known)
		return nil
	}
	known.state, known.deadline = done, l.now+doneKnown
	l.due.add(appointment{at: known.deadline, lease: r.ID})
	if a.bucket == 0 {
		a.returned += known.Events - known.settled
		return nil
	}
	a.granted -= known.Events - known.settled
	return nil
}

// bucket returns the bucket of a time, and has it emptied when it counts no longer.
func (l *ledger) bucket(window string, a *account, at int64) *bucket {
	no := at / a.bucket
	b := a.used[no]
	if b == nil {
		b = new(bucket)
		a.used[no] = b
		l.due.add(appointment{at: release(no, a.bucket), window: window, bucket: no})
	}
	return b
}

func (l *ledger) usage(q limits.Quota, loc *time.Location) limits.Usage {
	_, a, reset := l.window(q.Window, loc)
	return limits.Usage{
		Granted: a.granted, Charged: a.charged, Returned: a.returned, Forfeited: a.forfeited,
		Outstanding: a.granted - a.charged - a.returned - a.forfeited,
		Left:        left(q, a), ResetAt: time.UnixMicro(reset),
	}
}

// advance does what is due until now.
func (l *ledger) advance(now int64) {
	l.now = now
	for len(l.due) > 0 && l.due[0].at <= l.now {
		next := heap.Pop(&l.due).(appointment)
		if next.lease != "" {
			l.expire(next)
		} else {
			l.forget(next)
		}
	}
}

// expire forfeits an open lease, and forgets one that is not.
func (l *ledger) expire(next appointment) {
	known := l.leases[next.lease]
	switch {
	case known == nil:
	case known.deadline > next.at: // settled since
		l.due.add(appointment{at: known.deadline, lease: next.lease})
	case known.state != open:
		delete(l.leases, next.lease)
	default:
		rest := known.Events - known.settled
		a := l.windows[known.Window]
		a.forfeited += rest
		if a.bucket > 0 && rest > 0 {
			// The holder stopped by then, and may have spent everything just before.
			l.bucket(known.Window, a, known.deadline).forfeited += rest
		}
		known.state = forfeited
		known.deadline += forfeitedKnown
		l.due.add(appointment{at: known.deadline, lease: next.lease})
	}
}

// forget drops a calendar window, or a bucket of a sliding one.
func (l *ledger) forget(next appointment) {
	a := l.windows[next.window]
	if a.bucket == 0 {
		delete(l.windows, next.window)
		return
	}
	b := a.used[next.bucket]
	delete(a.used, next.bucket)
	a.charged -= b.charged
	a.forfeited -= b.forfeited
	a.granted -= b.charged + b.forfeited
}

package limits

import (
	"context"
	"errors"
	"time"
)

const (
	// quick is when a block is too small: half of it was used up in less.
	quick = 100 * time.Millisecond
	// slow is when a block is too large, and when one that nobody touches is returned.
	slow = 10 * time.Second
	// giveUp is how long a closed account tries to return its leases. The counter has forfeited
	// them by then.
	giveUp = time.Minute
)

// A refill is what an account knows of its counter.
type refill struct {
	size    int64     // of a block: what the account may hold
	granted time.Time // when the last lease came

	unanswered Request // sent and not answered: it may have been granted; no ID: none
	first      Quota   // that it was sent with at first
	failures   int     // in a row
	retryAt    time.Time

	known   bool // there was an answer, with the following
	left    int64
	resetAt time.Time // by the counter's clock
	over    time.Time // the same by ours, if the quota is exhausted
	probeAt time.Time // when to ask all the same, if it is: others may have returned something

	settleAt  time.Time
	touched   int64 // what had been spent when it was last seen to have grown
	touchedAt time.Time
}

// forget drops what was known of a quota.
func (r *refill) forget() {
	r.known, r.left, r.resetAt, r.over = false, 0, time.Time{}, time.Time{}
}

func (r *refill) blocked(now time.Time) bool { return r.failures > 0 && now.Before(r.retryAt) }

// lease asks for events, if that is due. It reports whether there is news for those who wait.
func (a *Account) lease(ctx context.Context) (news bool) {
	r, ok := a.request()
	if !ok {
		return false
	}
	var l Lease
	sent := time.Now()
	err := a.book.call(ctx, func(ctx context.Context) (err error) {
		l, err = a.book.counter.Lease(ctx, r)
		return err
	})
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case errors.Is(err, ErrForfeited): // it came too late
		a.answeredLocked()
		a.refill.unanswered = Request{}
		a.book.submit(a)
	case err != nil:
		a.failLocked(err)
	default:
		a.answeredLocked()
		a.applyLocked(r, l, sent)
	}
	return true
}

// request returns what to ask the counter for now.
func (a *Account) request() (Request, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now, r := time.Now(), &a.refill
	m := mood(a.mood.Load())
	switch {
	case !a.asked.Load() || m == unbounded || m == shut || r.blocked(now):
		return Request{}, false
	case m == exhausted:
		if now.Before(r.probeAt) {
			return Request{}, false
		}
		if r.probeAt = now.Add(a.book.options.SettleEvery); !a.missed.Swap(false) {
			return Request{}, false
		}
	}
	return a.askLocked(now)
}

// askLocked makes a request, or repeats the one that was not answered.
func (a *Account) askLocked(now time.Time) (Request, bool) {
	r, left := &a.refill, int64(uint32(a.word.Load()))
	reports, outstanding := a.holdings.reports(left)
	if r.unanswered.ID == "" {
		r.adapt(now, a.book.options.MaxBlock)
		want := r.size - outstanding
		if want <= 0 {
			a.setLowLocked(left)
			a.asked.Store(false)
			return Request{}, false
		}
		r.unanswered = Request{Key: a.key, Want: want, ID: a.book.newID(), Node: a.book.options.Node}
		r.first = a.quota
	}
	r.unanswered.Quota, r.unanswered.Reports = a.quota, reports
	if err := r.unanswered.Check(); err != nil { // says nothing about the counter
		r.unanswered = Request{}
		a.failLocked(err)
		return Request{}, false
	}
	return r.unanswered, true
}

// adapt changes the size of a block by how long the last one has sufficed.
func (r *refill) adapt(now time.Time, most int64) {
	switch took := now.Sub(r.granted); {
	case r.granted.IsZero():
	case took < quick:
		r.size = min(2*r.size, most)
	case took > slow:
		r.size = max(1, r.size/2)
	}
}

func (a *Account) setLowLocked(left int64) {
	a.low.Store(uint32(left * int64(a.book.options.LowWater) / 100))
}

// applyLocked enters the answer to a request.
func (a *Account) applyLocked(q Request, l Lease, sent time.Time) {
	now, r := time.Now(), &a.refill
	first := r.first
	r.unanswered = Request{}
	a.sums.Refills++
	a.sums.Charged += a.holdings.reported(q.Reports)
	if l.Events == 0 {
		a.exhaustedLocked(q, l, now)
		return
	}
	a.sums.Granted += l.Events
	h := holding{id: l.ID, events: l.Events, until: sent.Add(l.Ends)}
	changed := !a.closed.IsZero() || a.quota.Window != first.Window || a.quota.Events < first.Events || a.quota.Events == Unlimited
	if changed || !now.Before(h.until) {
		a.holdings.over = append(a.holdings.over, h) // and the next step asks again
		return
	}
	if a.holdings.window != l.Window && a.holdings.window != "" {
		a.endTermLocked() // by the counter's clock, which counts
	}
	a.enterLocked(h, q, l, now)
}

// enterLocked adds a lease to what can be taken.
func (a *Account) enterLocked(h holding, q Request, l Lease, now time.Time) {
	r := &a.refill
	if len(a.holdings.open) == 0 {
		r.settleAt = now.Add(a.book.options.SettleEvery)
		r.touched, r.touchedAt = 0, now
	}
	a.holdings.window = l.Window
	if a.holdings.sliding = q.Quota.Window.Length() > 0; a.holdings.sliding {
		h.life = l.Ends
	}
	a.holdings.open = append(a.holdings.open, h)
	a.holdings.granted += h.events
	r.granted = now
	r.known, r.left, r.resetAt = true, l.Left, l.ResetAt
	left := uint32(a.word.Add(uint64(h.events)))
	a.setLowLocked(int64(left))
	a.mood.Store(uint32(hoping))
	a.asked.Store(false)
}

// exhaustedLocked enters that nothing is left.
func (a *Account) exhaustedLocked(q Request, l Lease, now time.Time) {
	if !a.closed.IsZero() || a.quota != q.Quota { // asked for what nobody wants to know any more
		a.book.submit(a)
		return
	}
	r := &a.refill
	r.known, r.left, r.resetAt = true, 0, l.ResetAt
	r.over = now.Add(l.Ends)
	r.probeAt = now.Add(a.book.options.SettleEvery)
	a.mood.Store(uint32(exhausted))
}

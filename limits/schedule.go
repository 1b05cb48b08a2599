package limits

import "time"

// schedule has the next step run when something is due, or lets the Book forget the account.
func (a *Account) schedule() {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := time.Now()
	if a.overLocked(now) {
		a.timer.Stop()
		a.book.finished(a)
		return
	}
	next := a.nextLocked(now)
	if next.IsZero() {
		a.timer.Stop()
		return
	}
	a.timer.Reset(next.Sub(now))
}

// tick is the timer. It ends what time has ended without waiting for the step that is under way,
// which may wait for the counter: no event of a window may be taken in the next one. That step may
// be long, so the timer is set for the end of the leases in any case.
func (a *Account) tick() {
	a.pass()
	a.mu.Lock()
	if until := a.holdings.until(); !until.IsZero() {
		a.timer.Reset(time.Until(until))
	}
	a.mu.Unlock()
	a.book.submit(a)
}

// overLocked reports whether the account is closed and nothing has to be returned, or not for ever.
func (a *Account) overLocked(now time.Time) bool {
	if a.closed.IsZero() {
		return false
	}
	if now.Sub(a.closed) > giveUp {
		for _, o := range a.holdings.over {
			a.sums.Charged += o.settled
			a.sums.Forfeited += o.events - o.settled
		}
		a.holdings.over = nil
	}
	return len(a.holdings.over) == 0
}

// nextLocked returns when something is due; zero: never.
func (a *Account) nextLocked(now time.Time) (next time.Time) {
	sooner := func(t time.Time) {
		if next.IsZero() || t.Before(next) {
			next = t
		}
	}
	r, m := &a.refill, mood(a.mood.Load())
	call := func(t time.Time) { // a call waits while the last one failed
		if r.failures > 0 && t.Before(r.retryAt) {
			t = r.retryAt
		}
		sooner(t)
	}
	if len(a.holdings.open) > 0 {
		sooner(a.holdings.until())
		call(r.settleAt)
	}
	if len(a.holdings.over) > 0 {
		call(now)
	}
	switch {
	case m == exhausted:
		sooner(r.over)
		call(r.probeAt)
	case r.failures > 0 && a.asked.Load() && m != unbounded && m != shut:
		call(r.retryAt)
	}
	return next
}

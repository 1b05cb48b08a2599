package limits

import (
	"context"
	"errors"
	"time"
)

// step does whatever is due. The Book runs one step of an account at a time.
func (a *Account) step(ctx context.Context) {
	a.pass()
	a.resume(false)
	news := a.settle(ctx) && a.giveBack(ctx) && a.lease(ctx)
	a.resume(news)
	a.schedule()
}

// pass ends what time has ended.
func (a *Account) pass() {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := time.Now()
	if until := a.holdings.until(); !until.IsZero() && !now.Before(until) {
		used := a.holdings.granted > int64(uint32(a.word.Load()))
		a.endTermLocked()
		if used && mood(a.mood.Load()) == hoping {
			a.asked.Store(true) // ahead of need, in the next window too
		}
	}
	if mood(a.mood.Load()) == exhausted && !now.Before(a.refill.over) {
		a.mood.Store(uint32(hoping))
		a.asked.Store(a.missed.Swap(false))
	}
}

// failLocked notes that the counter has not answered.
func (a *Account) failLocked(err error) {
	r := &a.refill
	r.failures++
	r.retryAt = time.Now().Add(backoff(r.failures))
	if !errors.Is(err, errAway) {
		a.sums.Failures++
	}
	if mood(a.mood.Load()) == hoping {
		a.mood.Store(uint32(a.awayMood()))
	}
}

// answeredLocked notes that it has.
func (a *Account) answeredLocked() {
	a.refill.failures = 0
	if m := mood(a.mood.Load()); m == stopped || m == going {
		a.mood.Store(uint32(hoping))
	}
}

// retry lets an account that waits after a failure try again now.
func (a *Account) retry() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.refill.failures > 0 {
		a.refill.retryAt = time.Time{}
		a.book.submit(a)
	}
}

// resume tells those who wait, if there are news or Take would not answer Pending.
func (a *Account) resume(news bool) {
	for w := range a.takeWaiters(news) {
		w.Resume()
	}
}

func (a *Account) takeWaiters(news bool) map[Waiter]struct{} {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.waiters) == 0 || !news && a.pending() {
		return nil
	}
	waiters := a.waiters
	a.waiters = make(map[Waiter]struct{})
	return waiters
}

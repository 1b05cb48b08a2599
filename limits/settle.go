package limits

import (
	"context"
	"errors"
	"time"
)

// settle tells the counter what is spent, at times. It reports false when that failed.
func (a *Account) settle(ctx context.Context) bool {
	for _, r := range a.settlements() {
		sent := time.Now()
		err := a.book.call(ctx, func(ctx context.Context) error {
			if r.Done {
				return a.book.counter.Return(ctx, a.key, r.ID, r.Spent)
			}
			return a.book.counter.Settle(ctx, a.key, r.ID, r.Spent)
		})
		if !a.settled(r, sent, err) {
			return false
		}
	}
	return true
}

// settlements returns what is to be told now.
func (a *Account) settlements() []Report {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := time.Now()
	if len(a.holdings.open) == 0 || now.Before(a.refill.settleAt) || a.refill.blocked(now) {
		return nil
	}
	left := int64(uint32(a.word.Load()))
	if spent := a.holdings.granted - left; spent != a.refill.touched {
		a.refill.touched, a.refill.touchedAt = spent, now
	} else if now.Sub(a.refill.touchedAt) >= slow { // others may need it
		a.refill.size = 1
		a.endTermLocked()
		return nil
	}
	a.refill.settleAt = now.Add(a.book.options.SettleEvery)
	list, _ := a.holdings.reports(left)
	return list
}

// settled notes the answer to a settlement.
func (a *Account) settled(r Report, sent time.Time, err error) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case errors.Is(err, ErrForfeited):
		a.endTermLocked() // what it still held is none of ours any more
	case err != nil:
		a.failLocked(err)
		return false
	default:
		a.sums.Charged += a.holdings.reported([]Report{r})
		a.holdings.prolong(r.ID, sent)
	}
	a.answeredLocked()
	return true
}

// giveBack returns the leases that are over. It reports false when that failed.
func (a *Account) giveBack(ctx context.Context) bool {
	for {
		o, ok := a.nextOver()
		if !ok {
			break
		}
		err := a.book.call(ctx, func(ctx context.Context) error {
			return a.book.counter.Return(ctx, a.key, o.id, o.spent)
		})
		if !a.gaveBack(o, err) {
			break
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.holdings.over) == 0
}

func (a *Account) nextOver() (holding, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if now := time.Now(); len(a.holdings.over) == 0 || a.refill.blocked(now) {
		return holding{}, false
	}
	return a.holdings.over[0], true
}

func (a *Account) gaveBack(o holding, err error) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case errors.Is(err, ErrForfeited):
		a.sums.Charged += o.settled
		a.sums.Forfeited += o.events - o.settled
	case err != nil:
		a.failLocked(err)
		return false
	default:
		a.sums.Charged += o.spent
		a.sums.Returned += o.events - o.spent
	}
	a.answeredLocked()
	a.holdings.over = a.holdings.over[1:] // only steps shorten it
	return true
}

package limits

import (
	"context"
	"errors"
	"time"
)

// submit has a step of a run soon. It does not wait. After Close it does nothing.
func (b *Book) submit(a *Account) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case a.seat.queued || b.stopped:
		return
	case a.seat.busy:
		a.seat.again = true
		return
	}
	a.seat.queued = true
	b.queue = append(b.queue, a)
	b.wake.Signal()
}

func (b *Book) work(ctx context.Context) {
	for {
		a := b.next()
		if a == nil {
			return
		}
		a.step(ctx)
		b.done(a)
	}
}

// next waits for an account that wants a step. It returns nil when the worker must end.
func (b *Book) next() *Account {
	b.mu.Lock()
	defer b.mu.Unlock()
	for len(b.queue) == 0 && !b.stopped {
		b.wake.Wait()
	}
	if b.stopped {
		return nil
	}
	a := b.queue[0]
	b.queue[0] = nil
	b.queue = b.queue[1:]
	a.seat.queued, a.seat.busy = false, true
	return a
}

func (b *Book) done(a *Account) {
	b.mu.Lock()
	again := a.seat.again
	a.seat.busy, a.seat.again = false, false
	b.mu.Unlock()
	if again {
		b.submit(a)
	}
}

// errAway is the answer of a call that was not made, because so many before it failed.
var errAway = errors.New("limits: the counter does not answer")

// call makes one call of the counter, unless that is left alone now.
func (b *Book) call(ctx context.Context, f func(ctx context.Context) error) error {
	if !b.health.admit(time.Now()) {
		return errAway
	}
	attempt, cancel := context.WithTimeout(ctx, b.options.Timeout)
	err := f(attempt)
	cancel()
	switch {
	case err == nil || errors.Is(err, ErrForfeited):
		if b.health.answered() {
			b.back()
		}
	case ctx.Err() != nil: // the Book stops, or who asked has left: that says nothing about the counter
		b.health.left()
	case b.health.failed(time.Now(), err):
		b.options.Log.Warn("the counter of quotas does not answer; what is leased is spent, then fallbacks decide", "error", err)
	}
	return err
}

// Health is nil while the counter answers, and its error once it has not answered three times in a row.
func (b *Book) Health() error { return b.health.err() }

// back lets everybody who waits after a failure try again.
func (b *Book) back() {
	b.options.Log.Info("the counter of quotas answers again", "overdraft", b.Stats().Overdraft)
	b.mu.Lock()
	all := b.allLocked()
	b.mu.Unlock()
	for _, a := range all {
		a.retry()
	}
}

package limits

import (
	"context"
	"errors"
)

// Check is nil while the counter answers. Once it has not, Check asks it whether it does now, no more
// often than the Book itself would, and returns the last error.
func (b *Book) Check(ctx context.Context) error {
	away := b.Health()
	if away == nil {
		return nil
	}
	err := b.call(ctx, func(ctx context.Context) error {
		_, err := b.counter.Usage(ctx, "is anybody there", Quota{Events: 1, Window: Day})
		return err
	})
	if errors.Is(err, errAway) { // it is not its turn
		return away
	}
	return err
}

// Usage tells how a quota is used, as Counter.Usage does, but that what this node holds of it and has not
// spent counts as left.
func (b *Book) Usage(ctx context.Context, key string, q Quota) (Usage, error) {
	var u Usage
	err := b.call(ctx, func(ctx context.Context) (err error) {
		u, err = b.counter.Usage(ctx, key, q)
		return err
	})
	if err != nil {
		return Usage{}, err
	}
	b.mu.Lock()
	a := b.accounts[key]
	b.mu.Unlock()
	if a != nil && u.Left != Unlimited {
		u.Left = min(u.Left+a.stats().Held, q.Events)
	}
	return u, nil
}

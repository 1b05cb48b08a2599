package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/sluice-gateway/sluice/analytics"
	"github.com/sluice-gateway/sluice/limits"
	"github.com/sluice-gateway/sluice/limits/memory"
	limitsredis "github.com/sluice-gateway/sluice/limits/redis"
	"github.com/sluice-gateway/sluice/operation"
)

// budgets are what consumers may have, and what must be closed for it.
type budgets struct {
	options operation.BudgetOptions
	rates   limits.SharedBuckets // nil: each node has its own
	counter io.Closer            // nil: the counter is in this process
}

func newBudgets(c *Config, backends *analytics.Backends, log *slog.Logger) (*budgets, error) {
	plans, err := c.plans()
	if err != nil {
		return nil, fmt.Errorf("plans: %w", err)
	}
	pepper, err := readPepper(c.KeysPepperFile)
	if err != nil {
		return nil, fmt.Errorf("keys-pepper-file: %w", err)
	}
	b := new(budgets)
	var counter limits.Counter = memory.New(memory.Options{Location: c.TimeZone.Location})
	if c.Redis != "" {
		shared, err := limitsredis.New(c.Redis, limitsredis.Options{Location: c.TimeZone.Location, Observe: backends.Of("budgets")})
		if err != nil {
			return nil, fmt.Errorf("budgets: %w", err)
		}
		counter, b.counter, b.rates = shared, shared, shared.Buckets()
	}
	b.options = operation.BudgetOptions{
		Book:   limits.NewBook(counter, limits.Options{Log: log}),
		Plans:  plans,
		Pepper: pepper,
	}
	return b, nil
}

// settleTime is how long a node takes at most to return what it has leased and not spent.
const settleTime = 3 * time.Second

// Close returns what is leased, when the gateway has been closed.
func (b *budgets) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), settleTime)
	defer cancel()
	err := b.options.Book.Close(ctx)
	if b.counter != nil {
		err = errors.Join(err, b.counter.Close())
	}
	return err
}

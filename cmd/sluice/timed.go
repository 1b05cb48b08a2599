package main

import (
	"context"
	"errors"
	"time"

	"github.com/sluice-gateway/sluice/analytics/ledger"
	"github.com/sluice-gateway/sluice/analytics/rollup"
)

// An observer is told of a call that has ended, see analytics.Backends.
type observer func(call string, took time.Duration, err error)

// A timedLedger is a store of usage whose batches are timed.
type timedLedger struct {
	ledger.Store
	observe observer
}

// Import implements ledger.Store.
func (s timedLedger) Import(ctx context.Context, b *ledger.Batch) (bool, error) {
	began := time.Now()
	added, err := s.Store.Import(ctx, b)
	s.observe("usage_write", time.Since(began), unlessLeft(ctx, err))
	return added, err
}

// A timedSums is a store of sums over time whose batches are timed.
type timedSums struct {
	rollup.Store
	observe observer
}

// Add implements rollup.Store.
func (s timedSums) Add(ctx context.Context, b *rollup.Batch) error {
	began := time.Now()
	err := s.Store.Add(ctx, b)
	s.observe("traffic_write", time.Since(began), unlessLeft(ctx, err))
	return err
}

// unlessLeft is the store's failure; whoever stops waiting for it is none.
func unlessLeft(ctx context.Context, err error) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return nil
	}
	return err
}

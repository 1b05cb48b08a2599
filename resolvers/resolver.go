// Package resolvers answers the fields of the storefront, a few lines each: read the arguments,
// call the store, map the result. It decides nothing about budgets, sharing or delivery.
package resolvers

import (
	"context"

	"github.com/sluice-gateway/sluice/analytics/ledger"
	"github.com/sluice-gateway/sluice/analytics/ledger/billing"
	"github.com/sluice-gateway/sluice/analytics/rollup"
	"github.com/sluice-gateway/sluice/auth/keys"
	"github.com/sluice-gateway/sluice/pubsub"
	"github.com/sluice-gateway/sluice/store"
)

// A Resolver has what the fields need. What is not said to be optional is required; it closes nothing.
type Resolver struct {
	Store  *store.Store
	Broker pubsub.Broker
	Keys   *keys.Manager
	// Budgets and Fleet are of the gateway that serves the fields: they are set once there is one.
	Budgets Budgets
	Fleet   Fleet
	// Ended is told of each operation that an operator has ended, or tried to; nil: nobody is.
	Ended func(ctx context.Context, id, reason string, err error)
	// Usage and Prices are what is billed; nil: usage is not kept.
	Usage  ledger.Reader
	Prices billing.Prices
	// Rollups are what operations have had over time; nil: it is not kept.
	Rollups rollup.Reader

	turns turns
}

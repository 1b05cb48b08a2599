// Package resolvers answers the fields of the storefront, a few lines each: read the arguments,
// call the store, map the result. It decides nothing about budgets, sharing or delivery.
package resolvers

import (
	"github.com/sluice-gateway/sluice/auth/keys"
	"github.com/sluice-gateway/sluice/pubsub"
	"github.com/sluice-gateway/sluice/store"
)

// A Resolver has what the fields need. All of it is required; it closes nothing.
type Resolver struct {
	Store  *store.Store
	Broker pubsub.Broker
	Keys   *keys.Manager
	// Budgets is the gateway that serves the fields: it is set once there is one.
	Budgets Budgets
}

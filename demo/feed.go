// Package demo keeps a storefront busy, so that somebody who subscribes sees something happen.
//
// It changes prices and stock through the API's own mutations, as a client would: what they do
// and whom they tell is decided where it always is. It starts no goroutine.
package demo

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/sluice-gateway/sluice/store"
)

// DefaultInterval is the time between two changes if nobody says.
const DefaultInterval = 250 * time.Millisecond

// A Feed invents what happens in a shop. Its fields are set before Run and not changed after.
type Feed struct {
	// Products are the ones to change, the first ones more often. Prices wander around the prices
	// given here, so give store.Seed() rather than what the last run has left.
	Products []store.Product
	Interval time.Duration // between two changes; 0 means DefaultInterval
	Seed     uint64        // the same seed invents the same things
	Logger   *slog.Logger  // for mutations that fail; nil means slog.Default()
}

// The mutations. Texts never change, so that the gateway parses each once.
const (
	changePrice = `mutation DemoPrice($id: ID!, $price: Decimal!) {
	changePrice(productId: $id, price: $price) { revision }
}`
	restock = `mutation DemoRestock($id: ID!, $quantity: Int!) {
	restock(productId: $id, quantity: $quantity) { revision }
}`
	placeOrder = `mutation DemoOrder($lines: [OrderLineInput!]!) {
	placeOrder(lines: $lines) { id }
}`
)

// Run changes something every Interval until ctx ends, and then returns. do executes one mutation,
// as a viewer with a subject: orders need a customer. An error of do is logged and changes nothing
// else; a shop does not close because one order failed.
func (f Feed) Run(ctx context.Context, do func(ctx context.Context, query string, variables map[string]any) error) {
	f = f.withDefaults()
	if len(f.Products) == 0 {
		<-ctx.Done()
		return
	}
	shop := newShop(f.Products, f.randomness())
	tick := time.NewTicker(f.Interval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		change := shop.next()
		err := do(ctx, change.query, change.variables)
		if err != nil && ctx.Err() == nil {
			f.Logger.WarnContext(ctx, "demo: a mutation failed", "product", change.product.id, "error", err)
		}
		change.done(err)
	}
}

func (f Feed) withDefaults() Feed {
	if f.Interval == 0 {
		f.Interval = DefaultInterval
	}
	if f.Logger == nil {
		f.Logger = slog.Default()
	}
	return f
}

func (f Feed) randomness() *rand.Rand { return rand.New(rand.NewPCG(f.Seed, 0)) }

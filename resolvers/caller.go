package resolvers

import (
	"context"

	"github.com/sluice-gateway/sluice/auth"
	"github.com/sluice-gateway/sluice/store"
)

// ordersWrite is the scope of those who handle everybody's orders.
const ordersWrite = "orders:write"

// customer is the end user for whom the field runs, and in whose name orders are placed and read.
func customer(ctx context.Context) (string, error) {
	viewer, err := auth.ViewerFrom(ctx)
	if err != nil {
		return "", err
	}
	if viewer.Subject == "" {
		return "", coded("UNAUTHENTICATED", "Orders belong to somebody: sign in first.", nil)
	}
	return viewer.Subject, nil
}

// checkAdvance lets the order's customer and those with ordersWrite move an order. To everybody
// else the order does not exist, so that nobody learns which ids do.
func checkAdvance(ctx context.Context, order *store.Order, id string) error {
	viewer, err := auth.ViewerFrom(ctx)
	if err != nil {
		return err
	}
	if viewer.IsAnonymous() {
		return coded("UNAUTHENTICATED", "Orders belong to somebody: sign in first.", nil)
	}
	if order != nil && (viewer.Has(ordersWrite) || order.Customer == viewer.Subject) {
		return nil
	}
	return clientError(store.NoOrder(id))
}

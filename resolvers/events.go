package resolvers

import (
	"context"
	"encoding/json"
	"log/slog"

	"github.com/sluice-gateway/sluice/graph/model"
	"github.com/sluice-gateway/sluice/pubsub"
	"github.com/sluice-gateway/sluice/store"
)

// maxNote is how many characters a note may have: it travels with the event to every subscriber.
const maxNote = 280

// eventProduct is the product of an event: the one it carries, or else the one with its id.
func (r *Resolver) eventProduct(ctx context.Context, carried model.CarriedProduct, id *string) (*store.Product, error) {
	if carried.Product != nil || id == nil {
		return carried.Product, nil // none of both: the executor complains
	}
	return r.Store.Product(ctx, *id)
}

// publishStock tells the subscribers of every product what an order took. The order stands by
// now: an error here is logged and not the caller's, who would order again.
func (r *Resolver) publishStock(ctx context.Context, taken []store.Restocked) {
	for i := range taken {
		change := model.NewStockChange(&taken[i])
		payload, err := json.Marshal(change)
		if err == nil {
			// The caller may be gone by now, and the stock has changed all the same.
			err = r.Broker.Publish(context.WithoutCancel(ctx), "stock."+pubsub.Escape(*change.ProductID), payload)
		}
		if err != nil {
			slog.ErrorContext(ctx, "stock change not published", "product", *change.ProductID, "error", err)
		}
	}
}

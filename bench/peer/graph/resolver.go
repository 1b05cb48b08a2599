package graph

import (
	"context"
	"encoding/json"
	"errors"
	"log"

	"github.com/sluice-gateway/sluice/bench/peer/hub"
)

// Resolver answers the schema from events on the hub.
type Resolver struct{ Hub *hub.Hub }

// PriceChange gives the resolver of PriceChange's fields.
func (r *Resolver) PriceChange() PriceChangeResolver { return &priceChangeResolver{} }

// Query gives the resolver of the queries.
func (r *Resolver) Query() QueryResolver { return &queryResolver{} }

// Subscription gives the resolver of the subscriptions.
func (r *Resolver) Subscription() SubscriptionResolver { return &subscriptionResolver{r.Hub} }

type (
	priceChangeResolver  struct{}
	queryResolver        struct{}
	subscriptionResolver struct{ hub *hub.Hub }
)

func (*priceChangeResolver) Product(_ context.Context, change *PriceChange) (*Product, error) {
	return &Product{ID: change.ProductID, Name: "Product " + change.ProductID}, nil
}

func (*queryResolver) Product(_ context.Context, id string) (*Product, error) {
	return &Product{ID: id, Name: "Product " + id}, nil
}

func (r *subscriptionResolver) PriceChanged(ctx context.Context, productIds []string) (<-chan *PriceChange, error) {
	if len(productIds) == 0 {
		return nil, errors.New("productIds: at least one is needed")
	}
	topics := make([]string, len(productIds))
	for i, id := range productIds {
		topics[i] = "price." + id
	}
	payloads, stop, err := r.hub.Subscribe(ctx, topics...)
	if err != nil {
		return nil, err
	}
	changes := make(chan *PriceChange, 1)
	go func() {
		defer close(changes)
		defer stop()
		for {
			select {
			case <-ctx.Done():
				return
			case payload := <-payloads:
				change := new(PriceChange)
				if err := json.Unmarshal([]byte(payload), change); err != nil {
					log.Printf("price change: %v", err)
					continue
				}
				select {
				case changes <- change:
				case <-ctx.Done():
					return
				}
			}
		}
	}()
	return changes, nil
}

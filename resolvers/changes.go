package resolvers

import (
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"time"

	"github.com/sluice-gateway/sluice/graph/model"
	"github.com/sluice-gateway/sluice/pubsub"
	"github.com/sluice-gateway/sluice/store"
	"github.com/sluice-gateway/sluice/store/replication"
)

// Changes tell subscribers and live queries what somebody has changed in the database. All fields are
// required. It implements replication.Handler.
type Changes struct {
	Broker pubsub.Broker
	// Invalidate has live queries run again, on every node.
	Invalidate func(ctx context.Context, keys ...string) error
}

var _ replication.Handler = (*Changes)(nil)

// everything is the key of whatever there is.
const everything = "*"

// Handle publishes events and invalidates what has none. It fails when the broker cannot be reached: then
// an event may be told again. What no subscriber could ever receive is logged and passed over.
func (c *Changes) Handle(ctx context.Context, changes []replication.Change) (told int, err error) {
	// Keys first: they may be told again, the events had better not.
	if err := c.invalidate(ctx, changes); err != nil {
		return 0, err
	}
	for i, change := range changes {
		if err := c.publish(ctx, change); err != nil {
			return i, err
		}
	}
	return len(changes), nil
}

func (c *Changes) invalidate(ctx context.Context, changes []replication.Change) error {
	var keys []string
	for _, change := range changes {
		keys = append(keys, changedKeys(change)...)
	}
	slices.Sort(keys)
	keys = slices.Compact(keys)
	if len(keys) == 0 {
		return nil
	}
	return c.Invalidate(ctx, keys...)
}

// changedKeys are what a change makes untrue, besides what the events of it say themselves: those
// invalidate by the schema.
func changedKeys(c replication.Change) []string {
	switch {
	case c.Everything:
		return []string{everything}
	case c.Product.Changed():
		return productKeys(c.Product)
	case c.Order.Changed():
		return orderKeys(c.Order)
	}
	return lineKeys(c.Line)
}

func productKeys(p replication.Pair[store.Product]) []string {
	if sameProduct(p) && (*p.Before == *p.After || repriced(p) || restocked(p)) {
		return nil
	}
	return append(names("Product", p, func(p *store.Product) string { return p.ID }), "Product")
}

func orderKeys(o replication.Pair[store.Order]) []string {
	of := func(o *store.Order) string { return o.ID }
	if o.Before == nil || o.After == nil || o.Before.ID != o.After.ID || o.Before.Customer != o.After.Customer {
		return append(names("Order", o, of), "Order")
	}
	return names("Order", o, of)
}

// lineKeys: a line that comes or goes may bring its order along, for none is shown without lines.
func lineKeys(l replication.Pair[replication.Line]) []string {
	of := func(l *replication.Line) string { return l.OrderID }
	if l.Before == nil || l.After == nil || l.Before.OrderID != l.After.OrderID {
		return append(names("Order", l, of), "Order")
	}
	return names("Order", l, of)
}

// names are the keys of a row before and after.
func names[T any](kind string, p replication.Pair[T], id func(*T) string) (keys []string) {
	for _, row := range []*T{p.Before, p.After} {
		if row != nil {
			keys = append(keys, kind+":"+id(row))
		}
	}
	return keys
}

func repriced(p replication.Pair[store.Product]) bool {
	return sameProduct(p) && p.Before.Price != p.After.Price
}

func restocked(p replication.Pair[store.Product]) bool {
	return sameProduct(p) && p.Before.Stock != p.After.Stock
}

// sameProduct reports whether a product is neither new nor gone, nor has become another one.
func sameProduct(p replication.Pair[store.Product]) bool {
	return p.Before != nil && p.After != nil && p.Before.ID == p.After.ID
}

// advanced reports whether an order has a new status, one that its customer can be told.
func advanced(o replication.Pair[store.Order]) bool {
	return o.Before != nil && o.After != nil && o.Before.ID == o.After.ID &&
		o.Before.Status != o.After.Status && o.After.Status.Known()
}

// publish publishes the events of a change.
func (c *Changes) publish(ctx context.Context, change replication.Change) error {
	if p := change.Product; repriced(p) {
		event := model.NewPriceChange(&store.Repriced{Product: *p.After, Previous: p.Before.Price}, nil)
		event.ChangedAt = changedAt(p.Before.UpdatedAt, p.After.UpdatedAt, change.At)
		if err := c.send(ctx, "price", p.After.ID, event); err != nil {
			return err
		}
	}
	if p := change.Product; restocked(p) {
		event := model.NewStockChange(&store.Restocked{Product: *p.After, Previous: p.Before.Stock})
		event.ChangedAt = changedAt(p.Before.UpdatedAt, p.After.UpdatedAt, change.At)
		if err := c.send(ctx, "stock", p.After.ID, event); err != nil {
			return err
		}
	}
	if o := change.Order; advanced(o) {
		event := model.NewOrderStatusChange(&store.Advanced{Order: *o.After, Previous: o.Before.Status})
		event.ChangedAt = changedAt(o.Before.UpdatedAt, o.After.UpdatedAt, change.At)
		return c.send(ctx, "order", o.After.Customer, event)
	}
	return nil
}

// changedAt is the time of an update, or that of its commit where whoever wrote it has left the time as
// it was.
func changedAt(before, after, committed time.Time) *time.Time {
	if after.Equal(before) {
		after = committed.Truncate(time.Millisecond)
	}
	return &after
}

// send publishes one event. Its error is the broker's, which may be well again later.
func (c *Changes) send(ctx context.Context, topic, id string, event any) error {
	name := topic + "." + pubsub.Escape(id)
	payload, err := json.Marshal(event)
	if err == nil {
		err = pubsub.ValidName(name)
	}
	if err != nil {
		slog.ErrorContext(ctx, "a change of the database has no event", "topic", topic, "id", id, "error", err)
		return nil
	}
	return c.Broker.Publish(ctx, name, payload)
}

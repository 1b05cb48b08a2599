package resolvers_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/graph/model"
	"github.com/sluice-gateway/sluice/pubsub"
	"github.com/sluice-gateway/sluice/pubsub/memory"
	"github.com/sluice-gateway/sluice/resolvers"
	"github.com/sluice-gateway/sluice/store"
	"github.com/sluice-gateway/sluice/store/replication"
)

var (
	earlier   = time.Date(2026, time.November, 21, 10, 0, 0, 0, time.UTC)
	committed = time.Date(2026, time.November, 21, 11, 0, 0, 123_456_000, time.UTC)
)

// edit is a change of a row: what it was, and what edits make of it.
func edit[T any](row T, edits ...func(*T)) replication.Pair[T] {
	after := row
	for _, e := range edits {
		e(&after)
	}
	return replication.Pair[T]{Before: &row, After: &after}
}

var (
	teapot = store.Product{ID: "7", Name: "Teapot", Price: 1250, Currency: "EUR", Stock: 5, Revision: 3, UpdatedAt: earlier}
	annes  = store.Order{ID: "A", Customer: "ann a", Status: store.OrderPlaced, UpdatedAt: earlier}
	pots   = replication.Line{OrderID: "A", OrderLine: store.OrderLine{ProductID: "7", Quantity: 1}}
)

func TestChangesBecomeEventsAndKeys(t *testing.T) {
	product := func(edits ...func(*store.Product)) replication.Change {
		return replication.Change{Product: edit(teapot, edits...), At: committed}
	}
	order := func(edits ...func(*store.Order)) replication.Change {
		return replication.Change{Order: edit(annes, edits...), At: committed}
	}
	cheaper := func(p *store.Product) { p.Price = 990 }
	sold := func(p *store.Product) { p.Stock = 4 }
	for _, c := range []struct {
		name   string
		change replication.Change
		events []string
		keys   string
	}{
		{
			"a price that raises no revision", product(cheaper),
			[]string{`price.7 {"productId":"7","price":"9.90","previousPrice":"12.50","currency":"EUR","revision":3,"changedAt":"2026-11-21T11:00:00.123Z"}`},
			"",
		},
		{
			"a stock, at the time that its writer says", product(sold, func(p *store.Product) { p.Revision, p.UpdatedAt = 4, earlier.Add(time.Minute) }),
			[]string{`stock.7 {"productId":"7","stock":4,"previousStock":5,"revision":4,"changedAt":"2026-11-21T10:01:00Z"}`},
			"",
		},
		{"both", product(cheaper, sold), []string{"price.7 ", "stock.7 "}, ""},
		{"a name", product(func(p *store.Product) { p.Name = "Pot" }), nil, "Product Product:7"},
		{"nothing at all", product(), nil, ""},
		{"a new product", replication.Change{Product: replication.Pair[store.Product]{After: &teapot}}, nil, "Product Product:7"},
		{"a product that is gone", replication.Change{Product: replication.Pair[store.Product]{Before: &teapot}}, nil, "Product Product:7"},
		{"a product with a new id and price", product(cheaper, func(p *store.Product) { p.ID = "8" }), nil, "Product Product:7 Product:8"},
		{
			"a status", order(func(o *store.Order) { o.Status = store.OrderPacked }),
			[]string{`order.ann%20a {"orderId":"A","customer":"ann a","status":"PACKED","previousStatus":"PLACED","changedAt":"2026-11-21T11:00:00.123Z"}`},
			"Order:A",
		},
		{"a status that somebody has made up", order(func(o *store.Order) { o.Status = "EATEN" }), nil, "Order:A"},
		{"an order of another customer now", order(func(o *store.Order) { o.Customer = "bob" }), nil, "Order Order:A"},
		{"a customer whose name no topic can have", order(func(o *store.Order) { o.Customer, o.Status = strings.Repeat("ä", 100), store.OrderPacked }), nil, "Order Order:A"},
		{"a new order", replication.Change{Order: replication.Pair[store.Order]{After: &annes}}, nil, "Order Order:A"},
		{"a new line", replication.Change{Line: replication.Pair[replication.Line]{After: &pots}}, nil, "Order Order:A"},
		{"another quantity", replication.Change{Line: edit(pots, func(l *replication.Line) { l.Quantity = 2 })}, nil, "Order:A"},
		{"everything", replication.Change{Everything: true}, nil, "*"},
	} {
		t.Run(c.name, func(t *testing.T) {
			broker, keys := &recorder{Broker: memory.New()}, []string{}
			changes := resolvers.Changes{Broker: broker, Invalidate: func(_ context.Context, all ...string) error {
				keys = append(keys, all...)
				return nil
			}}
			if told, err := changes.Handle(t.Context(), []replication.Change{c.change}); told != 1 || err != nil {
				t.Fatalf("told %d: %v", told, err)
			}
			if got := strings.Join(keys, " "); got != c.keys {
				t.Errorf("the keys are %q, want %q", got, c.keys)
			}
			if len(broker.published) != len(c.events) {
				t.Fatalf("published were %d events, want %d", len(broker.published), len(c.events))
			}
			for i := range broker.published {
				event := &broker.published[i]
				if got := event.Topic + " " + string(event.Payload); !strings.HasPrefix(got, c.events[i]) {
					t.Errorf("published was\n%s, want\n%s", got, c.events[i])
				}
			}
		})
	}
}

func TestAnEventOfAChangeCanBeDecoded(t *testing.T) {
	broker := &recorder{Broker: memory.New()}
	changes := resolvers.Changes{Broker: broker}
	change := replication.Change{Product: edit(teapot, func(p *store.Product) { p.Price = 990 }), At: committed}
	if _, err := changes.Handle(t.Context(), []replication.Change{change}); err != nil {
		t.Fatal(err)
	}
	if event, err := model.DecodePriceChange(broker.published[0].Payload); err != nil || *event.PreviousPrice != 1250 {
		t.Errorf("%+v (%v)", event, err)
	}
}

func TestChangesThatCannotBeToldAreKept(t *testing.T) {
	renamed := replication.Change{Product: edit(teapot, func(p *store.Product) { p.Name = "Pot" })}
	cheaper := replication.Change{Product: edit(teapot, func(p *store.Product) { p.Price = 990 })}
	broker := &recorder{Broker: memory.New()}
	var failing error
	var keys []string
	changes := resolvers.Changes{Broker: broker, Invalidate: func(_ context.Context, all ...string) error {
		keys = append(keys, all...)
		return failing
	}}
	handle := func(wantTold int, wantErr error, all ...replication.Change) {
		t.Helper()
		if told, err := changes.Handle(t.Context(), all); told != wantTold || !errors.Is(err, wantErr) {
			t.Errorf("told were %d (%v), want %d (%v)", told, err, wantTold, wantErr)
		}
	}
	broker.err = pubsub.ErrUnavailable
	handle(1, pubsub.ErrUnavailable, renamed, cheaper, renamed)
	broker.err, failing = nil, pubsub.ErrUnavailable
	broker.published = nil
	handle(0, pubsub.ErrUnavailable, cheaper, renamed)
	if len(broker.published) > 0 {
		t.Error("an event was published that will be told again")
	}
	failing, keys = nil, nil
	handle(2, nil, renamed, renamed)
	if !slices.Equal(keys, []string{"Product", "Product:7"}) {
		t.Errorf("the keys are %q", keys)
	}
}

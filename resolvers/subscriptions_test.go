package resolvers_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/sluice-gateway/sluice/pubsub"
)

// watch starts a subscription and returns how to push an event into it and read the response.
func (s *shop) watch(t testing.TB, query string) func(payload string) *graphql.Response {
	t.Helper()
	ctx, feed := pubsub.WithFeed(t.Context())
	ctx, cancel := context.WithCancel(ctx)
	t.Cleanup(cancel)
	next, ctx := s.start(ctx, t, query, "")
	return func(payload string) *graphql.Response {
		if !feed.Bound() {
			t.Fatalf("no feed after %s", query)
		}
		if err := feed.Push(&pubsub.Event{Topic: "test", Payload: []byte(payload)}); err != nil {
			t.Fatal(err)
		}
		return next(ctx)
	}
}

func TestSubscriptionsMapEvents(t *testing.T) {
	s := newShop(t)
	for _, c := range []struct{ name, query, payload, want string }{
		{
			"a new price",
			`subscription { priceChanged(productIds: ["7"]) { productId price note } }`,
			`{"productId":"7","price":12.5,"revision":2}`,
			`{"priceChanged":{"productId":"7","price":"12.50","note":null}}`,
		},
		{
			"a product that the event does not carry is looked up",
			`subscription { stockChanged(productId: "7") { stock product { id revision } } }`,
			`{"productId":"7","stock":3}`,
			`{"stockChanged":{"stock":3,"product":{"id":"7","revision":1}}}`,
		},
		{
			"a product that the event carries is shown as it comes",
			`subscription { stockChanged(productId: "7") { product { id revision updatedAt } } }`,
			`{"productId":"7","product":{"id":"7","name":"N","description":"D","category":"C","price":1,"currency":"EUR","stock":3,"revision":9,"updatedAt":"2026-11-21T12:48:00+02:00"}}`,
			`{"stockChanged":{"product":{"id":"7","revision":9,"updatedAt":"2026-11-21T10:48:00Z"}}}`,
		},
		{
			"a new status",
			`subscription { orderStatusChanged { orderId status previousStatus } }`,
			`{"orderId":"A","status":"PACKED"}`,
			`{"orderStatusChanged":{"orderId":"A","status":"PACKED","previousStatus":null}}`,
		},
	} {
		t.Run(c.name, func(t *testing.T) { expect(t, s.watch(t, c.query)(c.payload), c.want) })
	}
}

// gqlgen's words for a null where the schema has an exclamation mark.
const nullRefused = "null which the schema does not allow"

func TestAFieldMissingInAnEventIsAnErrorWhereItIsSelected(t *testing.T) {
	s := newShop(t)
	for _, field := range []string{"price", "currency", "revision", "changedAt", "product { id }", "productId"} {
		t.Run(field, func(t *testing.T) {
			r := s.watch(t, `subscription { priceChanged { `+field+` } }`)(`{}`)
			if len(r.Errors) != 1 || !strings.Contains(r.Errors[0].Message, nullRefused) {
				t.Errorf("the errors are %v, want one that says: %s", r.Errors, nullRefused)
			}
		})
	}
}

func TestASubscriptionWithoutAFeedIsRefused(t *testing.T) {
	next, ctx := newShop(t).start(t.Context(), t, `subscription { priceChanged { price } }`, "")
	if r := next(ctx); len(r.Errors) != 1 || !errors.Is(r.Errors[0], pubsub.ErrNoFeed) {
		t.Errorf("the errors are %v, want %v", r.Errors, pubsub.ErrNoFeed)
	}
}

// One event without a look-up: no goroutine, no read of the store.
func BenchmarkPriceChanged(b *testing.B) {
	push := newShop(b).watch(b, `subscription { priceChanged { productId price currency revision } }`)
	b.ReportAllocs()
	for b.Loop() {
		push(`{"productId":"7","price":"12.50","currency":"EUR","revision":2,"changedAt":"2026-11-21T10:48:00Z"}`)
	}
}

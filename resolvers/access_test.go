package resolvers_test

import (
	"errors"
	"testing"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/sluice-gateway/sluice/auth"
	"github.com/sluice-gateway/sluice/gateway"
	"github.com/sluice-gateway/sluice/graph"
	"github.com/sluice-gateway/sluice/operation"
	"github.com/sluice-gateway/sluice/resolvers"
)

// What the directives of the storefront's schema let whom do.
func TestWhoMayUseTheShop(t *testing.T) {
	s := newShop(t)
	order := s.place(t, ada)
	schema := graph.NewExecutableSchema(graph.Config{Resolvers: &resolvers.Resolver{Store: s.store, Broker: s.broker}})
	g, err := gateway.New(schema, gateway.Options{Broker: s.broker})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = g.Close(t.Context(), 0) })

	clerk := &auth.Viewer{Consumer: "clerk", Scopes: []string{"catalog:write"}}
	const nobody, yes, no = "UNAUTHENTICATED", "", "FORBIDDEN"
	viewers := []*auth.Viewer{auth.Anonymous, ada, clerk, warehouse, support}
	for query, want := range map[string][5]string{
		`{ product(id: "1") { id price stock } }`:                      {yes, yes, yes, yes, yes},
		`{ products { totalCount } }`:                                  {yes, yes, yes, yes, yes},
		`mutation { changePrice(productId: "1", price: 2) { price } }`: {nobody, no, yes, no, no},
		`mutation { restock(productId: "1", quantity: 9) { stock } }`:  {nobody, no, yes, no, no},
		`mutation { advanceOrder(id: "` + order + `") { status } }`:    {nobody, no, no, yes, no},
		placeOrder:                              {nobody, yes, no, no, no},
		`{ order(id: "` + order + `") { id } }`: {nobody, yes, no, no, yes},
		`{ orders { id } }`:                     {nobody, yes, no, no, no},
		`{ orders(customer: "ada") { id } }`:    {nobody, yes, no, no, yes},
		`{ orders(customer: "bob") { id } }`:    {nobody, no, no, no, yes},
	} {
		for i, viewer := range viewers {
			_, err := g.Do(t.Context(), operation.Request{Viewer: viewer, Query: query})
			if got := codeOf(err); got != want[i] {
				t.Errorf("%s by %q: %q, want %q (%v)", query, viewer.Consumer, got, want[i], err)
			}
		}
	}
}

func codeOf(err error) string {
	var errs gqlerror.List
	if !errors.As(err, &errs) {
		return ""
	}
	return operation.Code(errs)
}

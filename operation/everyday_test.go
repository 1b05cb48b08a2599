package operation_test

import (
	"encoding/json"
	"testing"

	"github.com/sluice-gateway/sluice/auth"
	"github.com/sluice-gateway/sluice/graph"
	"github.com/sluice-gateway/sluice/internal/work"
	"github.com/sluice-gateway/sluice/operation"
	"github.com/sluice-gateway/sluice/pubsub/memory"
)

// introspection is the query by which GraphiQL and code generators read a schema: that of graphql-js,
// with everything that can be asked for.
const introspection = `query IntrospectionQuery {
  __schema {
    description
    queryType { name kind }
    mutationType { name kind }
    subscriptionType { name kind }
    types { ...FullType }
    directives {
      name
      description
      isRepeatable
      locations
      args(includeDeprecated: true) { ...InputValue }
    }
  }
}
fragment FullType on __Type {
  kind
  name
  description
  specifiedByURL
  isOneOf
  fields(includeDeprecated: true) {
    name
    description
    args(includeDeprecated: true) { ...InputValue }
    type { ...TypeRef }
    isDeprecated
    deprecationReason
  }
  inputFields(includeDeprecated: true) { ...InputValue }
  interfaces { ...TypeRef }
  enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason }
  possibleTypes { ...TypeRef }
}
fragment InputValue on __InputValue {
  name
  description
  type { ...TypeRef }
  defaultValue
  isDeprecated
  deprecationReason
}
fragment TypeRef on __Type {
  kind
  name
  ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name
    ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } } } } } }
}`

// What people ask a storefront for passes under the default limits.
func TestEverydayOperationsPass(t *testing.T) {
	broker, pool := memory.New(), work.NewPool()
	defer func() { pool.Close(); _ = broker.Close() }()
	engine, err := operation.New(graph.NewExecutableSchema(graph.Config{}), broker, pool, operation.Options{Introspection: true})
	if err != nil {
		t.Fatal(err)
	}
	defer engine.Close()
	everybody := &auth.Viewer{Consumer: "web", Subject: "ann", Scopes: []string{"admin", "catalog:write", "orders:read", "orders:write"}}
	for _, tt := range []struct {
		name, query, variables string
		cost                   int64
	}{
		{"introspection by tools", introspection, ``, 1},
		{"one type", `{ __type(name: "Product") { name fields { name type { name ofType { name } } } } }`, ``, 1},
		{"a product", `query Product($id: ID!) { product(id: $id) { __typename id name price } }`, `{"id":"1"}`, 1},
		{"a page of products", `query ($after: String) { products(first: 20, after: $after) { totalCount pageInfo { hasNextPage endCursor } edges { cursor node { id name description category price currency stock updatedAt } } } }`, ``, 5 + 10 + 1 + 1 + 20},
		{"the largest page", `{ products(first: 100, orderBy: {field: PRICE}, filter: {text: "bag", inStock: true}) { edges { node { id price } } nodes { id } } }`, ``, 5 + 1 + 100 + 1},
		{"a page of a size that is a variable", `query ($n: Int = 50) { products(first: $n) { edges { node { id } } } }`, `{"n":30}`, 5 + 1 + 30},
		{"a page backwards, as Relay asks for it", `query ($n: Int!, $before: String) { products(last: $n, before: $before) { edges { node { ...card } cursor } pageInfo { hasPreviousPage startCursor } } } fragment card on Product { __typename id name price }`, `{"n":10,"before":"x"}`, 5 + 1 + 20 + 1},
		{"orders with their lines and products", `{ orders { id status total lines { quantity price product { id name } } } }`, ``, 5 + 20*(1+20)},
		{"one order", `query ($id: ID!) { order(id: $id) { lines { product { name } } } }`, `{"id":"1"}`, 1 + 1 + 20},
		{"a page of a shop, all at once", `{ bags: products(filter: {category: "Bags"}) { nodes { ...c } } kitchen: products(filter: {category: "Kitchen"}) { nodes { ...c } } new: products(orderBy: {field: UPDATED, direction: DESC}, first: 5) { nodes { ...c } } } fragment c on Product { id title: name price }`, ``, 3 * 6},
		{"a price is changed", `mutation ChangePrice($id: ID!, $price: Decimal!, $note: String) { changePrice(productId: $id, price: $price, note: $note) { price revision note product { id price } } }`, `{"id":"1","price":"4.00"}`, 11},
		{"an order is placed", `mutation ($lines: [OrderLineInput!]!) { placeOrder(lines: $lines) { id total lines { price product { id stock } } } }`, `{"lines":[{"productId":"1","quantity":1},{"productId":"2","quantity":3}]}`, 10 + 1 + 20},
		{"several mutations", `mutation { a: restock(productId: "1", quantity: 5) { revision } b: restock(productId: "2", quantity: 5) { revision } }`, ``, 20},
		{"prices as they change", `subscription PriceChanged($ids: [ID!]) { priceChanged(productIds: $ids) { productId price note product { id name } } }`, `{"ids":["1","2"]}`, 2},
		{"orders as they change", `subscription { orderStatusChanged { orderId status order { id lines { product { name } } } } }`, ``, 1 + 1 + 1 + 20},
		{"stock as it changes", `subscription { stockChanged(productId: "1") { stock previousStock changedAt } }`, ``, 1},
		{"keys", `{ apiKeys(first: 100) { id name scopes origins createdAt } }`, ``, 1},
		{"a key is made", `mutation CreateApiKey($input: CreateApiKeyInput!) { createApiKey(input: $input) { key apiKey { id } } }`, `{"input":{"name":"x","consumer":"web","scopes":["a","b"]}}`, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			req := operation.Request{Viewer: everybody, Query: tt.query}
			if tt.variables != "" {
				if err := json.Unmarshal([]byte(tt.variables), &req.Variables); err != nil {
					t.Fatal(err)
				}
			}
			op, errs := engine.Prepare(t.Context(), req)
			if errs != nil {
				t.Fatal(errs)
			}
			if op.Cost() != tt.cost {
				t.Errorf("it costs %d, want %d", op.Cost(), tt.cost)
			}
		})
	}
}

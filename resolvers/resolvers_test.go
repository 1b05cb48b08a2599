package resolvers_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/sluice-gateway/sluice/auth"
	"github.com/sluice-gateway/sluice/graph"
	"github.com/sluice-gateway/sluice/pubsub"
	"github.com/sluice-gateway/sluice/pubsub/memory"
	"github.com/sluice-gateway/sluice/resolvers"
	"github.com/sluice-gateway/sluice/store"
)

// A shop is the API on a store in memory, without a gateway around it.
type shop struct {
	exec   *executor.Executor
	store  *store.Store
	broker *recorder
}

func newShop(t testing.TB) *shop {
	t.Helper()
	s, err := store.Open(t.Context(), store.Memory)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	broker := &recorder{Broker: memory.New()}
	t.Cleanup(func() { _ = broker.Close() })
	schema := graph.NewExecutableSchema(graph.Config{Resolvers: &resolvers.Resolver{Store: s, Broker: broker}})
	return &shop{executor.New(schema), s, broker}
}

// A recorder is a broker that keeps what is published.
type recorder struct {
	pubsub.Broker
	mu        sync.Mutex // guards published
	published []pubsub.Event
	err       error
}

func (r *recorder) Publish(_ context.Context, topic string, payload []byte) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.published = append(r.published, pubsub.Event{Topic: topic, Payload: payload})
	return r.err
}

var (
	ada       = &auth.Viewer{Consumer: "web", Subject: "ada"}
	bob       = &auth.Viewer{Consumer: "web", Subject: "bob"}
	warehouse = &auth.Viewer{Consumer: "warehouse", Scopes: []string{"orders:write"}}
	support   = &auth.Viewer{Consumer: "support", Scopes: []string{"orders:read"}}
)

// start prepares an operation; each call of the handler gives one response.
func (s *shop) start(ctx context.Context, t testing.TB, query, variables string) (graphql.ResponseHandler, context.Context) {
	t.Helper()
	ctx = graphql.StartOperationTrace(ctx)
	params := &graphql.RawParams{Query: query}
	if variables != "" {
		numbers := json.NewDecoder(strings.NewReader(variables))
		numbers.UseNumber() // as transports decode them
		if err := numbers.Decode(&params.Variables); err != nil {
			t.Fatal(err)
		}
	}
	op, errs := s.exec.CreateOperationContext(ctx, params)
	if errs != nil {
		t.Fatalf("%s: %v", query, errs)
	}
	return s.exec.DispatchOperation(ctx, op)
}

// do executes a query or a mutation for a viewer; nil is nobody, as in a shared execution.
func (s *shop) do(t testing.TB, viewer *auth.Viewer, query, variables string) *graphql.Response {
	t.Helper()
	ctx := t.Context()
	if viewer != nil {
		ctx = auth.WithViewer(ctx, viewer)
	}
	next, ctx := s.start(ctx, t, query, variables)
	r := next(ctx)
	r.Data = bytes.Clone(r.Data)
	return r
}

// data executes an operation that must succeed, and reads its data.
func data[T any](t testing.TB, s *shop, viewer *auth.Viewer, query, variables string) T {
	t.Helper()
	r := s.do(t, viewer, query, variables)
	if r.Errors != nil {
		t.Fatalf("%s: %v", query, r.Errors)
	}
	var v T
	if err := json.Unmarshal(r.Data, &v); err != nil {
		t.Fatalf("%s: %v", r.Data, err)
	}
	return v
}

func expect(t *testing.T, r *graphql.Response, want string) {
	t.Helper()
	if r.Errors != nil || string(r.Data) != want {
		t.Errorf("the data is\n%s (%v), want\n%s", r.Data, r.Errors, want)
	}
}

func expectError(t *testing.T, r *graphql.Response, code, message string) {
	t.Helper()
	if len(r.Errors) != 1 || r.Errors[0].Extensions["code"] != code || !strings.Contains(r.Errors[0].Message, message) {
		t.Errorf("the errors are %v, want %s: %s", r.Errors, code, message)
	}
	if r.Errors[0].Path == nil {
		t.Error("the error has no path")
	}
}

func TestProduct(t *testing.T) {
	s := newShop(t)
	p := store.Seed()[6]
	want, _ := json.Marshal(map[string]store.Product{"product": p})
	expect(t, s.do(t, nil, `{ product(id: "7") { id name description category price currency stock revision updatedAt } }`, ""), string(want))
	expect(t, s.do(t, nil, `{ product(id: "301") { id } }`, ""), `{"product":null}`)
}

func TestProductsInPages(t *testing.T) {
	s := newShop(t)
	type page struct {
		Products struct {
			Edges []struct {
				Cursor string
				Node   struct{ ID string }
			}
			Nodes      []struct{ ID string }
			TotalCount int
			PageInfo   struct {
				HasNextPage, HasPreviousPage bool
				StartCursor, EndCursor       *string
			}
		}
	}
	const query = `query($first: Int, $after: String, $filter: ProductFilter, $order: ProductOrder) {
		products(first: $first, after: $after, filter: $filter, orderBy: $order) {
			edges { cursor node { id } } nodes { id } totalCount
			pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }`

	got := data[page](t, s, nil, query, `{"first": 30, "filter": {"category": "Kitchen"}, "order": {"field": "PRICE"}}`).Products
	if got.TotalCount != 30 || len(got.Edges) != 30 || len(got.Nodes) != 30 || got.PageInfo.HasNextPage || got.PageInfo.HasPreviousPage {
		t.Fatalf("all of a category is %+v", got)
	}
	last := got.Edges[19]
	if *got.PageInfo.StartCursor != got.Edges[0].Cursor || got.Nodes[19].ID != last.Node.ID {
		t.Errorf("the page does not agree with itself: %+v", got)
	}

	rest := data[page](t, s, nil, query, `{"filter": {"category": "Kitchen"}, "order": {"field": "PRICE"}, "after": "`+last.Cursor+`"}`).Products
	if len(rest.Edges) != 10 || rest.Edges[0] != got.Edges[20] || !rest.PageInfo.HasPreviousPage || rest.TotalCount != 30 {
		t.Errorf("after the 20th product comes %+v", rest)
	}

	none := data[page](t, s, nil, query, `{"filter": {"text": "no such thing"}}`).Products
	if none.Edges == nil || len(none.Edges) != 0 || none.PageInfo.EndCursor != nil {
		t.Errorf("a page of nothing is %+v", none)
	}
	standard := data[page](t, s, nil, query, `{"first": null}`).Products
	if len(standard.Edges) != 20 || standard.TotalCount != 300 {
		t.Errorf("a page without a size has %d of %d products", len(standard.Edges), standard.TotalCount)
	}
	expectError(t, s.do(t, nil, `{ products(first: 101) { totalCount } }`, ""), "BAD_USER_INPUT", "`first` is 1 to 100")
	expectError(t, s.do(t, nil, `{ products(after: "x") { totalCount } }`, ""), "BAD_USER_INPUT", "is not a cursor")
	backward := data[page](t, s, nil, `{ products(last: 3) { edges { cursor node { id } } pageInfo { hasNextPage hasPreviousPage } } }`, "").Products
	if len(backward.Edges) != 3 || backward.PageInfo.HasNextPage || !backward.PageInfo.HasPreviousPage {
		t.Errorf("the last page is %+v", backward)
	}
}

func TestChangePrice(t *testing.T) {
	s := newShop(t)
	p := store.Seed()[0]
	const fields = ` { productId price previousPrice currency revision note product { id price } } }`
	expect(t, s.do(t, nil, `mutation { changePrice(productId: "1", price: "12.50", note: "sale")`+fields, ""),
		`{"changePrice":{"productId":"1","price":"12.50","previousPrice":"`+p.Price.String()+`","currency":"EUR","revision":2,"note":"sale","product":{"id":"1","price":"12.50"}}}`)
	expect(t, s.do(t, nil, `mutation { changePrice(productId: "1", price: 0.29)`+fields, ""),
		`{"changePrice":{"productId":"1","price":"0.29","previousPrice":"12.50","currency":"EUR","revision":3,"note":null,"product":{"id":"1","price":"0.29"}}}`)
	expect(t, s.do(t, nil, `mutation($p: Decimal!) { changePrice(productId: "1", price: $p) { price revision } }`, `{"p": 9.99}`),
		`{"changePrice":{"price":"9.99","revision":4}}`)

	expectError(t, s.do(t, nil, `mutation { changePrice(productId: "1", price: "0") { price } }`, ""), "BAD_USER_INPUT", "more than 0")
	expectError(t, s.do(t, nil, `mutation { changePrice(productId: "301", price: 1) { price } }`, ""), "BAD_USER_INPUT", `no product "301"`)
	long := strings.Repeat("é", 281)
	expectError(t, s.do(t, nil, `mutation { changePrice(productId: "1", price: 1, note: "`+long+`") { price } }`, ""), "BAD_USER_INPUT", "280 characters")
	if len(s.broker.published) != 0 {
		t.Errorf("the resolver published %v: that is for @publish", s.broker.published)
	}
}

func TestRestock(t *testing.T) {
	s := newShop(t)
	before := store.Seed()[0].Stock
	type result struct {
		Restock struct{ Stock, PreviousStock, Revision int32 }
	}
	got := data[result](t, s, nil, `mutation { restock(productId: "1", quantity: 5) { stock previousStock revision } }`, "").Restock
	if got.PreviousStock != before || got.Stock != before+5 || got.Revision != 2 {
		t.Errorf("the change is %+v, want 5 more than %d", got, before)
	}
	expectError(t, s.do(t, nil, `mutation { restock(productId: "1", quantity: 0) { stock } }`, ""), "BAD_USER_INPUT", "restocked by 1")
}

const placeOrder = `mutation { placeOrder(lines: [{productId: "1", quantity: 2}, {productId: "2", quantity: 1}]) { id } }`

func (s *shop) place(t testing.TB, viewer *auth.Viewer) string {
	t.Helper()
	for _, id := range []string{"1", "2"} {
		if _, err := s.store.Restock(t.Context(), id, 10); err != nil {
			t.Fatal(err)
		}
	}
	return data[struct{ PlaceOrder struct{ ID string } }](t, s, viewer, placeOrder, "").PlaceOrder.ID
}

func TestPlaceOrderTellsWhoeverWatchesTheStock(t *testing.T) {
	s := newShop(t)
	s.place(t, ada)
	if len(s.broker.published) != 2 {
		t.Fatalf("%d events were published, want 2", len(s.broker.published))
	}
	for i, id := range []string{"1", "2"} {
		p, _ := s.store.Product(t.Context(), id)
		event := &s.broker.published[i]
		var got struct {
			ProductID string
			Stock     int32
		}
		if err := json.Unmarshal(event.Payload, &got); err != nil || event.Topic != "stock."+id || got.ProductID != id || got.Stock != p.Stock {
			t.Errorf("event %d is %s on %s (%v)", i, event.Payload, event.Topic, err)
		}
	}
}

func TestAnOrderStandsWhenTheBrokerIsAway(t *testing.T) {
	s := newShop(t)
	s.broker.err = pubsub.ErrUnavailable
	logger := slog.Default()
	t.Cleanup(func() { slog.SetDefault(logger) })
	var log bytes.Buffer
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	if s.place(t, ada) == "" {
		t.Error("the order has no id")
	}
	if n := strings.Count(log.String(), "stock change not published"); n != 2 {
		t.Errorf("%d lost events are in the log, want 2:\n%s", n, &log)
	}
}

func TestOrdersAreTheirCustomersOwn(t *testing.T) {
	s := newShop(t)
	id := s.place(t, ada)
	query := `{ order(id: "` + id + `") { customer status currency lines { quantity product { id } } } orders { id } }`
	expect(t, s.do(t, ada, query, ""),
		`{"order":{"customer":"ada","status":"PLACED","currency":"EUR","lines":[{"quantity":2,"product":{"id":"1"}},{"quantity":1,"product":{"id":"2"}}]},"orders":[{"id":"`+id+`"}]}`)
	expect(t, s.do(t, bob, query, ""), `{"order":null,"orders":[]}`)
	expect(t, s.do(t, ada, `{ order(id: "nowhere") { id } }`, ""), `{"order":null}`)
	expectError(t, s.do(t, ada, `{ orders(first: 0) { id } }`, ""), "BAD_USER_INPUT", "`first` is 1 to 100")

	expect(t, s.do(t, support, `{ order(id: "`+id+`") { id } orders(customer: "ada") { id } }`, ""),
		`{"order":{"id":"`+id+`"},"orders":[{"id":"`+id+`"}]}`)

	for _, private := range []string{`{ order(id: "1") { id } }`, `{ orders { id } }`, placeOrder} {
		if r := s.do(t, nil, private, ""); len(r.Errors) != 1 || !errors.Is(r.Errors[0], auth.ErrNoViewer) {
			t.Errorf("in a shared execution the errors are %v, want %v", r.Errors, auth.ErrNoViewer)
		}
	}
}

func TestAdvanceOrder(t *testing.T) {
	s := newShop(t)
	id := s.place(t, ada)
	advance := `mutation { advanceOrder(id: "` + id + `") { orderId customer status previousStatus order { id status } } }`
	expectError(t, s.do(t, warehouse, `mutation { advanceOrder(id: "nowhere") { status } }`, ""), "BAD_USER_INPUT", "there is no order")
	for _, step := range [][2]string{{"PLACED", "PACKED"}, {"PACKED", "SHIPPED"}, {"SHIPPED", "DELIVERED"}} {
		expect(t, s.do(t, warehouse, advance, ""), `{"advanceOrder":{"orderId":"`+id+`","customer":"ada","status":"`+step[1]+
			`","previousStatus":"`+step[0]+`","order":{"id":"`+id+`","status":"`+step[1]+`"}}}`)
	}
	expectError(t, s.do(t, warehouse, advance, ""), "BAD_USER_INPUT", "is DELIVERED already")
}

// Package transporttest is the suite that every streaming transport passes, whatever its bytes are.
//
// Each case runs in a synctest bubble over connections in memory: no case waits for real time, and
// none ends while a goroutine of the server is left.
package transporttest

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/sluice-gateway/sluice/operation"
)

// A Transport is what the suite knows of one.
type Transport struct {
	// Handler makes the server's side, which answers on the path of URL.
	Handler func(*Node) http.Handler
	// Client makes a client with a connection of its own, whose credentials are a token; none if it
	// is empty.
	Client func(n *Node, token string) Client
	// AnyKind says that queries and mutations can be sent too, not only subscriptions.
	AnyKind bool
}

// A Client is one client of a transport.
type Client interface {
	// Start sends an operation.
	Start(query string, variables map[string]any) Operation
	// StartWith sends an operation with extensions besides.
	StartWith(query string, variables, extensions map[string]any) Operation
	// Close ends the client's operations and connections. It may be called twice.
	Close()
}

// An Operation is one operation as its client sees it.
type Operation interface {
	// Next reads what comes next, and waits for it. Nothing is read between calls.
	Next() Event
	// Stop tells the server that the client wants no more.
	Stop()
}

// Prices is a subscription to the prices of some products.
const Prices = `subscription Prices($ids: [ID!]) { priceChanged(productIds: $ids) { productId price revision note } }`

// One is the variables for product 1.
func One() map[string]any { return map[string]any{"ids": []string{"1"}} }

// Run runs the suite.
func Run(t *testing.T, transport Transport) {
	runAll(t, transport, NewNode, cases)
	runAll(t, transport, NewRooms, slowCases)
	runAll(t, transport, NewRooms, keptCases)
	runAll(t, transport, NewRooms, resumeCases)
	runAll(t, transport, NewSmall, capCases)
	RunLive(t, transport)
}

// A testCase is a promise of every transport.
type testCase struct {
	name    string
	anyKind bool // only where queries and mutations can be sent
	run     func(*testing.T, *bench)
}

var cases = []testCase{
	{"events arrive in order", false, inOrder},
	{"a query has one result and is complete", true, query},
	{"a mutation has one result, which subscribers see", true, mutation},
	{"a query that fails validation is refused", false, invalid},
	{"a subscription that the broker cannot serve is refused", false, noBroker},
	{"two operations do not disturb each other", false, twoOperations},
	{"a client that stops leaves nothing behind", false, stop},
	{"a client that vanishes leaves nothing behind", false, vanish},
	{"a slow reader ends, alone", false, slowReader},
	{"a silent stream stays open", false, silence},
	{"a restart lets waiting events out and sends clients elsewhere", false, drain},
	{"a result as large as allowed arrives, a larger one is an error", false, tooLarge},
	{"text arrives as it was sent", false, unicode},
	{"a budget that is used up ends the operation, and only that", false, budgetOfEvents},
	{"a duration ends the operation to the moment", false, budgetOfTime},
	{"a rate holds what comes too fast, and tells what it cannot hold", false, rate},
	{"a token's expiry ends everything, to the moment", false, expired},
	{"a token that has expired starts nothing", false, expiredAlready},
	{"a key's revocation ends everything of its sessions", false, revoked},
	{"a renewal keeps the stream, and loses nothing", false, renewed},
	{"other rights end what depended on the old ones", false, changed},
	{"other rights count for what comes later", true, changedForLater},
}

func runAll(t *testing.T, transport Transport, node func(testing.TB) *Node, cases []testCase) {
	for _, c := range cases {
		if c.anyKind && !transport.AnyKind {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := &bench{T: t, Node: node(t), transport: transport}
				b.Serve(transport.Handler(b.Node))
				c.run(t, b)
			})
		})
	}
}

// A bench is a node and its clients, in one case.
type bench struct {
	*testing.T
	*Node
	transport Transport
}

// client makes an anonymous client.
func (b *bench) client() Client { return b.clientOf("") }

func (b *bench) clientOf(token string) Client {
	c := b.transport.Client(b.Node, token)
	b.Cleanup(c.Close)
	return c
}

// subscribe starts a subscription and waits until events reach it.
func (b *bench) subscribe(c Client) Operation {
	op := c.Start(Prices, One())
	synctest.Wait()
	return op
}

// A priceChange is what Prices selects.
type priceChange struct {
	ProductID, Price, Note string
	Revision               int
}

// price reads the next result and returns its price change.
func (b *bench) price(op Operation) (change priceChange) {
	b.Helper()
	event := op.Next()
	if event.Result == nil {
		b.Fatalf("the operation ended: %+v", event)
	}
	var result struct {
		Data struct{ PriceChanged json.RawMessage }
	}
	mustParse(b.T, event.Result, &result)
	mustParse(b.T, result.Data.PriceChanged, &change)
	return change
}

// ended reads on to the end and returns it; results that have data are passed over, errors of
// results without count as the end's.
func (b *bench) ended(op Operation) Event {
	b.Helper()
	var errs gqlerror.List
	for range 10_000 {
		event := op.Next()
		if event.Result == nil {
			event.Errors = append(errs, event.Errors...)
			return event
		}
		errs = append(errs, event.refusal(b.T)...)
	}
	b.Fatal("the operation does not end")
	return Event{}
}

// refusal is what a result without data says.
func (e Event) refusal(t *testing.T) gqlerror.List {
	var result struct {
		Data   json.RawMessage
		Errors gqlerror.List
	}
	mustParse(t, e.Result, &result)
	if result.Data != nil {
		return nil
	}
	return result.Errors
}

func (b *bench) members(want int) {
	b.Helper()
	synctest.Wait()
	if got := b.Engine.Stats().Members; got != want {
		b.Fatalf("%d operations are members of groups, want %d", got, want)
	}
}

// reading reads the next event while time passes: who reads no heartbeats is a slow reader.
func reading(op Operation) <-chan Event {
	next := make(chan Event, 1)
	go func() { next <- op.Next() }()
	return next
}

func inOrder(t *testing.T, b *bench) {
	op := b.subscribe(b.client())
	for i := range 100 {
		b.Publish(i, "")
	}
	for i := range 100 {
		if got := b.price(op); got.Revision != i || got.ProductID != "1" {
			t.Fatalf("event %d is %+v", i, got)
		}
	}
}

func query(t *testing.T, b *bench) {
	op := b.client().Start(`{ __typename }`, nil)
	if got := op.Next(); string(got.Result) != `{"data":{"__typename":"Query"}}` {
		t.Fatalf("got %s, %+v", got.Result, got)
	}
	if end := op.Next(); end.Result != nil || end.Errors != nil || end.Again {
		t.Fatalf("then %s, %+v", end.Result, end)
	}
}

func mutation(t *testing.T, b *bench) {
	b.WithStore()
	watcher := b.subscribe(b.client())
	op := b.clientOf(Key).Start(`mutation($p: Decimal!) { changePrice(productId: "1", price: $p) { price } }`, map[string]any{"p": "7.25"})
	if got := op.Next(); string(got.Result) != `{"data":{"changePrice":{"price":"7.25"}}}` {
		t.Fatalf("got %s, %+v", got.Result, got)
	}
	if got := b.price(watcher); got.Price != "7.25" {
		t.Fatalf("the subscriber got %+v", got)
	}
}

func invalid(t *testing.T, b *bench) {
	client := b.client()
	end := b.ended(client.Start(`subscription { priceChanged { nonsense } }`, nil))
	if code := operation.Code(end.Errors); code != operation.CodeValidationFailed || end.Again {
		t.Fatalf("got %+v", end)
	}
	op := b.subscribe(client) // the client may go on
	b.Publish(1, "")
	b.price(op)
}

func noBroker(t *testing.T, b *bench) {
	_ = b.Broker.Close()
	end := b.ended(b.client().Start(Prices, One()))
	if code := operation.Code(end.Errors); code != operation.CodeBroker || end.Again {
		t.Fatalf("got %+v", end)
	}
	b.members(0)
}

func twoOperations(t *testing.T, b *bench) {
	client := b.client()
	first := b.subscribe(client)
	second := client.Start(Prices, map[string]any{"ids": []string{"2", "3"}})
	b.members(2)
	b.PublishTo("2", 1, "")
	b.PublishTo("1", 2, "")
	b.PublishTo("3", 3, "")
	if got := b.price(first); got.Revision != 2 {
		t.Fatalf("the first operation got %+v", got)
	}
	if a, c := b.price(second), b.price(second); a.ProductID != "2" || c.ProductID != "3" {
		t.Fatalf("the second operation got %+v, %+v", a, c)
	}
	first.Stop()
	b.members(1)
	b.PublishTo("1", 4, "")
	b.PublishTo("2", 5, "")
	if got := b.price(second); got.Revision != 5 {
		t.Fatalf("the second operation got %+v", got)
	}
}

func stop(_ *testing.T, b *bench) {
	op := b.subscribe(b.client())
	b.Publish(1, "")
	b.price(op)
	b.members(1)
	op.Stop()
	b.members(0)
}

func vanish(t *testing.T, b *bench) {
	client := b.client()
	b.subscribe(client)
	b.members(1)
	client.Close()
	b.members(0)
	if got := b.Sessions.Len(); got != 0 {
		t.Fatalf("%d sessions are left", got)
	}
}

func slowReader(t *testing.T, b *bench) {
	slow, fast := b.subscribe(b.client()), b.subscribe(b.client())
	note := strings.Repeat("x", 4<<10)
	const events = 600
	for i := range events {
		b.Publish(i, note)
		if got := b.price(fast); got.Revision != i {
			t.Fatalf("event %d of the fast reader is %d", i, got.Revision)
		}
	}
	next := reading(fast)
	time.Sleep(10 * time.Second) // longer than a write may take
	b.members(1)
	if end := b.ended(slow); !end.Again {
		t.Fatalf("the slow reader got %+v", end)
	}
	b.Publish(events, "")
	if event := <-next; event.Result == nil {
		t.Fatalf("the fast reader got %+v", event)
	}
}

func silence(t *testing.T, b *bench) {
	op := b.subscribe(b.client())
	next := reading(op)
	time.Sleep(10 * time.Minute)
	b.members(1)
	b.Publish(1, "")
	if event := <-next; event.Result == nil {
		t.Fatalf("got %+v", event)
	}
}

func drain(t *testing.T, b *bench) {
	client := b.client()
	op := b.subscribe(client)
	b.Engine.Drain()
	b.Publish(1, "")
	synctest.Wait()
	closed := make(chan error)
	go func() {
		closed <- b.Sessions.Close(context.Background(), operation.Restarting, time.Second, 10*time.Second)
	}()
	b.price(op)
	if end := op.Next(); end.Result != nil || !end.Again {
		t.Fatalf("the operation ended by %s, %+v", end.Result, end)
	}
	client.Close()
	if err := <-closed; err != nil {
		t.Fatal(err)
	}
	b.members(0)
}

func tooLarge(t *testing.T, b *bench) {
	client := b.client()
	op := client.Start(`subscription { priceChanged(productIds: ["1"]) { note } }`, nil)
	synctest.Wait()
	fits := strings.Repeat("x", MaxResult-len(`{"priceChanged":{"note":""}}`))
	b.Publish(1, fits)
	if got := b.price(op); got.Note != fits {
		t.Fatalf("%d bytes of %d arrived", len(got.Note), len(fits))
	}
	b.Publish(2, fits+"x")
	var result struct{ Errors gqlerror.List }
	mustParse(t, op.Next().Result, &result)
	if code := operation.Code(result.Errors); code != "RESULT_TOO_LARGE" {
		t.Fatalf("code %s", code)
	}
	b.Publish(3, "short")
	if got := b.price(op); got.Note != "short" {
		t.Fatalf("got %+v", got)
	}
}

func unicode(t *testing.T, b *bench) {
	const query = `subscription($ids: [ID!]) { priceChanged(productIds: $ids) { note } } # ↯ 🛒`
	op := b.client().Start(query, map[string]any{"ids": []string{"1", "größe-🛒"}})
	synctest.Wait()
	for _, note := range []string{"🛒 größer", "a\nb\r\nc\x00d", "\u2028\u2029\ufeff", `"\</script>`, "event: complete\ndata:\n\n", "\r\n--graphql--\r\n"} {
		b.Publish(1, note)
		if got := b.price(op); got.Note != note {
			t.Errorf("sent %q, got %q", note, got.Note)
		}
	}
}

func mustParse(t *testing.T, text []byte, into any) {
	t.Helper()
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatalf("%v in %q", err, text)
	}
}

func mustJSON(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return text
}

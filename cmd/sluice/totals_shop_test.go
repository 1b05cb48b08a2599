package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/internal/pgtest"
	"github.com/sluice-gateway/sluice/internal/redistest"
)

// What the crowd may ask for: each operation has another root field, for the ledger knows fields.
const (
	watchPrices = "WatchPrices"
	watchStock  = "WatchStock"
	watchOrders = "WatchOrders"
	watchShelf  = "WatchShelf"
)

var (
	crowdOperations = []string{watchPrices, watchStock, watchOrders, watchShelf}
	crowdFields     = map[string]string{
		watchPrices: "Subscription.priceChanged", watchStock: "Subscription.stockChanged",
		watchOrders: "Subscription.orderStatusChanged", watchShelf: "Query.products",
	}
	crowdDocuments = map[string]string{
		watchPrices: `subscription WatchPrices($ids: [ID!]) { priceChanged(productIds: $ids) { price note } }`,
		watchStock:  `subscription WatchStock($id: ID!) { stockChanged(productId: $id) { stock revision } }`,
		watchOrders: `subscription WatchOrders { orderStatusChanged { orderId status } }`,
		watchShelf:  `query WatchShelf($first: Int!) @live(throttle: 200) { products(first: $first, orderBy: {field: UPDATED, direction: DESC}) { nodes { id name description price stock } } }`,
	}
)

// The consumers. What a rude one has read of what it was sent, nobody can know.
const (
	gold    = "gold"    // has no limits
	metered = "metered" // has so many events of priceChanged a day
	paced   = "paced"   // has so many events of stockChanged a second
	slow    = "slow"    // reads slowly, and reads on
	rude    = "rude"    // breaks its connections off, or reads no more
)

var crowdConsumers = []string{gold, metered, paced, slow, rude}

const (
	dayQuota  = 6000
	paceRate  = 50
	bigNote   = 4 << 10   // bytes of what rude consumers are told of prices
	hugeNote  = 500 << 10 // in the end: of these the gateway holds two, and not for long
	bigResult = 4 << 10   // bytes of a product: a slow reader asks for a hundred
)

// A totalsShop is three gateways with a Redis and a PostgreSQL.
type totalsShop struct {
	t        *testing.T
	redis    *redistest.Server
	database *pgtest.Server
	config   string
	flags    []string
	spools   []string
	nodes    []*process
}

func startTotalsShop(t *testing.T) *totalsShop {
	t.Helper()
	s := &totalsShop{t: t, redis: redistest.Start(t), database: pgtest.StartServer(t), config: filepath.Join(t.TempDir(), "totals.yaml")}
	fill(t, s.database)
	s.database.SQL(fmt.Sprintf(`UPDATE products SET description = repeat('long ', %d)`, bigResult/len("long ")))
	documents := t.TempDir()
	for name, text := range crowdDocuments {
		write(t, filepath.Join(documents, name+".graphql"), text)
	}
	write(t, s.config, totalsConfig())
	s.flags = []string{
		"--redis", s.redis.URL(), "--database", s.database.URL(), "--config", s.config, "--documents", documents,
		"--log-format", "json", "--log-operations", "streams", "--time-zone", zoneOfNoon(),
		// Who does not read is ended for what waits, however long that takes to come.
		"--write-timeout", "10m", "--ping-interval", "20m", "--pong-timeout", "10m",
	}
	for _, name := range []string{"a", "b", "c"} {
		s.spools = append(s.spools, filepath.Join(t.TempDir(), "spool-"+name))
		s.nodes = append(s.nodes, s.start(name, s.spools[len(s.spools)-1]))
	}
	for _, p := range s.nodes {
		p.until("it is ready", func() bool { return p.status("/readyz") == http.StatusOK })
	}
	return s
}

func (s *totalsShop) start(name, spool string) *process {
	return start(s.t, append([]string{"--node", name, "--usage-spool", spool}, s.flags...)...)
}

// zoneOfNoon is a time zone in which the day neither begins nor ends while a test runs.
func zoneOfNoon() string {
	switch behind := time.Now().UTC().Hour() - 12; { // the signs of these names are POSIX': + is west
	case behind > 0:
		return fmt.Sprintf("Etc/GMT+%d", behind)
	case behind < 0:
		return fmt.Sprintf("Etc/GMT-%d", -behind)
	}
	return "UTC"
}

func totalsConfig() string {
	var b strings.Builder
	fmt.Fprintf(&b, "plans:\n  gold: {priceChanged: {events: unlimited}}\n"+
		"  metered: {priceChanged: {events: %d, per: DAY}}\n  paced: {stockChanged: {rate: %d}}\nkeys:\n", dayQuota, paceRate)
	fmt.Fprintf(&b, "  - {key: %s, consumer: operations, scopes: [admin, \"catalog:write\", publish], publish: [\"price.*\", \"stock.*\", \"order.*\"]}\n", adminKey)
	for _, consumer := range crowdConsumers {
		fmt.Fprintf(&b, "  - {key: %s, consumer: %s, subject: %s", keyOf(consumer), consumer, consumer)
		if consumer == gold || consumer == metered || consumer == paced {
			fmt.Fprintf(&b, ", plan: %s", consumer)
		}
		b.WriteString("}\n")
	}
	for _, node := range []string{"a", "b", "c"} {
		fmt.Fprintf(&b, "  - {key: %s, consumer: %s}\n", keyOf(signOf(node)), signOf(node))
	}
	return b.String()
}

func keyOf(consumer string) string { return "key-of-the-consumer-" + consumer }

// signOf is a consumer that only one node knows: its usage tells which batches of the ledger are that node's.
func signOf(node string) string { return "sign-" + node }

// sign leaves a node's mark in its ledger.
func (s *totalsShop) sign(node string, p *process) {
	if _, text := p.post(p.public+"/graphql", keyOf(signOf(node)), `{"query":"{ __typename }"}`); !strings.Contains(text, "Query") {
		s.t.Fatalf("node %s answers %s", node, text)
	}
}

// drain ends nodes as an operator does, and returns when they are gone.
func (s *totalsShop) drain(nodes ...*process) {
	s.t.Helper()
	for _, p := range nodes {
		if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
			s.t.Fatal(err)
		}
	}
	for _, p := range nodes {
		if err := p.cmd.Wait(); err != nil {
			s.t.Errorf("a node has drained and ends with %v", err)
		}
	}
}

// A totalsStats is what the test wants to know of /stats.
type totalsStats struct {
	Members, Starting int
	Live              struct{ Members int }
	Usage             struct{ BacklogBytes int64 }
	Budgets           struct {
		Held, Granted, Charged, Returned, Forfeited, GivenBack, Stranded, Overdraft, Unmetered int64
	}
}

func (p *process) stats() (s totalsStats) {
	answer, err := http.Get(p.operator + "/stats")
	if err != nil {
		return s
	}
	defer func() { _ = answer.Body.Close() }()
	_ = json.NewDecoder(answer.Body).Decode(&s) // a node that is about to end may say nothing
	return s
}

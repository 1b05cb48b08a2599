package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/analytics/ledger"
	"github.com/sluice-gateway/sluice/analytics/ledger/ledgerdb"
)

// What subscribers were sent and callers have asked is in the ledger once the gateway has stopped.
func TestAGatewayKeepsWhatItsConsumersHad(t *testing.T) {
	database := filepath.Join(t.TempDir(), "shop.db")
	p := start(t, "--database", database)
	token := issuer.token(t, "ann", time.Hour)
	subscribers := []*subscriber{
		p.subscribeAs(token, `subscription { priceChanged(productIds: ["1"]) { price } }`),
		p.subscribeAs(token, `subscription { priceChanged { price } }`),
		p.subscribe(`subscription { priceChanged { price } }`),
	}
	const changes = 5
	for i := range changes {
		p.run(fmt.Sprintf(`mutation { changePrice(productId: "1", price: "%d.50") { price } }`, i+1))
		for _, s := range subscribers {
			s.next()
		}
	}
	p.run(`{ products(first: 1) { totalCount } }`)
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Wait(); err != nil {
		t.Fatal(err)
	}

	u := &usageReader{t: t, database: database, config: configFile(t)}
	out := u.run("export", "--from", "2000-01-01", "--consumer", "web")
	if n, _ := events(t, out); n != 2*changes || !strings.Contains(out, "Subscription.priceChanged") {
		t.Errorf("web was sent %d events, want %d:\n%s", n, 2*changes, out)
	}
	s, err := ledgerdb.Open(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	by := make(map[ledger.Key]ledger.Usage)
	query := ledger.Query{To: time.Now().Add(time.Hour).Truncate(time.Hour)}
	err = s.Hours(t.Context(), query, func(e ledger.Entry) error {
		by[e.Key] = by[e.Key].Plus(e.Usage)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	web := by[ledger.Key{Issuer: "https://id.test", Consumer: "web", Field: "Subscription.priceChanged"}]
	if web.Events != 2*changes || web.Bytes == 0 || web.ConnectedMillis < 20 || web.Requests != 0 {
		t.Errorf("web has %+v", web)
	}
	if nobody := by[ledger.Key{Field: "Subscription.priceChanged"}]; nobody.Events != changes {
		t.Errorf("anonymous callers have %+v", nobody)
	}
	if operations := by[ledger.Key{Consumer: "operations", Field: "Mutation.changePrice"}]; operations.Requests != changes {
		t.Errorf("who changed prices has %+v", operations)
	}
}

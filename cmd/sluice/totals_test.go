package main

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/internal/redistest"
)

// A chaos is a run in which much goes wrong, and what the clients of it have counted.
type chaos struct {
	*totalsShop
	*crowd
	t        *testing.T
	a, b, c  *process
	load     *pressure
	killedAt time.Time
	began    time.Time
}

func TestTotalsOfAChaoticRunAreEqual(t *testing.T) {
	s := startTotalsShop(t)
	x := &chaos{t: t, totalsShop: s, crowd: newCrowd(t, s.nodes), a: s.nodes[0], b: s.nodes[1], c: s.nodes[2], began: time.Now()}
	x.load = newPressure(x.crowd, s.nodes)
	x.gather()
	x.wreak()
	record, metrics := x.settle()
	budgets := []totalsStats{x.a.stats(), x.b.stats()}
	x.close()

	t.Run("clients and the Record", func(t *testing.T) {
		x.compareClients(t, "the Record", sumOf(record, recorded.delivered))
		last := make(map[string]recorded)
		maps.Copy(last, loggedBy(x.a))
		maps.Copy(last, loggedBy(x.b))
		equal(t, "the Record", sumOf(record, recorded.delivered), "the log when all have ended", sumOf(last, recorded.delivered))
	})
	ledgers := x.batched()
	t.Run("the Record and Prometheus", func(t *testing.T) {
		x.comparePrometheus(t, record, metrics)
		billed := total(ledgers["a"]) + total(ledgers["b"])
		if n := metrics.delivered(); n != billed {
			t.Errorf("%d were delivered by metrics, and %d by the ledger", n, billed)
		}
	})
	t.Run("the Record and the ledger", func(t *testing.T) {
		for _, node := range []string{"a", "b"} {
			of := maps.Clone(record)
			maps.DeleteFunc(of, func(_ string, r recorded) bool { return r.node != node })
			equal(t, "the Record of "+node, sumOf(of, recorded.delivered), "its ledger", ledgers[node])
		}
		sum := make(map[cell]int64)
		for _, of := range ledgers {
			for c, n := range of {
				sum[c] += n
			}
		}
		equal(t, "all batches", sum, "sluice usage export", x.exported())
	})
	t.Run("a killed node has lost 11 seconds at most", func(t *testing.T) { x.compareKilled(t, ledgers["c"]) })
	t.Run("nobody has more than its quota", func(t *testing.T) { x.compareQuota(t) })
	t.Run("granted is charged, returned, forfeited and held", func(t *testing.T) { x.compareBudgets(t, budgets) })
}

// log tells when something has happened.
func (x *chaos) log(format string, args ...any) {
	x.t.Helper()
	x.t.Logf("%5.1f s: %s", time.Since(x.began).Seconds(), fmt.Sprintf(format, args...))
}

// gather has everybody subscribe.
func (x *chaos) gather() {
	x.t.Helper()
	x.t.Cleanup(x.release)
	for i, name := range []string{"a", "b", "c"} {
		x.sign(name, x.nodes[i])
	}
	x.enter()
	want := len(x.all) / len(x.nodes)
	for _, p := range x.nodes {
		p.until("everybody is subscribed", func() bool {
			s := p.stats()
			return s.Starting == 0 && s.Members+s.Live.Members == want
		})
	}
	x.log("%d clients", len(x.all))
}

// release ends what a test that fails has left.
func (x *chaos) release() {
	for _, c := range x.all {
		if why := c.whyNot(); x.t.Failed() && why != "" {
			x.log("it has had nothing, and ended: %s", why)
		}
	}
	x.load.stop()
	for _, c := range []chan struct{}{x.awake, x.still, x.closing, x.killed, x.over} {
		if !isClosed(c) {
			close(c)
		}
	}
	for _, p := range x.nodes {
		_ = p.cmd.Process.Kill()
	}
	x.reading.Wait()
	x.client.CloseIdleConnections()
}

// wreak does harm while events flow, to the end of these.
func (x *chaos) wreak() {
	x.t.Helper()
	x.load.begin()
	x.litter()
	x.until("much is published", func() bool { return x.load.count("price.1") >= 300 })
	x.database.Kill()
	x.log("the database is killed")
	x.until("usage waits in spools", func() bool {
		return !slices.ContainsFunc(x.nodes, func(p *process) bool { return p.stats().Usage.BacklogBytes == 0 })
	})
	x.litter()
	x.database.Restart()
	x.log("the database is back")
	x.until("the doomed node has long been at work", func() bool {
		long := time.Now().Add(-unrecorded)
		return total(x.sum(onDoomed, func(c *customer) int64 { return c.before(long) })) >= 10_000
	})
	close(x.killed)
	x.killedAt = time.Now()
	_ = x.c.cmd.Process.Kill()
	x.load.dead.Store(true)
	x.log("node c is killed")
	x.litter()
	x.until("slow readers have missed results", func() bool {
		record, err := x.record(x.a, x.a, x.b)
		missed := make(map[string]bool)
		for _, r := range record {
			missed[r.node] = missed[r.node] || r.cell == (cell{slow, watchShelf}) && r.slow > 0
		}
		return err == nil && missed["a"] && missed["b"]
	})
	close(x.awake)
	x.log("slow readers read on")
	close(x.still)
	x.until("who fell still was ended", func() bool {
		x.load.publish("price.3", price("3", strings.Repeat("n", hugeNote)))
		return hasGivenUp(x.a) && hasGivenUp(x.b)
	})
	x.until("the budget has run out", func() bool {
		for _, c := range x.all {
			if c.cell == (cell{metered, watchPrices}) && notOnDoomed(c) && !c.ended.Load() {
				return false
			}
		}
		return true
	})
	x.load.stop()
	close(x.over)
	x.log("nothing is published any more: %v", x.load)
}

// litter publishes what nobody can decode.
func (x *chaos) litter() {
	for range 5 {
		x.redis.Do("PUBLISH", "price.1", "{no JSON")
		x.redis.Do("PUBLISH", "stock.1", `{"stock":"much"}`)
	}
}

func (x *chaos) until(what string, holds func() bool) {
	x.t.Helper()
	err := redistest.Poll(time.Minute, func() error {
		if x.t.Failed() || !holds() {
			return fmt.Errorf("never: %s", what)
		}
		return nil
	})
	if err != nil {
		x.t.Fatal(err, x.load)
	}
}

// settle waits until everybody has what was sent, and says what was counted then.
func (x *chaos) settle() (record map[string]recorded, metrics scrape) {
	x.t.Helper()
	err := redistest.Poll(30*time.Second, func() (err error) {
		before := sumOf(record, recorded.delivered)
		if record, err = x.record(x.a, x.a, x.b); err != nil {
			return err
		}
		clients, sums := x.sum(notOnDoomed, got), sumOf(record, recorded.delivered)
		if err := differences("clients", exact(clients), "the Record", exact(sums)); err != nil {
			return err
		}
		return differences("the Record", sums, "what it said before", before)
	})
	if err != nil {
		x.t.Error(err)
	}
	if metrics, err = scrapeOf(x.a, x.b); err != nil {
		x.t.Fatal(err)
	}
	x.log("quiet")
	return record, metrics
}

// close drains the nodes that live, and starts the one that was killed once more: it finds its spool.
func (x *chaos) close() {
	x.t.Helper()
	close(x.closing)
	x.drain(x.a, x.b)
	x.reading.Wait()
	x.log("a and b have drained")
	d := x.start("d", x.spools[doomed])
	d.until("it is ready", func() bool { return d.status("/readyz") == http.StatusOK })
	x.drain(d)
	x.log("d has drained")
}

// exact leaves the cells whose clients read everything that they are sent.
func exact(sums map[cell]int64) map[cell]int64 {
	kept := maps.Clone(sums)
	maps.DeleteFunc(kept, func(c cell, _ int64) bool { return c.consumer == rude })
	return kept
}

// differences says where two sums differ; nil: nowhere.
func differences(one string, a map[cell]int64, other string, b map[cell]int64) error {
	var all []error
	for _, consumer := range crowdConsumers {
		for _, operation := range crowdOperations {
			if c := (cell{consumer, operation}); a[c] != b[c] {
				all = append(all, fmt.Errorf("%s %s: %d by %s, %d by %s", consumer, operation, a[c], one, b[c], other))
			}
		}
	}
	return errors.Join(all...)
}

func total(sums map[cell]int64) (n int64) {
	for _, of := range sums {
		n += of
	}
	return n
}

func equal(t *testing.T, one string, a map[cell]int64, other string, b map[cell]int64) {
	t.Helper()
	if err := differences(one, a, other, b); err != nil {
		t.Error(err)
	}
}

// compareClients compares what clients of nodes that live have counted. Those who break off have not read
// everything that was sent to them.
func (x *chaos) compareClients(t *testing.T, of string, sums map[cell]int64) {
	clients := x.sum(notOnDoomed, got)
	equal(t, "clients", exact(clients), of, exact(sums))
	for _, operation := range crowdOperations {
		c := cell{rude, operation}
		t.Logf("%v: %d by clients, %d by %s", c, clients[c], sums[c], of)
		if clients[c] > sums[c] {
			t.Errorf("%v: clients have %d, more than %d by %s", c, clients[c], sums[c], of)
		}
	}
	for c, n := range clients {
		if n == 0 {
			t.Errorf("%v has had nothing", c)
		}
	}
	for _, c := range x.all {
		if c.consumer != rude && notOnDoomed(c) && c.cell != (cell{metered, watchPrices}) && c.ended.Load() && c.got.Load() == 0 {
			t.Errorf("%v at %d by %s has had nothing: %s", c.cell, c.at, c.way, c.why)
		}
	}
}

// comparePrometheus compares by operation: metrics know no consumers.
func (x *chaos) comparePrometheus(t *testing.T, record map[string]recorded, metrics scrape) {
	handed, slow, write, ended := make(map[string]int64), int64(0), int64(0), int64(0)
	for _, r := range record {
		if r.cell == (cell{rude, watchPrices}) {
			ended += r.slow + r.write
		}
		handed[r.operation] += r.handed
		slow, write = slow+r.slow, write+r.write
	}
	for _, operation := range crowdOperations {
		if metrics.deliveries[operation] != handed[operation] {
			t.Errorf("%s: %d in metrics, %d in the Record", operation, metrics.deliveries[operation], handed[operation])
		}
	}
	if metrics.dropped["slow"] != slow || metrics.dropped["write"] != write {
		t.Errorf("dropped: %v in metrics, %d slow and %d write in the Record", metrics.dropped, slow, write)
	}
	if metrics.dropped["decode"] == 0 || slow == 0 || ended == 0 {
		t.Errorf("nothing went wrong: %v, %d lost to whoever fell still", metrics.dropped, ended)
	}
	t.Logf("%v, dropped %v; %d events were lost to whoever fell still", metrics.deliveries, metrics.dropped, ended)
}

// unrecorded is how much a node that is killed may have counted and not kept, as docs/usage.md says.
const unrecorded = 11 * time.Second

// compareKilled compares the ledger of the killed node with what its clients have counted.
func (x *chaos) compareKilled(t *testing.T, ledger map[cell]int64) {
	const waiting = 256 // events, for each session: what a killed node takes along
	clients := x.sum(onDoomed, got)
	least := x.sum(onDoomed, func(c *customer) int64 { return c.before(x.killedAt.Add(-unrecorded)) })
	sessions := x.sum(onDoomed, func(*customer) int64 { return 1 })
	for _, consumer := range crowdConsumers {
		for _, operation := range crowdOperations {
			c := cell{consumer, operation}
			if ledger[c] < least[c] {
				t.Errorf("%v: the ledger has %d, and clients had %d 11 s before the node was killed", c, ledger[c], least[c])
			}
			if consumer != rude && ledger[c] > clients[c]+waiting*sessions[c] {
				t.Errorf("%v: the ledger has %d, and clients %d", c, ledger[c], clients[c])
			}
		}
	}
	t.Logf("the ledger has %d of %d, of which %d had to be there: it has lost the last %v",
		total(ledger), total(clients), total(least), x.lost(total(ledger)).Round(time.Millisecond))
}

// lost is for how long the clients of the killed node had been getting what is not among the first so many.
func (x *chaos) lost(kept int64) time.Duration {
	var times []time.Time
	for _, c := range x.all {
		times = append(times, c.times...)
	}
	slices.SortFunc(times, time.Time.Compare)
	if kept == 0 || kept > int64(len(times)) {
		return 0
	}
	return x.killedAt.Sub(times[kept-1])
}

// compareQuota compares what the metered consumer has had with its quota, and with the counter of it.
func (x *chaos) compareQuota(t *testing.T) {
	const block = 64 // what a node may hold
	c := cell{metered, watchPrices}
	had := x.sum(func(*customer) bool { return true }, got)[c]
	granted, charged, returned, forfeited := x.quotaUsed()
	t.Logf("%d of %d were delivered; granted %d, charged %d, returned %d, forfeited %d", had, dayQuota, granted, charged, returned, forfeited)
	if used := granted - returned; had > used || used > dayQuota {
		t.Errorf("clients have %d, and the counter has granted %d of %d", had, used, dayQuota)
	}
	if least := int64(dayQuota - block - 5*behind); had < least { // what clients of a killed node have not read yet
		t.Errorf("clients have %d, less than %d", had, least)
	}
	if open := granted - charged - returned - forfeited; open < 0 || open > block {
		t.Errorf("%d events are neither charged nor returned nor forfeited: more than a killed node held", open)
	}
	for _, one := range x.all {
		if one.cell == c && notOnDoomed(one) && one.why != "BUDGET_EVENTS" {
			t.Errorf("a client of the metered consumer at %d by %s has ended by %q", one.at, one.way, one.why)
		}
	}
}

// compareBudgets checks the balance of each node that lives, and that what was charged was delivered.
func (x *chaos) compareBudgets(t *testing.T, nodes []totalsStats) {
	for at, s := range nodes {
		b := s.Budgets
		t.Logf("%s: %+v", strings.Split("a b", " ")[at], b)
		if b.Granted != b.Charged+b.Returned+b.Forfeited+b.Held {
			t.Errorf("it does not balance: %+v", b)
		}
		had := x.sum(func(c *customer) bool { return c.at == at }, got)[cell{metered, watchPrices}]
		if b.Charged-b.Stranded != had || b.Overdraft != 0 {
			t.Errorf("charged %d, stranded %d, and clients have %d", b.Charged, b.Stranded, had)
		}
	}
}

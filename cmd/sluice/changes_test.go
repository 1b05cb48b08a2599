package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/internal/pgtest"
	"github.com/sluice-gateway/sluice/internal/redistest"
	"github.com/sluice-gateway/sluice/store"
)

const (
	changedPrices = `subscription { priceChanged(productIds: ["7"]) { price note } }`
	livePrice     = `query @live(throttle: 100) { product(id: "7") { price } }`
	reads         = "this node reads the changes of the database"
)

func changed(price, note string) string {
	return fmt.Sprintf(`{"data":{"priceChanged":{"price":"%s","note":%s}}}`, price, note)
}

func alive(price string) string {
	return fmt.Sprintf(`{"data":{"product":{"price":"%s"}},"isLive":true}`, price)
}

// expect compares the next event.
func (s *subscriber) expect(want string) {
	s.t.Helper()
	if got := s.next(); got != want {
		s.t.Errorf("got %s, want %s", got, want)
	}
}

// watchLive runs a live query by SSE, and returns when it has its first result.
func (p *process) watchLive(query, first string) *subscriber {
	p.t.Helper()
	body, _ := json.Marshal(map[string]string{"query": query})
	ctx, cancel := context.WithCancel(context.Background())
	r, _ := http.NewRequestWithContext(ctx, http.MethodPost, p.public+"/graphql", bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "text/event-stream")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		cancel()
		p.t.Fatal(err)
	}
	s := &subscriber{t: p.t, events: make(chan string, 1000)}
	var reading sync.WaitGroup
	reading.Go(func() {
		defer close(s.events)
		defer func() { _ = answer.Body.Close() }()
		for lines := bufio.NewScanner(answer.Body); lines.Scan(); {
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				s.events <- data
			}
		}
	})
	p.t.Cleanup(func() { cancel(); reading.Wait() })
	s.expect(first)
	return s
}

// fill makes the storefront before a gateway does.
func fill(t *testing.T, database *pgtest.Server) {
	t.Helper()
	shop, err := store.Open(t.Context(), database.URL())
	if err != nil {
		t.Fatal(err)
	}
	if err := shop.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestDatabaseChangesReachTheSubscribersOfEveryNode(t *testing.T) {
	database, redis := pgtest.StartServer(t), redistest.Start(t)
	fill(t, database)
	database.SQL(`UPDATE products SET price = 1000 WHERE id = 7`)
	var nodes []*process
	for range 2 {
		nodes = append(nodes, start(t, "--redis", redis.URL(), "--database", database.URL(), "--database-changes", "on"))
	}
	for _, p := range nodes {
		p.until("it is ready", func() bool { return p.status("/readyz") == http.StatusOK })
	}
	var events, lives []*subscriber
	for _, p := range nodes {
		lives = append(lives, p.watchLive(livePrice, alive("10.00")))
		events = append(events, p.subscribe(changedPrices))
	}

	t.Run("what SQL changes, once", func(t *testing.T) {
		began := time.Now()
		database.SQL(`UPDATE products SET price = 1100 WHERE id = 7`)
		for i := range nodes {
			events[i].expect(changed("11.00", "null"))
			t.Logf("after %v, with psql", time.Since(began).Round(time.Millisecond))
			lives[i].expect(alive("11.00"))
		}
	})
	t.Run("what a mutation changes, once", func(t *testing.T) {
		if got := nodes[0].run(`mutation { changePrice(productId: "7", price: "12.00", note: "mine") { revision } }`); !strings.Contains(got, "revision") {
			t.Fatal(got)
		}
		database.SQL(`UPDATE products SET price = 1300 WHERE id = 7`)
		for i := range nodes {
			events[i].expect(changed("12.00", `"mine"`))
			events[i].expect(changed("13.00", "null"))
			for got := ""; got != alive("13.00"); {
				got = lives[i].next() // the price between them may be passed over
			}
		}
	})
	t.Run("what has no event reaches live queries", func(t *testing.T) {
		names := nodes[1].watchLive(`query @live(throttle: 100) { product(id: "7000") { name } }`, `{"data":{"product":null},"isLive":true}`)
		database.SQL(`INSERT INTO products VALUES (7000, 'Pot', 'D', 'C', 100, 'EUR', 7, 1, 0)`)
		names.expect(`{"data":{"product":{"name":"Pot"}},"isLive":true}`)
		database.SQL(`UPDATE products SET name = 'Kettle' WHERE id = 7000`)
		names.expect(`{"data":{"product":{"name":"Kettle"}},"isLive":true}`)
	})
	t.Run("another node goes on when the one that reads is killed", func(t *testing.T) {
		reader, other := 0, 1
		if strings.Contains(nodes[1].printed(), reads) {
			reader, other = 1, 0
		}
		_ = nodes[reader].cmd.Process.Kill()
		began := time.Now()
		database.SQL(`UPDATE products SET price = 1400 WHERE id = 7`)
		events[other].expect(changed("14.00", "null"))
		t.Logf("after %v", time.Since(began).Round(time.Millisecond))
		lives[other].expect(alive("14.00"))
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

// The price is the moment in which its statement ran, in milliseconds of the hour.
const setPriceToNow = `UPDATE products SET price = 1 + CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint) % 3600000 WHERE id = 7`

func TestDatabaseChangesOfABusyDatabaseArriveSoon(t *testing.T) {
	database := pgtest.StartServer(t)
	p := start(t, "--database", database.URL(), "--database-changes", "on")
	p.until("it is ready", func() bool { return p.status("/readyz") == http.StatusOK })
	s := p.subscribe(`subscription { priceChanged(productIds: ["7"]) { price } }`)
	const commits = 200
	var committing sync.WaitGroup
	committing.Go(func() {
		database.SQL(fmt.Sprintf(`DO $$ BEGIN FOR i IN 1..%d LOOP %s; COMMIT; PERFORM pg_sleep(0.005); END LOOP; END $$`, commits, setPriceToNow))
	})
	defer committing.Wait()
	var took []time.Duration
	for range commits {
		var event struct {
			Data struct{ PriceChanged struct{ Price string } }
		}
		if err := json.Unmarshal([]byte(s.next()), &event); err != nil {
			t.Fatal(err)
		}
		sent, err := strconv.ParseInt(strings.Replace(event.Data.PriceChanged.Price, ".", "", 1), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		took = append(took, time.Duration((time.Now().UnixMilli()%3_600_000-(sent-1)+3_600_000)%3_600_000)*time.Millisecond)
	}
	slices.Sort(took)
	t.Logf("from the statement to the subscriber: median %v, longest %v", took[commits/2], took[commits-1])
	if took[commits/2] > time.Second {
		t.Errorf("half of the changes took more than %v", took[commits/2])
	}
}

func TestDatabaseChangesThatCannotBeRead(t *testing.T) {
	database := pgtest.StartServer(t, "wal_level=replica")
	t.Run("stop the start where they must be", func(t *testing.T) {
		cmd := exec.Command(os.Args[0], "--listen", freeAddress(t), "--operator-listen", "off", "--database", database.URL(), "--database-changes", "on")
		cmd.Env = append(os.Environ(), "SLUICE_TEST_PROCESS=1")
		out, _ := cmd.CombinedOutput()
		if cmd.ProcessState.ExitCode() != 1 || !strings.Contains(string(out), "ALTER SYSTEM SET wal_level = 'logical'") {
			t.Errorf("exit %d, %s", cmd.ProcessState.ExitCode(), out)
		}
	})
	t.Run("are warned of, and the gateway serves", func(t *testing.T) {
		p := start(t, "--database", database.URL())
		p.until("it is ready", func() bool { return p.status("/readyz") == http.StatusOK })
		if n := strings.Count(p.printed(), "what others change in the database reaches no subscriber"); n != 1 {
			t.Errorf("it was warned %d times", n)
		}
	})
}

func TestDatabaseChangesThatNobodyReadsAreNotReady(t *testing.T) {
	database := pgtest.StartServer(t)
	p := start(t, "--database", database.URL(), "--database-changes", "on")
	p.until("it is ready", func() bool { return p.status("/readyz") == http.StatusOK })
	// Whoever takes the slot's place is no reader of ours.
	database.SQL(`DO $$ BEGIN
		FOR i IN 1..100 LOOP
			BEGIN
				PERFORM pg_terminate_backend(active_pid, 5000) FROM pg_replication_slots WHERE active;
				PERFORM pg_drop_replication_slot('sluice');
				PERFORM pg_create_logical_replication_slot('sluice', 'test_decoding');
				RETURN;
			EXCEPTION WHEN object_in_use THEN NULL;
			END;
		END LOOP;
	END $$`)
	p.until("it is not ready", func() bool { return p.status("/readyz") == http.StatusServiceUnavailable })
	p.until("the check says why", func() bool { return strings.Contains(p.check("changes"), "has a slot") })
	database.SQL(`SELECT pg_drop_replication_slot('sluice')`)
	p.until("it is ready again", func() bool { return p.status("/readyz") == http.StatusOK })
}

// check is why a check of /readyz fails.
func (p *process) check(name string) string {
	p.t.Helper()
	answer, err := http.Get(p.public + "/readyz")
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	var ready struct {
		Checks map[string]struct{ Reason string }
	}
	if err := json.NewDecoder(answer.Body).Decode(&ready); err != nil {
		p.t.Fatal(err)
	}
	return ready.Checks[name].Reason
}

func TestSettingsOfDatabaseChanges(t *testing.T) {
	for _, c := range []struct {
		name  string
		flags []string
		want  string // in the error; empty: there is none
	}{
		{"the default", nil, ""},
		{"off", []string{"--database-changes", "off"}, ""},
		{"auto on SQLite", []string{"--database-changes", "auto", "--database", "shop.db"}, ""},
		{"on PostgreSQL", []string{"--database-changes", "on", "--database", "postgres://h/d"}, ""},
		{"on SQLite", []string{"--database-changes", "on"}, "on needs a postgres:// database"},
		{"perhaps", []string{"--database-changes", "perhaps"}, `"perhaps" is none of`},
		{"a slot's name that is none", []string{"--database-slot", "Sluice!"}, "no name of a slot"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := load(t, c.flags, nil, "")
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("the error is %v, want %q", err, c.want)
			}
		})
	}
}

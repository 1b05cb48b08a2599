package replication

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sluice-gateway/sluice/internal/pgtest"
)

// dropSlot drops the slot before the node that reads it takes it again.
const dropSlot = `DO $$ BEGIN
	FOR i IN 1..100 LOOP
		BEGIN
			PERFORM pg_terminate_backend(active_pid, 5000) FROM pg_replication_slots WHERE active;
			PERFORM pg_drop_replication_slot('sluice');
			RETURN;
		EXCEPTION WHEN object_in_use THEN NULL;
		END;
	END LOOP;
END $$`

func TestWhatTheSlotHasLostIsToldAsEverything(t *testing.T) {
	server, _, n := ready(t)
	for _, c := range []struct{ name, sql string }{
		{"somebody drops the slot", dropSlot},
		{"somebody drops the publication", `DROP PUBLICATION sluice; UPDATE products SET stock = 1 WHERE id = 3`},
		{"somebody makes the publication anew", `DROP PUBLICATION sluice; UPDATE products SET stock = 1 WHERE id = 3;
			CREATE PUBLICATION sluice FOR TABLE products, orders, order_lines`},
	} {
		t.Run(c.name, func(t *testing.T) {
			n.log.forget()
			server.SQL(c.sql)
			n.log.expect(t, everything)
			n.reads(t)
			server.SQL(`UPDATE products SET stock = 6 WHERE id = 1; UPDATE products SET stock = 5 WHERE id = 1`)
			n.log.expect(t, everything, "product 1: 10.00/5/1 > 10.00/6/1", "product 1: 10.00/6/1 > 10.00/5/1")
			if !strings.Contains(n.text.String(), "the slot of the database's changes is lost") {
				t.Error("no operator was told")
			}
		})
	}
}

func TestASlotThatTheServerHasGivenUpIsMadeAnew(t *testing.T) {
	server, _, n := ready(t, "max_slot_wal_keep_size=1MB", "max_wal_size=32MB", "min_wal_size=32MB")
	n.end()
	server.SQL(`UPDATE products SET stock = 6 WHERE id = 1`)
	for range 10 {
		server.SQL(`SELECT pg_logical_emit_message(false, 'x', 'x'), pg_switch_wal(); CHECKPOINT`)
	}
	if got := server.SQL(`SELECT wal_status FROM pg_replication_slots`); got != "lost" {
		t.Fatalf("the slot is %s", got)
	}
	n.log.forget()
	second := start(t, server.URL(), n.log)
	second.log.expect(t, everything)
	second.reads(t)
	if !strings.Contains(second.text.String(), "wal_status=lost") {
		t.Error("no operator was told")
	}
	server.SQL(`UPDATE products SET stock = 7 WHERE id = 1`)
	second.log.expect(t, everything, "product 1: 10.00/6/1 > 10.00/7/1")
}

func TestASlotIsMadeWhenTransactionsBeforeItHaveEnded(t *testing.T) {
	server := pgtest.StartServer(t)
	_ = shop(t, server)
	trim(server)
	conn, err := pgx.Connect(t.Context(), server.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	do := func(sql string) {
		t.Helper()
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	if err := check(t, server.URL()); err != nil { // which waits for no transaction, but for tables
		t.Fatal(err)
	}
	do(`BEGIN; UPDATE products SET stock = 6 WHERE id = 1`)
	n := start(t, server.URL(), newLog())
	waits := func() bool {
		s := n.Status()
		return strings.Contains(s.Reason, "the server waits for transactions") && !s.Reading()
	}
	until(t, "the node waits", waits)
	n.end() // even then
	n = start(t, server.URL(), n.log)
	until(t, "another node waits", waits)
	do(`COMMIT`)
	n.log.expect(t, everything)
	n.reads(t)
	server.SQL(`UPDATE products SET stock = 7 WHERE id = 1`)
	n.log.expect(t, everything, "product 1: 10.00/6/1 > 10.00/7/1")
}

func TestASlotThatFallsBehindIsReported(t *testing.T) {
	server, _, n := ready(t)
	second := start(t, server.URL(), n.log)
	n.log.fail(errAway)
	server.SQL(`UPDATE products SET stock = 6 WHERE id = 1; SELECT pg_logical_emit_message(false, 'x', repeat('x', 70000000))`)
	until(t, "the other node sees it", func() bool { return !second.Status().Since.IsZero() })
	if s := second.Status(); s.LagBytes < maxLag || time.Since(s.Since) > limit {
		t.Errorf("the status is %+v", s)
	}
	if !strings.Contains(second.text.String(), "level=WARN msg=\"the changes of the database are read too slowly") {
		t.Error("no operator was told")
	}
	n.log.fail(nil)
	until(t, "it has caught up", func() bool { s := second.Status(); return s.Since.IsZero() && s.LagBytes < maxLag })
}

func TestTheSlotOfAnIdleDatabaseHoldsNoLog(t *testing.T) {
	server, _, n := ready(t)
	second := start(t, server.URL(), n.log)
	server.SQL(`CREATE TABLE elsewhere (n int); INSERT INTO elsewhere SELECT generate_series(1, 100000)`)
	until(t, "the lag is seen", func() bool { return second.Status().LagBytes > 0 || second.Status().Reading() })
	until(t, "the lag is gone", func() bool { return second.Status().LagBytes < 1000 })
	if told, _ := n.log.state(); len(told) > 0 {
		t.Errorf("told was %q", told)
	}
}

func TestADeploymentWithAnotherNameReadsForItself(t *testing.T) {
	server, s, n := ready(t)
	other := start(t, server.URL(), newLog(), Options{Name: "blue_2"})
	other.log.expect(t, everything)
	other.reads(t)
	s.MarkWrites(DefaultName)
	if _, err := s.ChangePrice(t.Context(), "1", 1); err != nil {
		t.Fatal(err)
	}
	other.log.expect(t, everything, "product 1: 10.00/5/1 > 0.01/5/2")
	if told, _ := n.log.state(); len(told) > 0 {
		t.Errorf("told was %q", told)
	}
}

func TestSomebodyTakesBackWhatTheLogTells(t *testing.T) {
	server, _, n := ready(t)
	server.SQL(`ALTER TABLE products REPLICA IDENTITY DEFAULT;
		BEGIN; UPDATE products SET stock = 6 WHERE id = 1; DELETE FROM products WHERE id = 2; COMMIT`)
	n.log.expect(t, everything)
	n.log.forget()
	n.end()
	n = start(t, server.URL(), n.log)
	n.reads(t)
	server.SQL(`UPDATE products SET stock = 7 WHERE id = 1`)
	n.log.expect(t, "product 1: 10.00/6/1 > 10.00/7/1")
}

func TestWhatIsInTheWayIsSaidAtTheStart(t *testing.T) {
	for _, c := range []struct{ name, setting, prepare, user, want string }{
		{"the server does not log enough", "wal_level=replica", ``, "postgres", "wal_level is replica and must be logical: ALTER SYSTEM SET wal_level"},
		{"the role may not replicate", "", `CREATE ROLE jo LOGIN`, "jo", "ALTER ROLE jo REPLICATION"},
		{"the role may not make a publication", "", `CREATE ROLE jo LOGIN REPLICATION`, "jo", "CREATE on the database and must own the tables"},
		{
			"the slot is another database's", "", `CREATE DATABASE other; \c other
			SELECT pg_create_logical_replication_slot('sluice', 'pgoutput')`, "postgres", `has a slot "sluice" already`,
		},
		{"the slot is somebody else's", "", `SELECT pg_create_logical_replication_slot('sluice', 'test_decoding')`, "postgres", `has a slot "sluice" already`},
	} {
		t.Run(c.name, func(t *testing.T) {
			settings := []string{}
			if c.setting != "" {
				settings = append(settings, c.setting)
			}
			server := pgtest.StartServer(t, settings...)
			_ = shop(t, server)
			server.SQL(c.prepare)
			err := check(t, strings.Replace(server.URL(), "postgres@", c.user+":secret@", 1))
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "secret") {
				t.Errorf("the error is %v, want one that says %s", err, c.want)
			}
		})
	}
	t.Run("nothing, for a role whose owner has prepared it", func(t *testing.T) {
		server := pgtest.StartServer(t)
		_ = shop(t, server)
		server.SQL(`CREATE ROLE jo LOGIN REPLICATION; GRANT SELECT ON ALL TABLES IN SCHEMA public TO jo;
			CREATE PUBLICATION sluice FOR TABLE products, orders, order_lines; ALTER TABLE products REPLICA IDENTITY FULL;
			ALTER TABLE orders REPLICA IDENTITY FULL; ALTER TABLE order_lines REPLICA IDENTITY FULL`)
		if err := check(t, strings.Replace(server.URL(), "postgres@", "jo@", 1)); err != nil {
			t.Error(err)
		}
	})
	t.Run("the server is away", func(t *testing.T) {
		server := pgtest.StartServer(t)
		server.Kill()
		if err := check(t, server.URL()); err == nil {
			t.Error("it is said to work")
		}
	})
}

func check(t *testing.T, dsn string) error {
	t.Helper()
	r, err := New(dsn, newLog(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	return r.Check(t.Context())
}

func TestBadNamesAndURLs(t *testing.T) {
	for _, name := range []string{"Sluice", "a b", "a;b", "ä", strings.Repeat("a", 64)} {
		if _, err := New("postgres://localhost/x", newLog(), Options{Name: name}); err == nil {
			t.Errorf("%q is accepted", name)
		}
	}
	for _, dsn := range []string{"shop.db", "postgres://jo:se/cret@h/d"} {
		if _, err := New(dsn, newLog(), Options{}); err == nil || strings.Contains(err.Error(), "cret") {
			t.Errorf("%s: %v", dsn, err)
		}
	}
}

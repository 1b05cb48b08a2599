package replication

import (
	"context"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/sluice-gateway/sluice/store"
)

func TestWhatIsCommittedBySQLArrivesOnceAndInOrder(t *testing.T) {
	server, _, n := ready(t)
	for _, c := range []struct {
		name, sql string
		want      []string
	}{
		{
			"an update that raises no revision",
			`UPDATE products SET price = 1200 WHERE id = 1`,
			[]string{"product 1: 10.00/5/1 > 12.00/5/1"},
		},
		{
			"a new row",
			`INSERT INTO products VALUES (42, 'N', 'D', 'C', 100, 'EUR', 7, 1, 0)`,
			[]string{"product 42: none > 1.00/7/1"},
		},
		{
			"a row that is gone",
			`DELETE FROM products WHERE id = 42`,
			[]string{"product 42: 1.00/7/1 > none"},
		},
		{
			"a transaction, row by row",
			`BEGIN; UPDATE products SET stock = stock + id WHERE id IN (2, 3); UPDATE products SET stock = 9 WHERE id = 2; COMMIT`,
			[]string{"product 2: 10.00/5/1 > 10.00/7/1", "product 3: 10.00/5/1 > 10.00/8/1", "product 2: 10.00/7/1 > 10.00/9/1"},
		},
		{
			"an order with its lines",
			`BEGIN; INSERT INTO orders VALUES ('A', 'ann', 100, 'EUR', 'PLACED', 0, 0);
			INSERT INTO order_lines VALUES ('A', 0, 1, 2, 50); COMMIT;
			UPDATE orders SET status = 'PACKED' WHERE id = 'A'; DELETE FROM orders WHERE id = 'A'`,
			[]string{
				"order A: none > PLACED", "line A: none > 2x1", "order A: PLACED > PACKED",
				"order A: PACKED > none", "line A: 2x1 > none",
			},
		},
		{
			"nothing that was rolled back",
			`BEGIN; UPDATE products SET price = 1 WHERE id = 1; ROLLBACK; UPDATE products SET price = 1300 WHERE id = 1`,
			[]string{"product 1: 12.00/5/1 > 13.00/5/1"},
		},
		{
			"long text that stays is not missing",
			`UPDATE products SET description = (SELECT string_agg(md5(CAST(i AS text)), '') FROM generate_series(1, 2000) i) WHERE id = 3;
			UPDATE products SET price = 1100 WHERE id = 3`,
			[]string{"product 3: 10.00/8/1 > 10.00/8/1", "product 3: 10.00/8/1 > 11.00/8/1"},
		},
		{
			"a table that is emptied",
			`TRUNCATE order_lines, orders`,
			[]string{everything},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			n.log.forget()
			server.SQL(c.sql)
			n.log.expect(t, c.want...)
		})
	}
}

func TestALargeTransactionComesInPieces(t *testing.T) {
	server, _, n := ready(t)
	server.SQL(`INSERT INTO products SELECT i, 'N', 'D', 'C', 100, 'EUR', 7, 1, 0 FROM generate_series(1001, 6000) i; UPDATE products SET price = 1200 WHERE id = 1`)
	told := n.log.until(t, "all of it", func(told []string) bool { return len(told) >= 5001 })
	if len(told) != 5001 || told[5000] != "product 1: 10.00/5/1 > 12.00/5/1" {
		t.Errorf("%d changes were told, the last of them %s", len(told), told[len(told)-1])
	}
	if calls := n.log.tries(); calls < 6 {
		t.Errorf("they were told in %d calls", calls)
	}
}

func TestWritesOfTheStoreItselfAreNotTold(t *testing.T) {
	server, s, n := ready(t)
	s.MarkWrites(DefaultName)
	if _, err := s.ChangePrice(t.Context(), "1", 1); err != nil {
		t.Fatal(err)
	}
	placed, err := s.PlaceOrder(t.Context(), "ann", []store.OrderLineInput{{ProductID: "2", Quantity: 1}, {ProductID: "3", Quantity: 1}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.AdvanceOrder(t.Context(), placed.Order.ID); err != nil {
		t.Fatal(err)
	}
	server.SQL(`UPDATE products SET stock = 9 WHERE id = 1`)
	n.log.expect(t, "product 1: 0.01/5/2 > 0.01/9/2")

	s.MarkWrites("another")
	n.log.forget()
	if _, err := s.Restock(t.Context(), "1", 1); err != nil {
		t.Fatal(err)
	}
	n.log.expect(t, "product 1: 0.01/9/2 > 0.01/10/3")
}

// The log tells of a commit before others see it. A handler that was told then would look, and find what
// was before.
func TestACommitIsToldWhenEverybodySeesIt(t *testing.T) {
	server, _, n := ready(t)
	server.SQL(`ALTER SYSTEM SET synchronous_standby_names = 'nobody'`)
	server.SQL(`SELECT pg_reload_conf()`)
	until(t, "the server has read that", func() bool { return server.SQL(`SHOW synchronous_standby_names`) == "nobody" })
	conn, err := pgx.Connect(t.Context(), server.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	var committing sync.WaitGroup
	committing.Go(func() {
		if _, err := conn.Exec(t.Context(), `UPDATE products SET stock = 6 WHERE id = 1`); err != nil {
			t.Error(err)
		}
	})
	glances := map[string]bool{}
	until(t, "the reader has looked for it several times", func() bool {
		glances[server.SQL(`SELECT query_start FROM pg_stat_activity WHERE query LIKE '%pg_current_snapshot() AS text%' AND pid <> pg_backend_pid()`)] = true
		return len(glances) > 5
	})
	if told, _ := n.log.state(); len(told) > 0 {
		t.Errorf("told was %q before anybody sees it", told)
	}
	server.SQL(`ALTER SYSTEM SET synchronous_standby_names = ''`)
	server.SQL(`SELECT pg_reload_conf()`)
	n.log.expect(t, "product 1: 10.00/5/1 > 10.00/6/1")
	committing.Wait()
}

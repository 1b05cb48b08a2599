package store

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/sluice-gateway/sluice/internal/pgtest"
)

// away fails unless err says that the database cannot be used now.
func away(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, ErrUnavailable) {
		t.Errorf("the error is %v, want one that wraps ErrUnavailable", err)
	}
}

func TestADatabaseThatIsKilledIsUnavailableUntilItIsBack(t *testing.T) {
	server := pgtest.StartServer(t)
	s := open(t, server.URL())
	before := product(t, s, "1")
	server.Kill()

	_, err := s.Product(t.Context(), "1")
	away(t, err)
	_, err = s.ChangePrice(t.Context(), "1", 100)
	away(t, err)
	_, err = s.Key(t.Context(), "a")
	away(t, err)
	away(t, s.Ping(t.Context()))
	_, err = Open(t.Context(), server.URL())
	away(t, err)

	server.Restart()
	if after := product(t, s, "1"); after != before {
		t.Errorf("the product is %+v, want %+v", after, before)
	}
	if _, err := s.ChangePrice(t.Context(), "1", 100); err != nil {
		t.Errorf("a write after the outage: %v", err)
	}
}

// A gateway's own role needs no right to change tables when somebody else has migrated them.
func TestARoleThatMayNotMigrateCanServe(t *testing.T) {
	dsn := pgtest.Start(t)
	owner := open(t, dsn)
	run := func(texts ...string) error {
		return owner.write(context.WithoutCancel(t.Context()), writeKeys, func(tx tx) error {
			var errs []error
			for _, text := range texts {
				errs = append(errs, tx.Exec(text))
			}
			return errors.Join(errs...)
		})
	}
	err := run(
		`CREATE ROLE gateway LOGIN`,
		`GRANT SELECT ON goose_db_version TO gateway`,
		`GRANT SELECT, INSERT, UPDATE ON products, orders, order_lines, api_keys TO gateway`,
	)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := run(`DROP OWNED BY gateway`, `DROP ROLE gateway`); err != nil {
			t.Error(err)
		}
	})
	s := open(t, strings.Replace(dsn, "postgres@", "gateway@", 1))
	withStock(t, s, "1")
	if _, err := s.PlaceOrder(t.Context(), "ada", []OrderLineInput{{"1", 1}}); err != nil {
		t.Error(err)
	}
}

// A page reads its own rows and no more, whatever its order: with sorting forbidden, it still has an
// index to walk, which a cursor enters in the middle.
func TestPagesWalkAnIndexOfPostgreSQL(t *testing.T) {
	s := open(t, pgtest.Start(t)+"&enable_sort=off&enable_seqscan=off&enable_bitmapscan=off")
	for _, field := range []ProductOrderField{ByName, ByPrice, ByUpdated} {
		cursor := cursorOf(new(product(t, s, "7")), field)
		plan, err := ProductQuery{Last: new(int32(5)), Before: &cursor, Order: ProductOrder{Field: field}}.plan(s.dialect)
		if err != nil {
			t.Fatal(err)
		}
		var steps string
		err = s.query(t.Context(), ping, "EXPLAIN "+plan.text, func(r row) error {
			var step string
			err := r.Scan(&step)
			steps += step + "\n"
			return err
		}, plan.args...)
		if err != nil || strings.Contains(steps, "Sort") ||
			!strings.Contains(steps, "Index Scan Backward using products_by_") || !strings.Contains(steps, "Index Cond: (ROW(") {
			t.Errorf("by %s, the plan is\n%s (%v)", field, steps, err)
		}
	}
}

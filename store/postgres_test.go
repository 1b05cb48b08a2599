package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
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

func TestConnectionsThatWereClosedWhileIdleHurtNobody(t *testing.T) {
	server := pgtest.StartServer(t)
	s := open(t, server.URL())
	for _, c := range []struct {
		name       string
		disconnect func()
	}{
		{"the server crashed", server.Restart},
		{"an operator closed them", func() {
			server.SQL(`SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE application_name = 'sluice'`)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var all sync.WaitGroup
			for range 4 * connections { // several connections of each pool
				all.Go(func() { _, _ = s.ChangePrice(t.Context(), "1", 100) })
				all.Go(func() { _, _ = s.Product(t.Context(), "1") })
			}
			all.Wait()
			c.disconnect()
			for range connections {
				if err := s.Ping(t.Context()); err != nil {
					t.Errorf("a read: %v", err)
				}
				if _, err := s.ChangePrice(t.Context(), "1", 100); err != nil {
					t.Errorf("a write: %v", err)
				}
			}
		})
	}
}

func TestADatabaseThatHangsIsUnavailableInTime(t *testing.T) {
	server := pgtest.StartServer(t)
	s := open(t, server.URL())
	server.Stop()
	s.reader.timeout, s.writer.timeout = 200*time.Millisecond, 200*time.Millisecond
	_, err := s.Product(t.Context(), "1")
	away(t, err)
	_, err = s.ChangePrice(t.Context(), "1", 100)
	away(t, err)

	// The caller's own deadline is not the database's fault.
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err = s.Product(ctx, "1"); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, ErrUnavailable) {
		t.Errorf("the error is %v, want context.DeadlineExceeded alone", err)
	}
	server.Cont()
	s.reader.timeout = callTimeout
	if err := s.Ping(t.Context()); err != nil {
		t.Errorf("after the pause: %v", err)
	}
}

func TestAServerThatAcceptsAndSaysNothingIsUnavailableInTime(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	_, err = Open(t.Context(), "postgres://ann@"+l.Addr().String()+"/shop?connect_timeout=1&sslmode=disable")
	away(t, err)
}

func TestAWriteDoesNotWaitForARowForEver(t *testing.T) {
	s := open(t, pgtest.Start(t)+"&statement_timeout=300")
	err := s.write(t.Context(), func(holder tx) error {
		if _, err := s.changeProduct(holder, "1", func(*Product) error { return nil }); err != nil {
			return err
		}
		_, err := s.ChangePrice(t.Context(), "1", 100)
		away(t, err)
		if _, err := s.Product(t.Context(), "1"); err != nil { // reads are not in the way
			t.Error(err)
		}
		_, err = s.ChangePrice(t.Context(), "2", 100)
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestADeadlockIsResolvedByAnotherAttempt(t *testing.T) {
	s := open(t, pgtest.Start(t)+"&deadlock_timeout=50")
	both := make(chan struct{}) // closed when each transaction holds its first product
	var arrived, all sync.WaitGroup
	arrived.Add(2)
	go func() { arrived.Wait(); close(both) }()
	var mu sync.Mutex // guards attempts
	attempts := 0
	for _, ids := range [][2]string{{"1", "2"}, {"2", "1"}} {
		all.Go(func() {
			var first sync.Once
			err := s.write(t.Context(), func(t tx) error {
				mu.Lock()
				attempts++
				mu.Unlock()
				for _, id := range ids {
					if _, err := s.changeProduct(t, id, func(p *Product) error { p.Stock++; return nil }); err != nil {
						return err
					}
					first.Do(func() { arrived.Done(); <-both })
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if attempts < 3 {
		t.Errorf("there were %d attempts: no deadlock", attempts)
	}
	for i, id := range []string{"1", "2"} {
		if got, want := product(t, s, id), Seed()[i]; got.Stock != want.Stock+2 || got.Revision != want.Revision+2 {
			t.Errorf("the product is %+v, want two more than %+v", got, want)
		}
	}
}

func TestTheAttemptsOfATransactionAreCounted(t *testing.T) {
	s := open(t, pgtest.Start(t))
	for _, c := range []struct {
		name     string
		failures int
		state    string
		attempts int
		want     error
	}{
		{"what is undone once is done again", 1, "40001", 2, nil},
		{"what is undone always is given up", 100, "40001", attempts, ErrUnavailable},
		{"what fails for a reason is not done again", 100, "23505", 1, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			done := 0
			err := s.write(t.Context(), func(tx) error {
				done++
				if done <= c.failures {
					return fmt.Errorf("a step: %w", &pgconn.PgError{Code: c.state})
				}
				return nil
			})
			if done != c.attempts || errors.Is(err, ErrUnavailable) != (c.want != nil) {
				t.Errorf("%d attempts, %v", done, err)
			}
		})
	}
}

func TestWhatIsUnavailable(t *testing.T) {
	state := func(code string) error { return fmt.Errorf("a step: %w", &pgconn.PgError{Code: code}) }
	for _, c := range []struct {
		name string
		err  error
		want bool
	}{
		{"the server is shut down by its operator", state("57P01"), true},
		{"the server is starting", state("57P03"), true},
		{"a statement took too long", state("57014"), true},
		{"there are too many connections", state("53300"), true},
		{"the disk is full", state("53100"), true},
		{"the server has become a replica", state("25006"), true},
		{"a lock was not to be had", state("55P03"), true},
		{"a disk fails", state("58030"), true},
		{"a key is taken", state("23505"), false},
		{"a check fails", state("23514"), false},
		{"a table is missing", state("42P01"), false},
		{"the password is wrong", state("28P01"), false},
		{"the connection was closed", io.ErrUnexpectedEOF, true},
		{"the driver gave the connection up", driver.ErrBadConn, true},
		{"nobody listens", &net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded}, true},
		{"a mistake of the caller", refuse("no"), false},
		{"a mistake of ours", errors.New("sql: Scan error"), false},
	} {
		if got := postgresAway(c.err); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestReadsCannotWrite(t *testing.T) {
	s := open(t, pgtest.Start(t))
	err := s.reader.query(t.Context(), `UPDATE products SET stock = 0 RETURNING id`, func(row) error { return nil })
	if sqlState(err) != "25006" {
		t.Errorf("the error is %v, want 25006", err)
	}
}

// A gateway's own role needs no right to change tables when somebody else has migrated them.
func TestARoleThatMayNotMigrateCanServe(t *testing.T) {
	dsn := pgtest.Start(t)
	owner := open(t, dsn)
	for _, text := range []string{
		`CREATE ROLE gateway LOGIN`,
		`GRANT SELECT ON goose_db_version TO gateway`,
		`GRANT SELECT, INSERT, UPDATE ON products, orders, order_lines, api_keys TO gateway`,
	} {
		if _, err := owner.writer.db.ExecContext(t.Context(), text); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		if _, err := owner.writer.db.ExecContext(context.Background(), `DROP OWNED BY gateway; DROP ROLE gateway`); err != nil {
			t.Error(err)
		}
	})
	s := open(t, strings.Replace(dsn, "postgres@", "gateway@", 1))
	withStock(t, s, "1")
	if _, err := s.PlaceOrder(t.Context(), "ada", []OrderLineInput{{"1", 1}}); err != nil {
		t.Error(err)
	}
}

func TestADatabaseThatCannotKeepEveryTextIsRefused(t *testing.T) {
	_, err := Open(t.Context(), pgtest.Start(t, "TEMPLATE template0", "ENCODING 'LATIN1'", "LOCALE_PROVIDER libc"))
	if err == nil || !strings.Contains(err.Error(), "LATIN1") {
		t.Errorf("the error is %v, want one that names the encoding", err)
	}
}

// A page reads its own rows and no more, whatever its order: with sorting forbidden, it still has an
// index to walk, which a cursor enters in the middle.
func TestPagesWalkAnIndexOfPostgreSQL(t *testing.T) {
	s := open(t, pgtest.Start(t)+"&enable_sort=off&enable_seqscan=off&enable_bitmapscan=off")
	for _, field := range []ProductOrderField{ByName, ByPrice, ByUpdated} {
		cursor := cursorOf(new(product(t, s, "7")), field)
		plan, err := ProductQuery{Last: new(int32(5)), Before: &cursor, Order: ProductOrder{Field: field}}.plan(s.reader.dialect)
		if err != nil {
			t.Fatal(err)
		}
		var steps string
		err = s.reader.query(t.Context(), "EXPLAIN "+plan.text, func(r row) error {
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

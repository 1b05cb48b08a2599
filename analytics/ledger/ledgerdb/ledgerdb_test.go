package ledgerdb

import (
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/sluice-gateway/sluice/analytics/ledger"
	"github.com/sluice-gateway/sluice/analytics/ledger/ledgertest"
	"github.com/sluice-gateway/sluice/internal/database"
	"github.com/sluice-gateway/sluice/internal/pgtest"
	"github.com/sluice-gateway/sluice/store"
)

// everyDatabase runs a test on a new database of every kind that may be opened more than once.
func everyDatabase(t *testing.T, test func(t *testing.T, dsn string)) {
	t.Run("in a file", func(t *testing.T) { test(t, filepath.Join(t.TempDir(), "usage.db")) })
	t.Run("in PostgreSQL", func(t *testing.T) { test(t, pgtest.Start(t)) })
}

func open(t testing.TB, dsn string) *Store {
	t.Helper()
	s, err := Open(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestMain(m *testing.M) {
	if childMain() {
		return
	}
	goleak.VerifyTestMain(m)
}

func TestContract(t *testing.T) {
	for name, dsn := range map[string]func(*testing.T) string{
		"in memory":     func(*testing.T) string { return database.Memory },
		"in a file":     func(t *testing.T) string { return filepath.Join(t.TempDir(), "usage.db") },
		"in PostgreSQL": func(t *testing.T) string { return pgtest.Start(t) },
	} {
		t.Run(name, func(t *testing.T) {
			ledgertest.Run(t, func(t *testing.T) ledgertest.Store { return open(t, dsn(t)) })
		})
	}
}

func TestTheLedgerStandsBesideTheStorefront(t *testing.T) {
	everyDatabase(t, func(t *testing.T, dsn string) {
		var all sync.WaitGroup
		for range 2 {
			all.Go(func() {
				shop, err := store.Open(t.Context(), dsn)
				if err != nil {
					t.Error(err)
					return
				}
				_ = shop.Close()
			})
			all.Go(func() {
				usage, err := Open(t.Context(), dsn)
				if err != nil {
					t.Error(err)
					return
				}
				_ = usage.Close()
			})
		}
		all.Wait()
		s := open(t, dsn)
		if added, err := s.Import(t.Context(), ledgertest.Batch("a", ledgertest.Entry("shop", 0, 1))); !added || err != nil {
			t.Errorf("an import: %v, %v", added, err)
		}
	})
}

func TestMigrationsGoDownAndUp(t *testing.T) {
	everyDatabase(t, func(t *testing.T, dsn string) {
		m, err := open(t, dsn).db.Migrations()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := m.DownTo(t.Context(), 0); err != nil {
			t.Fatalf("down: %v", err)
		}
		if _, err := m.Up(t.Context()); err != nil {
			t.Fatalf("up again: %v", err)
		}
	})
}

func TestADatabaseThatIsAwayIsUnavailable(t *testing.T) {
	server := pgtest.StartServer(t)
	s := open(t, server.URL())
	b := ledgertest.Batch("a", ledgertest.Entry("shop", 0, 1))
	server.Kill()
	_, err := s.Import(t.Context(), b)
	if !errors.Is(err, ErrUnavailable) || !errors.Is(s.Ping(t.Context()), ErrUnavailable) {
		t.Errorf("the error is %v, want ErrUnavailable", err)
	}
	server.Restart()
	if added, err := s.Import(t.Context(), b); !added || err != nil {
		t.Errorf("after the outage: %v, %v", added, err)
	}
	if err := s.Ping(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestOpenNamesTheDatabaseWithoutItsPassword(t *testing.T) {
	_, err := Open(t.Context(), "postgres://ann:hunter2@127.0.0.1:1/shop?sslmode=disable")
	if err == nil || !strings.Contains(err.Error(), "postgres://ann@127.0.0.1:1/shop") || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("the error is %v", err)
	}
}

// A page of hours walks an index from where the one before ended, in both orders.
func TestHoursWalkAnIndexOfPostgreSQL(t *testing.T) {
	s := open(t, pgtest.Start(t)+"&enable_sort=off&enable_seqscan=off&enable_bitmapscan=off")
	for text, index := range map[string]string{hoursOfAll: "usage_hour_pkey", hoursOfOne: "usage_hour_by_consumer"} {
		var steps string
		err := s.db.Query(t.Context(), "EXPLAIN "+text, func(r database.Row) error {
			var step string
			err := r.Scan(&step)
			steps += step + "\n"
			return err
		}, 2, (*string)(nil), 1, "", "shop", "", "", pageSize)
		if err != nil || strings.Contains(steps, "Sort") || !strings.Contains(steps, index) {
			t.Errorf("the plan is\n%s (%v)", steps, err)
		}
	}
}

func BenchmarkImport(b *testing.B) {
	for _, c := range []struct{ name, dsn string }{
		{"in a file", filepath.Join(b.TempDir(), "usage.db")},
		{"in PostgreSQL", pgtest.Start(b)},
	} {
		b.Run(c.name, func(b *testing.B) {
			s := open(b, c.dsn)
			var entries []ledger.Entry
			for n := range 500 {
				entries = append(entries, ledgertest.Entry(string(rune('a'+n)), 0, 1))
			}
			n := 0
			for b.Loop() {
				n++
				batch := ledgertest.Batch(b.Name()+strings.Repeat("x", n%7), entries...)
				batch.ID += string(rune(n))
				if _, err := s.Import(b.Context(), batch); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(500*n)/b.Elapsed().Seconds(), "entries/s")
		})
	}
}

package store

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/internal/pgtest"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// everyStore runs a test on a new database of every kind: what holds for one holds for all.
func everyStore(t *testing.T, test func(*testing.T, *Store)) {
	everyDatabase(t, func(t *testing.T, dsn string) { test(t, open(t, dsn)) })
}

// everyDatabase is everyStore for a test that opens the database itself.
func everyDatabase(t *testing.T, test func(t *testing.T, dsn string)) {
	t.Run("in memory", func(t *testing.T) { test(t, Memory) })
	everySharedDatabase(t, test)
}

// everySharedDatabase is everyDatabase for a test that opens the database more than once.
func everySharedDatabase(t *testing.T, test func(t *testing.T, dsn string)) {
	t.Run("in a file", func(t *testing.T) { test(t, filepath.Join(t.TempDir(), "shop.db")) })
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

// refused fails unless err is the caller's mistake, told in words that contain want.
func refused(t *testing.T, err error, want string) {
	t.Helper()
	var mistake *Error
	if !errors.As(err, &mistake) || mistake.Code != BadUserInput || !strings.Contains(mistake.Message, want) {
		t.Fatalf("the error is %v, want %s with %q", err, BadUserInput, want)
	}
}

func product(t *testing.T, s *Store, id string) Product {
	t.Helper()
	p, err := s.Product(t.Context(), id)
	if err != nil || p == nil {
		t.Fatalf("product %s is %v (%v)", id, p, err)
	}
	return *p
}

func TestAnEmptyDatabaseIsFilledWithTheSeed(t *testing.T) {
	everyStore(t, func(t *testing.T, s *Store) {
		seed := Seed()
		if len(seed) != 300 {
			t.Fatalf("the seed has %d products, want 300", len(seed))
		}
		names, categories := map[string]bool{}, map[string]bool{}
		for _, want := range seed {
			if got := product(t, s, want.ID); got != want {
				t.Fatalf("product %s is\n%+v, want\n%+v", want.ID, got, want)
			}
			names[want.Name], categories[want.Category] = true, true
		}
		if len(names) != 300 || len(categories) != 10 {
			t.Errorf("the seed has %d names in %d categories, want 300 in 10", len(names), len(categories))
		}
	})
}

func TestOpeningAgain(t *testing.T) {
	everySharedDatabase(t, func(t *testing.T, dsn string) {
		first, err := Open(t.Context(), dsn)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := first.ChangePrice(t.Context(), "1", 4242); err != nil {
			t.Fatal(err)
		}
		withStock(t, first, "2")
		placed, err := first.PlaceOrder(t.Context(), "ada", []OrderLineInput{{"2", 1}})
		if err != nil {
			t.Fatal(err)
		}
		if err := first.Close(); err != nil {
			t.Fatal(err)
		}

		second := open(t, dsn)
		if p := product(t, second, "1"); p.Price != 4242 || p.Revision != 2 {
			t.Errorf("the seed overwrote product 1: it is %+v", p)
		}
		if n, err := second.CountProducts(t.Context(), ProductFilter{}); n != 300 || err != nil {
			t.Errorf("there are %d products (%v), want 300", n, err)
		}
		if o, err := second.Order(t.Context(), placed.Order.ID); o == nil || err != nil {
			t.Errorf("the order is gone (%v)", err)
		}
	})
}

func TestAFileMayHaveAnyName(t *testing.T) {
	file := filepath.Join(t.TempDir(), "what is 100% #1?.db") // a name that a URI must escape
	s, err := Open(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if found, _ := filepath.Glob(filepath.Join(filepath.Dir(file), "what*")); len(found) != 1 || found[0] != file {
		t.Fatalf("the files are %q, want only %q", found, file)
	}
}

func TestNodesThatStartTogetherSetUpOnce(t *testing.T) {
	everySharedDatabase(t, func(t *testing.T, dsn string) {
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				s, err := Open(t.Context(), dsn)
				if err != nil {
					t.Error(err)
					return
				}
				_ = s.Close()
			})
		}
		all.Wait()
		s := open(t, dsn)
		var applied int
		err := s.query(t.Context(), ping, `SELECT count(*) FROM goose_db_version WHERE version_id > 0`, func(r row) error { return r.Scan(&applied) })
		if applied != 2 || err != nil {
			t.Errorf("%d migrations were applied (%v), want 2", applied, err)
		}
		if n, err := s.CountProducts(t.Context(), ProductFilter{}); n != 300 || err != nil {
			t.Errorf("there are %d products (%v), want 300", n, err)
		}
	})
}

func TestMigrations(t *testing.T) {
	everyStore(t, func(t *testing.T, s *Store) {
		m, err := s.db.Migrations()
		if err != nil {
			t.Fatal(err)
		}
		if pending, err := m.HasPending(t.Context()); pending || err != nil {
			t.Fatalf("migrations are pending after Open (%v)", err)
		}
		if _, err := m.DownTo(t.Context(), 0); err != nil {
			t.Fatalf("down: %v", err)
		}
		if _, err := m.Up(t.Context()); err != nil {
			t.Fatalf("up again: %v", err)
		}
		if n, err := s.CountProducts(t.Context(), ProductFilter{}); n != 0 || err != nil {
			t.Fatalf("there are %d products (%v), want none", n, err)
		}
	})
}

func TestPing(t *testing.T) {
	everyDatabase(t, func(t *testing.T, dsn string) {
		s, err := Open(t.Context(), dsn)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Ping(t.Context()); err != nil {
			t.Errorf("an open database: %v", err)
		}
		if err := errors.Join(s.Close(), s.Close()); err != nil {
			t.Errorf("closed twice: %v", err)
		}
		if err := s.Ping(t.Context()); err == nil {
			t.Error("a closed database answers")
		}
	})
}

// PostgreSQL keeps no NUL. Neither do we ask SQLite for one: both answer the same.
func TestTextThatIsNoneIsRefused(t *testing.T) {
	everyStore(t, func(t *testing.T, s *Store) {
		for _, text := range []string{"a\x00b", "\xff"} {
			_, err := s.CountProducts(t.Context(), ProductFilter{Text: &text})
			refused(t, err, "is no text")
			_, err = s.Order(t.Context(), text)
			refused(t, err, "is no text")
			_, err = s.AdvanceOrder(t.Context(), text)
			refused(t, err, "is no text")
			withStock(t, s, "1")
			_, err = s.PlaceOrder(t.Context(), text, []OrderLineInput{{"1", 1}})
			refused(t, err, "is no text")
		}
	})
}

func TestOpenSaysWhatWentWrong(t *testing.T) {
	file := filepath.Join(t.TempDir(), "no such folder", "shop.db")
	_, err := Open(t.Context(), file)
	if err == nil || !strings.Contains(err.Error(), file) {
		t.Fatalf("the error is %v, want one that names the file", err)
	}
}

func TestOpenNamesTheDatabaseWithoutItsPassword(t *testing.T) {
	_, err := Open(t.Context(), "postgres://ann:hunter2@127.0.0.1:1/shop?sslmode=disable")
	if err == nil || !strings.Contains(err.Error(), "postgres://ann@127.0.0.1:1/shop") || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("the error is %v", err)
	}
}

func TestACancelledCallChangesNothing(t *testing.T) {
	everyStore(t, func(t *testing.T, s *Store) {
		before := product(t, s, "1")
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := s.ChangePrice(ctx, "1", 100); !errors.Is(err, context.Canceled) {
			t.Errorf("the error is %v, want context.Canceled", err)
		}
		if after := product(t, s, "1"); after != before {
			t.Errorf("the product is %+v, want %+v", after, before)
		}
	})
}

// frozen makes the store's clock stand at a time, which it returns.
func frozen(s *Store) time.Time {
	at := time.Date(2026, time.November, 21, 10, 48, 0, 125_000_000, time.UTC)
	s.now = func() time.Time { return at.Add(300 * time.Microsecond) }
	return at
}

// everyBenchmark measures the call that prepare returns, on a file and on PostgreSQL.
func everyBenchmark(b *testing.B, prepare func(*testing.B, *Store) func() error) {
	for _, c := range []struct{ name, dsn string }{
		{"in a file", filepath.Join(b.TempDir(), "shop.db")},
		{"in PostgreSQL", pgtest.Start(b)},
	} {
		b.Run(c.name, func(b *testing.B) {
			call := prepare(b, open(b, c.dsn))
			b.ReportAllocs()
			for b.Loop() {
				if err := call(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkProduct(b *testing.B) {
	everyBenchmark(b, func(b *testing.B, s *Store) func() error {
		return func() error {
			_, err := s.Product(b.Context(), "7")
			return err
		}
	})
}

func BenchmarkChangePrice(b *testing.B) {
	everyBenchmark(b, func(b *testing.B, s *Store) func() error {
		return func() error {
			_, err := s.ChangePrice(b.Context(), "7", 1250)
			return err
		}
	})
}

func BenchmarkRestockAndOrder(b *testing.B) {
	everyBenchmark(b, func(b *testing.B, s *Store) func() error {
		return func() error {
			if _, err := s.Restock(b.Context(), "7", 1); err != nil {
				return err
			}
			_, err := s.PlaceOrder(b.Context(), "ada", []OrderLineInput{{"7", 1}})
			return err
		}
	})
}

func BenchmarkPageOfProducts(b *testing.B) {
	everyBenchmark(b, func(b *testing.B, s *Store) func() error {
		return func() error {
			_, err := s.Products(b.Context(), ProductQuery{})
			return err
		}
	})
}

func BenchmarkOpenAgain(b *testing.B) {
	dsn := pgtest.Start(b)
	open(b, dsn)
	for b.Loop() {
		s, err := Open(b.Context(), dsn)
		if err != nil {
			b.Fatal(err)
		}
		_ = s.Close()
	}
}

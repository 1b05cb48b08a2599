package store

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// everyStore runs a test on a database in memory and on one in a file.
func everyStore(t *testing.T, test func(*testing.T, *Store)) {
	t.Run("in memory", func(t *testing.T) { test(t, open(t, Memory)) })
	t.Run("in a file", func(t *testing.T) { test(t, open(t, filepath.Join(t.TempDir(), "shop.db"))) })
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
	file := filepath.Join(t.TempDir(), "what is 100% #1?.db") // a name that a URI must escape
	first, err := Open(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := first.ChangePrice(t.Context(), "1", 4242); err != nil {
		t.Fatal(err)
	}
	placed, err := first.PlaceOrder(t.Context(), "ada", []OrderLineInput{{"2", 1}})
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if found, _ := filepath.Glob(filepath.Join(filepath.Dir(file), "what*")); len(found) != 1 || found[0] != file {
		t.Fatalf("the files are %q, want only %q", found, file)
	}

	second := open(t, file)
	if p := product(t, second, "1"); p.Price != 4242 || p.Revision != 2 {
		t.Errorf("the seed overwrote product 1: it is %+v", p)
	}
	if n, err := second.CountProducts(t.Context(), ProductFilter{}); n != 300 || err != nil {
		t.Errorf("there are %d products (%v), want 300", n, err)
	}
	if o, err := second.Order(t.Context(), placed.Order.ID); o == nil || err != nil {
		t.Errorf("the order is gone (%v)", err)
	}
}

func TestMigrations(t *testing.T) {
	s := open(t, Memory)
	p, err := s.migrations()
	if err != nil {
		t.Fatal(err)
	}
	if pending, err := p.HasPending(t.Context()); pending || err != nil {
		t.Fatalf("migrations are pending after Open (%v)", err)
	}
	if _, err := p.DownTo(t.Context(), 0); err != nil {
		t.Fatalf("down: %v", err)
	}
	if _, err := p.Up(t.Context()); err != nil {
		t.Fatalf("up again: %v", err)
	}
	if n, err := s.CountProducts(t.Context(), ProductFilter{}); n != 0 || err != nil {
		t.Fatalf("there are %d products (%v), want none", n, err)
	}
}

func TestOpenSaysWhatWentWrong(t *testing.T) {
	file := filepath.Join(t.TempDir(), "no such folder", "shop.db")
	_, err := Open(t.Context(), file)
	if err == nil || !strings.Contains(err.Error(), file) {
		t.Fatalf("the error is %v, want one that names the file", err)
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

func BenchmarkProduct(b *testing.B) {
	s := open(b, filepath.Join(b.TempDir(), "shop.db"))
	b.ReportAllocs()
	for b.Loop() {
		if p, err := s.Product(b.Context(), "7"); p == nil || err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkChangePrice(b *testing.B) {
	s := open(b, filepath.Join(b.TempDir(), "shop.db"))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.ChangePrice(b.Context(), "7", 1250); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPageOfProducts(b *testing.B) {
	s := open(b, filepath.Join(b.TempDir(), "shop.db"))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Products(b.Context(), ProductQuery{}); err != nil {
			b.Fatal(err)
		}
	}
}

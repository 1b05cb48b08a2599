package store

import (
	"math"
	"slices"
	"sync"
	"testing"
)

func TestAnIDWithoutAProductFindsNone(t *testing.T) {
	everyStore(t, func(t *testing.T, s *Store) {
		for _, id := range []string{"301", "0", "-1", "01", "+1", "1 ", "one", "", "99999999999999999999"} {
			if p, err := s.Product(t.Context(), id); p != nil || err != nil {
				t.Errorf("product %q is %v (%v), want none", id, p, err)
			}
			_, err := s.ChangePrice(t.Context(), id, 100)
			refused(t, err, "there is no product")
			_, err = s.Restock(t.Context(), id, 1)
			refused(t, err, "there is no product")
		}
	})
}

func TestProductsByID(t *testing.T) {
	everyStore(t, func(t *testing.T, s *Store) {
		found, err := s.ProductsByID(t.Context(), []string{"7", "300", "7", "301", "seven"})
		if err != nil || len(found) != 2 || found["7"].ID != "7" || found["300"].ID != "300" {
			t.Fatalf("found %v (%v), want the products 7 and 300", found, err)
		}
	})
}

func TestChangePrice(t *testing.T) {
	everyStore(t, func(t *testing.T, s *Store) {
		at, before := frozen(s), product(t, s, "1")
		got, err := s.ChangePrice(t.Context(), "1", 1999)
		if err != nil {
			t.Fatal(err)
		}
		want := before
		want.Price, want.Revision, want.UpdatedAt = 1999, 2, at
		if got.Product != want || got.Previous != before.Price {
			t.Errorf("the change is %+v, want %+v after %s", got, want, before.Price)
		}
		if stored := product(t, s, "1"); stored != want {
			t.Errorf("the product is %+v, want %+v", stored, want)
		}
	})
}

func TestPricesOutOfBoundsAreRefused(t *testing.T) {
	everyStore(t, func(t *testing.T, s *Store) {
		before := product(t, s, "1")
		for _, price := range []Decimal{0, -1, MaxPrice + 1, math.MinInt64, math.MaxInt64} {
			_, err := s.ChangePrice(t.Context(), "1", price)
			refused(t, err, "a price is more than 0")
		}
		if after := product(t, s, "1"); after != before {
			t.Errorf("the product is %+v, want %+v", after, before)
		}
	})
}

func TestRestock(t *testing.T) {
	everyStore(t, func(t *testing.T, s *Store) {
		before := product(t, s, "1")
		got, err := s.Restock(t.Context(), "1", 40)
		if err != nil {
			t.Fatal(err)
		}
		if got.Previous != before.Stock || got.Product.Stock != before.Stock+40 || got.Product.Revision != 2 {
			t.Errorf("the change is %+v, want 40 more than %d", got, before.Stock)
		}
		if stored := product(t, s, "1"); stored != got.Product {
			t.Errorf("the product is %+v, want %+v", stored, got.Product)
		}
	})
}

func TestQuantitiesOutOfBoundsAreRefused(t *testing.T) {
	everyStore(t, func(t *testing.T, s *Store) {
		for _, quantity := range []int32{0, -5, MaxRestock + 1, math.MaxInt32} {
			_, err := s.Restock(t.Context(), "1", quantity)
			refused(t, err, "a product is restocked by 1 to")
		}
		var err error
		for range MaxStock/MaxRestock + 1 {
			if _, err = s.Restock(t.Context(), "1", MaxRestock); err != nil {
				break
			}
		}
		refused(t, err, "1000000 is the most")
		if p := product(t, s, "1"); p.Stock > MaxStock {
			t.Errorf("the stock is %d, want %d at most", p.Stock, MaxStock)
		}
	})
}

func TestConcurrentChangesGetRevisionsWithoutAGap(t *testing.T) {
	const changes = 100
	everyStore(t, func(t *testing.T, s *Store) {
		revisions := make([]int32, changes)
		var all sync.WaitGroup
		for i := range changes {
			all.Go(func() {
				changed, err := s.ChangePrice(t.Context(), "1", Decimal(i+1))
				if err != nil {
					t.Error(err)
					return
				}
				revisions[i] = changed.Product.Revision
			})
			all.Go(func() { // readers are not in the way
				if _, err := s.Product(t.Context(), "1"); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		slices.Sort(revisions)
		for i, revision := range revisions {
			if revision != int32(i+2) {
				t.Fatalf("the revisions are %v, want 2 to 101", revisions)
			}
		}
	})
}

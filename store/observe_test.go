package store

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/auth/keys"
)

// observed is what an observer was told last.
type observed struct {
	call  string
	took  time.Duration
	err   error
	calls int
}

func (o *observed) note(call string, took time.Duration, err error) {
	o.call, o.took, o.err = call, took, err
	o.calls++
}

func TestAnObserverIsToldOfEveryCall(t *testing.T) {
	everyDatabase(t, func(t *testing.T, dsn string) {
		s := open(t, dsn)
		withStock(t, s, "1")
		placed, err := s.PlaceOrder(t.Context(), "ada", []OrderLineInput{{"1", 1}})
		if err != nil {
			t.Fatal(err)
		}
		key := &keys.Key{ID: "abc", Name: "Web shop", Consumer: "shop"}
		var seen observed
		s.Observe(seen.note)
		for _, c := range []struct {
			name string
			want string
			call func(context.Context) error
		}{
			{"a product", "products", func(ctx context.Context) error { _, err := s.Product(ctx, "1"); return err }},
			{"products by id", "products", func(ctx context.Context) error { _, err := s.ProductsByID(ctx, []string{"1"}); return err }},
			{"a page", "products", func(ctx context.Context) error { _, err := s.Products(ctx, ProductQuery{}); return err }},
			{"a count", "products", func(ctx context.Context) error { _, err := s.CountProducts(ctx, ProductFilter{}); return err }},
			{"a price", "products_write", func(ctx context.Context) error { _, err := s.ChangePrice(ctx, "1", 100); return err }},
			{"a stock", "products_write", func(ctx context.Context) error { _, err := s.Restock(ctx, "1", 1); return err }},
			{"an order", "orders", func(ctx context.Context) error { _, err := s.Order(ctx, placed.Order.ID); return err }},
			{"orders", "orders", func(ctx context.Context) error { _, err := s.OrdersOf(ctx, "ada", 1); return err }},
			{"a new order", "orders_write", func(ctx context.Context) error {
				_, err := s.PlaceOrder(ctx, "ada", []OrderLineInput{{"1", 1}})
				return err
			}},
			{"an order that moves on", "orders_write", func(ctx context.Context) error { _, err := s.AdvanceOrder(ctx, placed.Order.ID); return err }},
			{"a new key", "keys_write", func(ctx context.Context) error { return s.AddKey(ctx, key) }},
			{"a key", "keys", func(ctx context.Context) error { _, err := s.Key(ctx, key.ID); return err }},
			{"keys", "keys", func(ctx context.Context) error { _, err := s.Keys(ctx, keys.Query{Limit: 1}); return err }},
			{"a key that changes", "keys_write", func(ctx context.Context) error {
				_, err := s.ChangeKey(ctx, key.ID, func(*keys.Key) error { return nil })
				return err
			}},
			{"a ping", "ping", s.Ping},
		} {
			seen = observed{}
			if err := c.call(t.Context()); err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
			if seen.calls != 1 || seen.call != c.want || seen.err != nil || seen.took <= 0 {
				t.Errorf("%s: the observer was told %+v, want one call of %q", c.name, seen, c.want)
			}
		}
	})
}

func TestWhatIsTheCallersIsNoFailureOfTheDatabase(t *testing.T) {
	everyStore(t, func(t *testing.T, s *Store) {
		var seen observed
		s.Observe(seen.note)
		if err := s.AddKey(t.Context(), &keys.Key{ID: "abc", Name: "Web shop", Consumer: "shop"}); err != nil {
			t.Fatal(err)
		}
		left, leave := context.WithCancel(t.Context())
		leave()
		late, cancel := context.WithDeadline(t.Context(), time.Unix(0, 0))
		defer cancel()
		stop := errors.New("stop")
		for _, c := range []struct {
			name    string
			failure bool
			call    func() error
		}{
			{"a product that is not there", false, func() error { _, err := s.ChangePrice(t.Context(), "999999", 100); return err }},
			{"text that is none", false, func() error { _, err := s.CountProducts(t.Context(), ProductFilter{Text: new("\xff")}); return err }},
			{"a change of a key that is refused", false, func() error {
				_, err := s.ChangeKey(t.Context(), "abc", func(*keys.Key) error { return stop })
				if !errors.Is(err, stop) {
					t.Errorf("the error is %v, want the refusal", err)
				}
				return err
			}},
			{"a caller who has left", false, func() error { _, err := s.Product(left, "1"); return err }},
			{"a deadline that has passed", true, func() error { _, err := s.Product(late, "1"); return err }},
			{"a database that is closed", true, func() error { return errors.Join(s.Close(), s.Ping(t.Context())) }},
		} {
			seen = observed{}
			if err := c.call(); err == nil {
				t.Errorf("%s: there is no error", c.name)
			}
			if seen.calls != 1 || (seen.err != nil) != c.failure {
				t.Errorf("%s: the observer was told %+v; a failure: %v", c.name, seen, c.failure)
			}
		}
		s.Observe(nil)
		_ = s.Ping(t.Context())
		if seen.calls != 1 {
			t.Error("an observer that was replaced is still told")
		}
	})
}

package store

import (
	"errors"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
)

func TestPlaceOrder(t *testing.T) {
	everyStore(t, func(t *testing.T, s *Store) {
		at := frozen(s)
		one, two := withStock(t, s, "1"), withStock(t, s, "2")
		placed, err := s.PlaceOrder(t.Context(), "ada", []OrderLineInput{{"2", 3}, {"1", 1}})
		if err != nil {
			t.Fatal(err)
		}
		want := Order{
			ID: placed.Order.ID, Customer: "ada", Status: OrderPlaced, Currency: "EUR",
			Lines:    []OrderLine{{"2", 3, two.Price}, {"1", 1, one.Price}},
			Total:    3*two.Price + one.Price,
			PlacedAt: at, UpdatedAt: at,
		}
		if !reflect.DeepEqual(placed.Order, want) {
			t.Errorf("the order is %+v, want %+v", placed.Order, want)
		}
		stored, err := s.Order(t.Context(), want.ID)
		if err != nil || !reflect.DeepEqual(*stored, want) {
			t.Errorf("the stored order is %+v (%v), want %+v", stored, err, want)
		}
		for i, before := range []Product{two, one} {
			taken := placed.Taken[i]
			if taken.Previous != before.Stock || taken.Product.Stock != before.Stock-want.Lines[i].Quantity ||
				taken.Product.Revision != before.Revision+1 || taken.Product != product(t, s, before.ID) {
				t.Errorf("line %d took %+v from %+v", i, taken, before)
			}
		}
	})
}

func TestAnOrderThatCannotBeServedTakesNothing(t *testing.T) {
	everyStore(t, func(t *testing.T, s *Store) {
		one, two := withStock(t, s, "1"), product(t, s, "2")
		for _, c := range []struct {
			name  string
			lines []OrderLineInput
			want  string
		}{
			{"too little in stock", []OrderLineInput{{"1", 1}, {"2", two.Stock + 1}}, "in stock, not"},
			{"an unknown product", []OrderLineInput{{"1", 1}, {"301", 1}}, "there is no product"},
			{"no lines", nil, "1 to 50 lines"},
			{"too many lines", make([]OrderLineInput, MaxLines+1), "1 to 50 lines"},
			{"the same product twice", []OrderLineInput{{"1", 1}, {"1", 1}}, "two lines"},
			{"none of a product", []OrderLineInput{{"1", 0}}, "orders 1 to"},
			{"less than none of a product", []OrderLineInput{{"1", -1}}, "orders 1 to"},
			{"very many of a product", []OrderLineInput{{"1", MaxQuantity + 1}}, "orders 1 to"},
		} {
			t.Run(c.name, func(t *testing.T) {
				_, err := s.PlaceOrder(t.Context(), "ada", c.lines)
				refused(t, err, c.want)
			})
		}
		_, err := s.PlaceOrder(t.Context(), "", []OrderLineInput{{"1", 1}})
		refused(t, err, "needs a customer")

		if product(t, s, "1") != one || product(t, s, "2") != two {
			t.Error("a refused order changed a product")
		}
		if orders, err := s.OrdersOf(t.Context(), "ada", 10); len(orders) != 0 || err != nil {
			t.Errorf("there are orders %v (%v), want none", orders, err)
		}
	})
}

func TestTheLastOneIsSoldOnce(t *testing.T) {
	everyStore(t, func(t *testing.T, s *Store) {
		stock := withStock(t, s, "1").Stock
		var sold atomic.Int32
		var all sync.WaitGroup
		for range stock + 20 {
			all.Go(func() {
				if _, err := s.PlaceOrder(t.Context(), "ada", []OrderLineInput{{"1", 1}}); err == nil {
					sold.Add(1)
				}
			})
		}
		all.Wait()
		if left := product(t, s, "1").Stock; sold.Load() != stock || left != 0 {
			t.Errorf("of %d, %d were sold and %d are left", stock, sold.Load(), left)
		}
	})
}

func TestOrdersThatCrossTakeNothingFromEachOther(t *testing.T) {
	everyStore(t, func(t *testing.T, s *Store) {
		one, two := withStock(t, s, "1"), withStock(t, s, "2")
		var sold atomic.Int32
		var all sync.WaitGroup
		for i := range 20 {
			lines := []OrderLineInput{{"1", 1}, {"2", 1}}
			if i%2 == 0 {
				slices.Reverse(lines)
			}
			all.Go(func() {
				placed, err := s.PlaceOrder(t.Context(), "ada", lines)
				switch {
				case err == nil && (len(placed.Taken) != 2 || placed.Taken[0].Product.ID != lines[0].ProductID):
					t.Errorf("%v took %+v", lines, placed.Taken)
				case err == nil:
					sold.Add(1)
				default:
					var mistake *Error
					if !errors.As(err, &mistake) {
						t.Error(err)
					}
				}
			})
		}
		all.Wait()
		if want := min(one.Stock, two.Stock, 20); sold.Load() != want {
			t.Errorf("%d orders were placed, want %d", sold.Load(), want)
		}
		for _, before := range []Product{one, two} {
			if left := product(t, s, before.ID).Stock; left != before.Stock-sold.Load() || left < 0 {
				t.Errorf("of %d, %d are left after %d orders", before.Stock, left, sold.Load())
			}
		}
	})
}

func TestAdvanceOrder(t *testing.T) {
	everyStore(t, func(t *testing.T, s *Store) {
		withStock(t, s, "1")
		placed, err := s.PlaceOrder(t.Context(), "ada", []OrderLineInput{{"1", 1}})
		if err != nil {
			t.Fatal(err)
		}
		id, previous := placed.Order.ID, OrderPlaced
		at := frozen(s)
		for _, want := range []OrderStatus{OrderPacked, OrderShipped, OrderDelivered} {
			got, err := s.AdvanceOrder(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			if got.Previous != previous || got.Order.Status != want || !got.Order.UpdatedAt.Equal(at) {
				t.Errorf("the change is %+v, want %s after %s", got, want, previous)
			}
			if stored, _ := s.Order(t.Context(), id); !reflect.DeepEqual(*stored, got.Order) {
				t.Errorf("the order is %+v, want %+v", stored, got.Order)
			}
			previous = want
		}
		_, err = s.AdvanceOrder(t.Context(), id)
		refused(t, err, "is DELIVERED already")
		_, err = s.AdvanceOrder(t.Context(), "nowhere")
		refused(t, err, "there is no order")
	})
}

func TestOrdersOfACustomerAreTheirsAndTheNewestFirst(t *testing.T) {
	everyStore(t, func(t *testing.T, s *Store) {
		var ids []string
		for i := range 4 {
			for _, customer := range []string{"ada", "bob"} {
				if i == 3 && customer == "ada" {
					continue
				}
				withStock(t, s, "1")
				placed, err := s.PlaceOrder(t.Context(), customer, []OrderLineInput{{"1", 1}, {"3", 1}})
				if err != nil {
					t.Fatal(err)
				}
				if customer == "ada" {
					ids = append([]string{placed.Order.ID}, ids...)
				}
			}
		}
		orders, err := s.OrdersOf(t.Context(), "ada", 2)
		if err != nil || len(orders) != 2 || orders[0].ID != ids[0] || orders[1].ID != ids[1] || len(orders[0].Lines) != 2 {
			t.Fatalf("the orders are %+v (%v), want %v with two lines each", orders, err, ids[:2])
		}
		for _, limit := range []int32{0, -1, MaxPage + 1} {
			_, err := s.OrdersOf(t.Context(), "ada", limit)
			refused(t, err, "`first` is 1 to 100")
		}
		if o, err := s.Order(t.Context(), "nowhere"); o != nil || err != nil {
			t.Errorf("order nowhere is %v (%v), want none", o, err)
		}
	})
}

// withStock makes sure that some of a product are in stock.
func withStock(t *testing.T, s *Store, id string) Product {
	t.Helper()
	changed, err := s.Restock(t.Context(), id, 10)
	if err != nil {
		t.Fatal(err)
	}
	return changed.Product
}

func TestOrderStatusRefusesUnknownText(t *testing.T) {
	var status OrderStatus
	if err := status.UnmarshalText([]byte("LOST")); err == nil {
		t.Errorf("LOST was read as %q", status)
	}
}

package store

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Every order, read in pages of every direction, gives every product once and in order.
func TestPagesCoverEveryOrderInBothDirections(t *testing.T) {
	everyStore(t, func(t *testing.T, s *Store) {
		for id, price := range map[string]Decimal{"5": 1000, "6": 1000, "7": 1000} { // equal keys
			if _, err := s.ChangePrice(t.Context(), id, price); err != nil {
				t.Fatal(err)
			}
		}
		for _, field := range []ProductOrderField{ByName, ByPrice, ByUpdated} {
			for _, direction := range []OrderDirection{Ascending, Descending} {
				t.Run(string(field+" ")+string(direction), func(t *testing.T) {
					order := ProductOrder{field, direction}
					want := sorted(t, s, order)
					if got := forward(t, s, order); !slices.Equal(got, want) {
						t.Errorf("forward, the products are %v, want %v", got, want)
					}
					if got := backward(t, s, order); !slices.Equal(got, want) {
						t.Errorf("backward, the products are %v, want %v", got, want)
					}
				})
			}
		}
	})
}

func forward(t *testing.T, s *Store, order ProductOrder) (ids []string) {
	q := ProductQuery{First: new(int32(70)), Order: order}
	for {
		page := read(t, s, q)
		ids = append(ids, idsOf(page)...)
		if page.HasPrevious != (q.After != nil) {
			t.Fatalf("after %d products, HasPrevious is %v", len(ids), page.HasPrevious)
		}
		if !page.HasNext {
			return ids
		}
		q.After = &page.Cursors[len(page.Cursors)-1]
	}
}

func backward(t *testing.T, s *Store, order ProductOrder) (ids []string) {
	q := ProductQuery{Last: new(int32(70)), Order: order}
	for {
		page := read(t, s, q)
		ids = append(idsOf(page), ids...)
		if page.HasNext != (q.Before != nil) {
			t.Fatalf("after %d products, HasNext is %v", len(ids), page.HasNext)
		}
		if !page.HasPrevious {
			return ids
		}
		q.Before = &page.Cursors[0]
	}
}

// sorted is the order that pages must have, made without SQL.
func sorted(t *testing.T, s *Store, order ProductOrder) []string {
	var all []Product
	for _, p := range Seed() {
		all = append(all, product(t, s, p.ID))
	}
	slices.SortFunc(all, func(a, b Product) int {
		var by int
		switch order.Field {
		case ByName:
			by = cmp.Compare(a.Name, b.Name)
		case ByPrice:
			by = cmp.Compare(a.Price, b.Price)
		case ByUpdated:
			by = a.UpdatedAt.Compare(b.UpdatedAt)
		}
		keyA, _ := productKey(a.ID)
		keyB, _ := productKey(b.ID)
		by = cmp.Or(by, cmp.Compare(keyA, keyB))
		if order.Direction == Descending {
			return -by
		}
		return by
	})
	return idsOf(&ProductPage{Products: all})
}

func TestFilters(t *testing.T) {
	everyStore(t, func(t *testing.T, s *Store) {
		for _, c := range []struct {
			name   string
			filter ProductFilter
			keeps  func(Product) bool
		}{
			{"no condition keeps everything", ProductFilter{}, func(Product) bool { return true }},
			{"text is sought in names and descriptions, in either case", ProductFilter{Text: new("OAK")}, func(p Product) bool {
				return strings.Contains(strings.ToLower(p.Name+" "+p.Description), "oak")
			}},
			{"text is no pattern", ProductFilter{Text: new("%")}, func(Product) bool { return false }},
			{"no text is in every text", ProductFilter{Text: new("")}, func(Product) bool { return true }},
			{"a category is exact", ProductFilter{Category: new("Kitchen")}, func(p Product) bool { return p.Category == "Kitchen" }},
			{"prices are inclusive", ProductFilter{MinPrice: new(Decimal(5000)), MaxPrice: new(Decimal(10000))}, func(p Product) bool {
				return p.Price >= 5000 && p.Price <= 10000
			}},
			{"in stock", ProductFilter{InStock: new(true)}, func(p Product) bool { return p.Stock > 0 }},
			{"sold out", ProductFilter{InStock: new(false)}, func(p Product) bool { return p.Stock == 0 }},
			{"conditions add up", ProductFilter{Category: new("Audio"), MaxPrice: new(Decimal(10000)), InStock: new(true)}, func(p Product) bool {
				return p.Category == "Audio" && p.Price <= 10000 && p.Stock > 0
			}},
		} {
			t.Run(c.name, func(t *testing.T) {
				var want int32
				for _, p := range Seed() {
					if c.keeps(p) {
						want++
					}
				}
				if n, err := s.CountProducts(t.Context(), c.filter); n != want || err != nil {
					t.Errorf("counted %d (%v), want %d", n, err, want)
				}
				page := read(t, s, ProductQuery{First: new(int32(MaxPage)), Filter: c.filter})
				if len(page.Products) != min(int(want), MaxPage) || slices.ContainsFunc(page.Products, func(p Product) bool { return !c.keeps(p) }) {
					t.Errorf("the page has %d products, want %d", len(page.Products), want)
				}
			})
		}
	})
}

func TestAPageWithoutASizeHasTheDefaultOne(t *testing.T) {
	everyStore(t, func(t *testing.T, s *Store) {
		if page := read(t, s, ProductQuery{}); len(page.Products) != DefaultPage {
			t.Errorf("the page has %d products, want %d", len(page.Products), DefaultPage)
		}
	})
}

// A page reads its own rows and no more, whatever its order: SQLite sorts nothing.
func TestPagesWalkAnIndex(t *testing.T) {
	s := open(t, Memory)
	for _, field := range []ProductOrderField{ByName, ByPrice, ByUpdated} {
		cursor := cursorOf(new(product(t, s, "7")), field)
		plan, err := ProductQuery{Last: new(int32(5)), Before: &cursor, Order: ProductOrder{Field: field}}.plan(s.dialect)
		if err != nil {
			t.Fatal(err)
		}
		var steps string
		err = s.query(t.Context(), ping, "EXPLAIN QUERY PLAN "+plan.text, func(r row) error {
			var id, parent, unused int
			var detail string
			err := r.Scan(&id, &parent, &unused, &detail)
			steps += detail + "; "
			return err
		}, plan.args...)
		if err != nil || !strings.HasPrefix(steps, "SEARCH products USING INDEX products_by_") || strings.Contains(steps, "TEMP B-TREE") {
			t.Errorf("by %s, the plan is %s (%v)", field, steps, err)
		}
	}
}

func TestAPageBetweenTwoCursors(t *testing.T) {
	everyStore(t, func(t *testing.T, s *Store) {
		all := read(t, s, ProductQuery{First: new(int32(10))})
		between := read(t, s, ProductQuery{First: new(int32(10)), After: &all.Cursors[2], Before: &all.Cursors[7]})
		if got, want := idsOf(between), idsOf(all)[3:7]; !slices.Equal(got, want) {
			t.Errorf("the products are %v, want %v", got, want)
		}
	})
}

// Text is bytes in both databases, whatever a locale says.
func TestNamesAreSortedAndSoughtByTheirBytes(t *testing.T) {
	names := []string{"Zebra", "apple", "Ärmel", "ärmel", "a-b", "ab", "a b", "Éclair", "éclair", "日本"}
	everyStore(t, func(t *testing.T, s *Store) {
		for i, name := range names {
			addProduct(t, s, Product{ID: strconv.Itoa(1000 + i), Name: name, Category: "names"})
		}
		var got []string
		q := ProductQuery{First: new(int32(3)), Filter: ProductFilter{Category: new("names")}}
		for more := true; more; {
			page := read(t, s, q)
			for _, p := range page.Products {
				got = append(got, p.Name)
			}
			more, q.After = page.HasNext, &page.Cursors[len(page.Cursors)-1]
		}
		if want := slices.Sorted(slices.Values(names)); !slices.Equal(got, want) {
			t.Errorf("the names are %q, want %q", got, want)
		}
		for text, want := range map[string]int32{"APPLE": 1, "ärmel": 1, "Ärmel": 1, "ÄRMEL": 1, "ÉCLAIR": 1, "AB": 1} {
			if n, err := s.CountProducts(t.Context(), ProductFilter{Text: &text, Category: new("names")}); n != want || err != nil {
				t.Errorf("%q stands in %d names (%v), want %d", text, n, err, want)
			}
		}
	})
}

// addProduct adds a product that the catalogue does not have.
func addProduct(t *testing.T, s *Store, p Product) {
	t.Helper()
	err := s.write(t.Context(), writeProducts, func(tx tx) error {
		key, _ := productKey(p.ID)
		return tx.Exec(insertProduct, key, p.Name, p.Description, p.Category, 100, "EUR", 0, 1, 0)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestPagesOutOfBoundsAreRefused(t *testing.T) {
	everyStore(t, func(t *testing.T, s *Store) {
		byName := read(t, s, ProductQuery{First: new(int32(1))}).Cursors[0]
		for _, c := range []struct {
			name  string
			query ProductQuery
			want  string
		}{
			{"none forward", ProductQuery{First: new(int32(0))}, "`first` is 1 to 100, not 0"},
			{"too many forward", ProductQuery{First: new(int32(101))}, "`first` is 1 to 100, not 101"},
			{"less than none backward", ProductQuery{Last: new(int32(-1))}, "`last` is 1 to 100, not -1"},
			{"a cursor that is none", ProductQuery{After: new("next")}, "is not a cursor"},
			{"an empty cursor", ProductQuery{Before: new("")}, "is not a cursor"},
			{"a cursor of another order", ProductQuery{After: &byName, Order: ProductOrder{Field: ByPrice}}, "belongs to the order"},
			{"an unknown order", ProductQuery{Order: ProductOrder{Field: "SIZE"}}, "cannot be sorted"},
		} {
			t.Run(c.name, func(t *testing.T) {
				_, err := s.Products(t.Context(), c.query)
				refused(t, err, c.want)
			})
		}
	})
}

// A cursor comes from outside: whatever it is, it is read or refused.
func FuzzParseCursor(f *testing.F) {
	f.Add(cursorOf(&Product{ID: "7", Name: "Lamp", Price: 1250}, ByName), "NAME")
	f.Add(cursorOf(&Product{ID: "7", Name: "Lamp", Price: 1250}, ByPrice), "PRICE")
	f.Add("e30", "UPDATED")
	f.Fuzz(func(t *testing.T, text, by string) {
		_, _, err := parseCursor(text, ProductOrderField(by))
		if err != nil {
			refused(t, err, "cursor")
		}
	})
}

func read(t *testing.T, s *Store, q ProductQuery) *ProductPage {
	t.Helper()
	page, err := s.Products(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	return page
}

func idsOf(page *ProductPage) []string {
	var ids []string
	for _, p := range page.Products {
		ids = append(ids, p.ID)
	}
	return ids
}

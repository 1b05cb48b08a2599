package store

import (
	"context"
	"fmt"
	"slices"
	"strconv"
)

// How many items a page may have, and has if nobody says.
const (
	MaxPage     = 100
	DefaultPage = 20
)

// A ProductQuery asks for one page of products: forward with First and After, or backward with
// Last and Before. With neither First nor Last it is DefaultPage forward; with both, First is ignored.
type ProductQuery struct {
	First, Last   *int32  // 1 to MaxPage
	After, Before *string // cursors of the same Order
	Filter        ProductFilter
	Order         ProductOrder
}

// A ProductPage is one page. Cursors has one for each product.
type ProductPage struct {
	Products             []Product
	Cursors              []string
	HasNext, HasPrevious bool
}

// A ProductFilter keeps the products that meet every condition; a nil condition is none.
type ProductFilter struct {
	Text     *string // stands in the name or the description; ASCII letters match in either case
	Category *string
	MinPrice *Decimal // inclusive
	MaxPrice *Decimal // inclusive
	InStock  *bool
}

// A ProductOrder sorts products; equal ones stand by id. The zero order is by name, ascending.
type ProductOrder struct {
	Field     ProductOrderField
	Direction OrderDirection
}

// A ProductOrderField is what products can be sorted by.
type ProductOrderField string

// The fields to sort by.
const (
	ByName    ProductOrderField = "NAME"
	ByPrice   ProductOrderField = "PRICE"
	ByUpdated ProductOrderField = "UPDATED"
)

// An OrderDirection is which end of an order comes first.
type OrderDirection string

// The directions.
const (
	Ascending  OrderDirection = "ASC"
	Descending OrderDirection = "DESC"
)

// Products returns one page of products.
func (s *Store) Products(ctx context.Context, q ProductQuery) (*ProductPage, error) {
	plan, err := q.plan(s.dialect)
	if err != nil {
		return nil, err
	}
	page := new(ProductPage)
	err = s.query(ctx, readProducts, plan.text, func(r row) error {
		p, err := scanProduct(r)
		page.Products = append(page.Products, p)
		return err
	}, plan.args...)
	if err != nil {
		return nil, fmt.Errorf("store: a page of products: %w", err)
	}

	// The plan reads one product more than asked for, to learn whether there is one.
	more := len(page.Products) > plan.limit
	if more {
		page.Products = page.Products[:plan.limit]
	}
	page.HasNext, page.HasPrevious = more, q.After != nil
	if plan.backward {
		slices.Reverse(page.Products)
		page.HasNext, page.HasPrevious = q.Before != nil, more
	}
	for i := range page.Products {
		page.Cursors = append(page.Cursors, cursorOf(&page.Products[i], plan.by))
	}
	return page, nil
}

// CountProducts counts the products that a filter keeps.
func (s *Store) CountProducts(ctx context.Context, f ProductFilter) (int32, error) {
	var n int32
	err := s.query(ctx, readProducts, `SELECT count(*) FROM products WHERE `+s.dialect.filter,
		func(r row) error { return r.Scan(&n) }, f.args()...)
	if err != nil {
		return 0, fmt.Errorf("store: count products: %w", err)
	}
	return n, nil
}

// args are the parameters of dialect.filter.
func (f ProductFilter) args() []any {
	return []any{lowerASCII(f.Text), f.Category, (*int64)(f.MinPrice), (*int64)(f.MaxPrice), f.InStock}
}

// lowerASCII leaves other letters alone, as SQLite's lower does: which of them PostgreSQL's would
// change depends on the database.
func lowerASCII(text *string) *string {
	if text == nil {
		return nil
	}
	lower := []byte(*text)
	for i, c := range lower {
		if 'A' <= c && c <= 'Z' {
			lower[i] = c + 'a' - 'A'
		}
	}
	return new(string(lower))
}

// A pagePlan is a query as SQL. Its text has few shapes: it is prepared once for each.
type pagePlan struct {
	text     string
	args     []any
	by       ProductOrderField
	limit    int
	backward bool // the rows come in reverse
}

func (q ProductQuery) plan(d *dialect) (*pagePlan, error) {
	p := &pagePlan{args: q.Filter.args(), by: q.Order.Field, backward: q.Last != nil}
	name, size := "first", int32(DefaultPage)
	switch {
	case q.Last != nil:
		name, size = "last", *q.Last
	case q.First != nil:
		size = *q.First
	}
	if err := checkLimit(name, size); err != nil {
		return nil, err
	}
	p.limit = int(size)

	if p.by == "" {
		p.by = ByName
	}
	column, ok := map[ProductOrderField]string{ByName: "name", ByPrice: "price", ByUpdated: "updated_at"}[p.by]
	if !ok {
		return nil, refuse("products cannot be sorted by %q", p.by)
	}
	// Later and earlier are in the order asked for; the rows are read from the end where backward.
	later, earlier, direction := ">", "<", "ASC"
	if q.Order.Direction == Descending {
		later, earlier, direction = "<", ">", "DESC"
	}
	if p.backward {
		direction = map[string]string{"ASC": "DESC", "DESC": "ASC"}[direction]
	}

	p.text = `SELECT ` + productColumns + ` FROM products WHERE ` + d.filter
	if err := p.bound(column, later, q.After); err != nil {
		return nil, err
	}
	if err := p.bound(column, earlier, q.Before); err != nil {
		return nil, err
	}
	p.text += fmt.Sprintf(` ORDER BY %[1]s %[2]s, id %[2]s LIMIT %[3]s`, column, direction, p.arg(p.limit+1))
	return p, nil
}

// bound keeps the products on one side of a cursor, if there is one.
func (p *pagePlan) bound(column, side string, cursor *string) error {
	if cursor == nil {
		return nil
	}
	key, id, err := parseCursor(*cursor, p.by)
	if err != nil {
		return err
	}
	p.text += fmt.Sprintf(` AND (%s, id) %s (%s, %s)`, column, side, p.arg(key), p.arg(id))
	return nil
}

// arg adds an argument and returns the parameter that stands for it.
func (p *pagePlan) arg(value any) string {
	p.args = append(p.args, value)
	return "$" + strconv.Itoa(len(p.args))
}

func checkLimit(name string, n int32) error {
	if n < 1 || n > MaxPage {
		return refuse("`%s` is 1 to %d, not %d", name, MaxPage, n)
	}
	return nil
}

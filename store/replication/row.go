package replication

import (
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/sluice-gateway/sluice/store"
)

// A table is one of the publication's, as it was when a row of it was written.
type table struct {
	id      uint32
	name    string
	columns []string
}

// rows make a change of what a row of a table was and is; nil is none.
var rows = map[string]func(before, now *row) Change{
	"products": func(before, now *row) Change {
		return Change{Product: Pair[store.Product]{before.product(), now.product()}}
	},
	"orders": func(before, now *row) Change {
		return Change{Order: Pair[store.Order]{before.order(), now.order()}}
	},
	"order_lines": func(before, now *row) Change {
		return Change{Line: Pair[Line]{before.line(), now.line()}}
	},
}

// change makes a change of a message. It reports false where that does not say enough: somebody has
// changed the tables, or what the log tells of them.
func (t *table) change(m written) (Change, bool) {
	if m.kind != 'I' && !m.whole {
		return Change{}, false
	}
	var before, now *row
	if m.before != nil {
		before = &row{table: t, values: m.before}
	}
	if m.now != nil {
		now = &row{table: t, values: unchanged(m.now, m.before)}
	}
	c := rows[t.name](before, now)
	return c, before.good() && now.good()
}

// unchanged fills in what the log does not repeat: long text that has stayed.
func unchanged(now, before []value) []value {
	for i := range now {
		if now[i].kind == 'u' && i < len(before) {
			now[i] = before[i]
		}
	}
	return now
}

// A row is the values of a table's columns. A nil row is none.
type row struct {
	table  *table
	values []value
	bad    bool // a column is missing, or is not what it should be
}

func (r *row) good() bool { return r == nil || !r.bad }

func (r *row) product() *store.Product {
	if r == nil {
		return nil
	}
	return &store.Product{
		ID:          r.id("id"),
		Name:        r.text("name"),
		Description: r.text("description"),
		Category:    r.text("category"),
		Price:       store.Decimal(r.number("price", 64)),
		Currency:    r.text("currency"),
		Stock:       int32(r.number("stock", 32)),
		Revision:    int32(r.number("revision", 32)),
		UpdatedAt:   r.time("updated_at"),
	}
}

func (r *row) order() *store.Order {
	if r == nil {
		return nil
	}
	return &store.Order{
		ID:        r.text("id"),
		Customer:  r.text("customer"),
		Total:     store.Decimal(r.number("total", 64)),
		Currency:  r.text("currency"),
		Status:    store.OrderStatus(r.text("status")),
		PlacedAt:  r.time("placed_at"),
		UpdatedAt: r.time("updated_at"),
	}
}

func (r *row) line() *Line {
	if r == nil {
		return nil
	}
	return &Line{OrderID: r.text("order_id"), OrderLine: store.OrderLine{
		ProductID: r.id("product_id"),
		Quantity:  int32(r.number("quantity", 32)),
		Price:     store.Decimal(r.number("price", 64)),
	}}
}

// text is a column's value, in memory of its own.
func (r *row) text(column string) string {
	for i, name := range r.table.columns {
		if name == column && i < len(r.values) && r.values[i].kind == 't' && utf8.Valid(r.values[i].text) {
			return string(r.values[i].text)
		}
	}
	r.bad = true
	return ""
}

func (r *row) number(column string, bits int) int64 {
	n, err := strconv.ParseInt(r.text(column), 10, bits)
	if err != nil {
		r.bad = true
	}
	return n
}

// id is the number of a product, as the store writes it.
func (r *row) id(column string) string { return strconv.FormatInt(r.number(column, 64), 10) }

func (r *row) time(column string) time.Time { return time.UnixMilli(r.number(column, 64)).UTC() }

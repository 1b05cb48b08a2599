package store

import (
	"context"
	"fmt"
	"time"

	"github.com/oklog/ulid/v2"
)

// Bounds of an order.
const (
	MaxLines    = 50
	MaxQuantity = 1000
)

// An Order is what a customer has ordered, at the prices of that moment.
type Order struct {
	ID        string // a ULID: ids sort by the time of the order
	Customer  string
	Lines     []OrderLine
	Total     Decimal
	Currency  string
	Status    OrderStatus
	PlacedAt  time.Time
	UpdatedAt time.Time
}

// An OrderLine is one product of an order.
type OrderLine struct {
	ProductID string
	Quantity  int32
	Price     Decimal // of one, when the order was placed
}

// An OrderLineInput asks for one line of an order.
type OrderLineInput struct {
	ProductID string
	Quantity  int32
}

// A Placed order is a new one, and the products it took from the stock, in the order of its lines.
type Placed struct {
	Order Order
	Taken []Restocked
}

// An Advanced order is one after a change of its status.
type Advanced struct {
	Order    Order
	Previous OrderStatus
}

const (
	orderColumns = `id, customer, total, currency, status, placed_at, updated_at`

	insertOrder = `INSERT INTO orders (` + orderColumns + `) VALUES ($1, $2, $3, $4, $5, $6, $7)`
	insertLine  = `INSERT INTO order_lines (order_id, position, product_id, quantity, price)
		VALUES ($1, $2, $3, $4, $5)`
	updateOrder = `UPDATE orders SET status = $1, updated_at = $2 WHERE id = $3`

	// One row per line. Lines come with their order: an order without lines does not exist.
	selectOrder = `SELECT o.id, o.customer, o.total, o.currency, o.status, o.placed_at, o.updated_at,
			l.product_id, l.quantity, l.price
		FROM orders o JOIN order_lines l ON l.order_id = o.id
		WHERE o.id = $1 ORDER BY l.position`
	selectOrdersOf = `SELECT o.id, o.customer, o.total, o.currency, o.status, o.placed_at, o.updated_at,
			l.product_id, l.quantity, l.price
		FROM (SELECT * FROM orders WHERE customer = $1 ORDER BY id DESC LIMIT $2) o
		JOIN order_lines l ON l.order_id = o.id
		ORDER BY o.id DESC, l.position`
)

// Order returns the order with an id, or nil if there is none.
func (s *Store) Order(ctx context.Context, id string) (*Order, error) {
	var found orders
	if err := s.query(ctx, readOrders, selectOrder, found.scan, id); err != nil {
		return nil, fmt.Errorf("store: order %s: %w", id, err)
	}
	return found.first(), nil
}

// OrdersOf returns the latest orders of a customer, the newest first; limit is 1 to MaxPage.
func (s *Store) OrdersOf(ctx context.Context, customer string, limit int32) ([]Order, error) {
	if err := checkLimit("first", limit); err != nil {
		return nil, err
	}
	var found orders
	if err := s.query(ctx, readOrders, selectOrdersOf, found.scan, customer, limit); err != nil {
		return nil, fmt.Errorf("store: orders of %s: %w", customer, err)
	}
	return found, nil
}

// PlaceOrder places an order at the prices of now and takes the stock of every line, or of none.
func (s *Store) PlaceOrder(ctx context.Context, customer string, lines []OrderLineInput) (*Placed, error) {
	if err := checkLines(customer, lines); err != nil {
		return nil, err
	}
	now := s.timestamp()
	order := Order{
		ID: ulid.Make().String(), Customer: customer,
		Status: OrderPlaced, PlacedAt: now, UpdatedAt: now,
	}
	var placed Placed
	err := s.write(ctx, writeOrders, func(t tx) error {
		placed = Placed{Order: order}
		if err := s.holdProducts(t, lines); err != nil {
			return err
		}
		for _, line := range lines {
			if err := s.take(t, &placed, line); err != nil {
				return err
			}
		}
		return insert(t, &placed.Order)
	})
	if err != nil {
		return nil, fmt.Errorf("store: place an order of %s: %w", customer, err)
	}
	return &placed, nil
}

// holdProducts holds the products of an order in the order of their ids, so that two orders never
// wait for each other.
func (s *Store) holdProducts(t tx, lines []OrderLineInput) error {
	if !s.dialect.holds {
		return nil
	}
	ids := make([]string, len(lines))
	for i, line := range lines {
		ids[i] = line.ProductID
	}
	text := `SELECT id FROM products WHERE id IN (SELECT ` + s.dialect.items + `) ORDER BY id`
	return t.Hold(text, func(row) error { return nil }, productKeys(ids))
}

// take adds a line to an order and takes its product from the stock.
func (s *Store) take(t tx, placed *Placed, line OrderLineInput) error {
	order := &placed.Order
	var previous int32
	p, err := s.changeProduct(t, line.ProductID, func(p *Product) error {
		if p.Stock < line.Quantity {
			return refuse("product %q has %d in stock, not %d", p.ID, p.Stock, line.Quantity)
		}
		if order.Currency != "" && order.Currency != p.Currency {
			return refuse("product %q is sold for %s, other lines for %s", p.ID, p.Currency, order.Currency)
		}
		previous = p.Stock
		p.Stock -= line.Quantity
		return nil
	})
	if err != nil {
		return err
	}
	order.Currency = p.Currency
	order.Total += p.Price * Decimal(line.Quantity) // the bounds of both keep it under MaxDigits
	order.Lines = append(order.Lines, OrderLine{ProductID: p.ID, Quantity: line.Quantity, Price: p.Price})
	placed.Taken = append(placed.Taken, Restocked{Product: p, Previous: previous})
	return nil
}

// AdvanceOrder moves an order to its next status.
func (s *Store) AdvanceOrder(ctx context.Context, id string) (*Advanced, error) {
	var advanced Advanced
	err := s.write(ctx, writeOrders, func(t tx) error {
		var found orders
		if err := t.Hold(selectOrder, found.scan, id); err != nil {
			return err
		}
		order := found.first()
		if order == nil {
			return NoOrder(id)
		}
		next, ok := order.Status.next()
		if !ok {
			return refuse("order %q is %s already", id, order.Status)
		}
		advanced.Previous = order.Status
		order.Status, order.UpdatedAt = next, s.timestamp()
		advanced.Order = *order
		return t.Exec(updateOrder, string(next), order.UpdatedAt.UnixMilli(), id)
	})
	if err != nil {
		return nil, fmt.Errorf("store: advance order %s: %w", id, err)
	}
	return &advanced, nil
}

func checkLines(customer string, lines []OrderLineInput) error {
	if customer == "" {
		return refuse("an order needs a customer")
	}
	if len(lines) < 1 || len(lines) > MaxLines {
		return refuse("an order has 1 to %d lines, not %d", MaxLines, len(lines))
	}
	seen := make(map[string]bool, len(lines))
	for _, line := range lines {
		if seen[line.ProductID] {
			return refuse("product %q stands in two lines", line.ProductID)
		}
		seen[line.ProductID] = true
		if line.Quantity < 1 || line.Quantity > MaxQuantity {
			return refuse("a line orders 1 to %d of a product, not %d", MaxQuantity, line.Quantity)
		}
	}
	return nil
}

func insert(t tx, o *Order) error {
	err := t.Exec(insertOrder, o.ID, o.Customer, int64(o.Total), o.Currency, string(o.Status),
		o.PlacedAt.UnixMilli(), o.UpdatedAt.UnixMilli())
	if err != nil {
		return err
	}
	for i, line := range o.Lines {
		product, _ := productKey(line.ProductID) // it was found by it
		err := t.Exec(insertLine, o.ID, i, product, line.Quantity, int64(line.Price))
		if err != nil {
			return err
		}
	}
	return nil
}

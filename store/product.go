package store

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"
)

// Bounds of what a write accepts.
const (
	MaxPrice   = Decimal(9_999_999_99)
	MaxStock   = 1_000_000
	MaxRestock = 100_000
)

// A Product is something the shop sells. Its JSON is its GraphQL type's.
type Product struct {
	ID          string    `json:"id"`
	Name        string    `json:"name"`
	Description string    `json:"description"`
	Category    string    `json:"category"`
	Price       Decimal   `json:"price"`
	Currency    string    `json:"currency"`
	Stock       int32     `json:"stock"`
	Revision    int32     `json:"revision"` // rises by one with every change
	UpdatedAt   time.Time `json:"updatedAt"`
}

// A Repriced product is one after a change of its price.
type Repriced struct {
	Product  Product
	Previous Decimal
}

// A Restocked product is one after a change of its stock, up or down.
type Restocked struct {
	Product  Product
	Previous int32
}

const productColumns = `id, name, description, category, price, currency, stock, revision, updated_at`

const (
	selectProduct  = `SELECT ` + productColumns + ` FROM products WHERE id = $1`
	selectProducts = `SELECT ` + productColumns + ` FROM products WHERE id IN (SELECT `
	updateProduct  = `UPDATE products SET price = $1, stock = $2, revision = $3, updated_at = $4 WHERE id = $5`
)

// Product returns the product with an id, or nil if there is none.
func (s *Store) Product(ctx context.Context, id string) (*Product, error) {
	key, ok := productKey(id)
	if !ok {
		return nil, nil
	}
	var found *Product
	err := s.query(ctx, readProducts, selectProduct, scanInto(&found), key)
	if err != nil {
		return nil, fmt.Errorf("store: product %s: %w", id, err)
	}
	return found, nil
}

// ProductsByID returns the products with the ids, by id; unknown ids are missing in the result.
func (s *Store) ProductsByID(ctx context.Context, ids []string) (map[string]Product, error) {
	found := make(map[string]Product, len(ids))
	err := s.query(ctx, readProducts, selectProducts+s.dialect.items+`)`, func(r row) error {
		p, err := scanProduct(r)
		found[p.ID] = p
		return err
	}, productKeys(ids))
	if err != nil {
		return nil, fmt.Errorf("store: %d products by id: %w", len(ids), err)
	}
	return found, nil
}

// ChangePrice gives a product a new price.
func (s *Store) ChangePrice(ctx context.Context, id string, price Decimal) (*Repriced, error) {
	if price <= 0 || price > MaxPrice {
		return nil, refuse("a price is more than 0 and at most %s, not %s", MaxPrice, price)
	}
	var changed Repriced
	err := s.write(ctx, writeProducts, func(t tx) (err error) {
		changed.Product, err = s.changeProduct(t, id, func(p *Product) error {
			changed.Previous, p.Price = p.Price, price
			return nil
		})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("store: change the price of product %s: %w", id, err)
	}
	return &changed, nil
}

// Restock adds quantity to the stock of a product.
func (s *Store) Restock(ctx context.Context, id string, quantity int32) (*Restocked, error) {
	if quantity < 1 || quantity > MaxRestock {
		return nil, refuse("a product is restocked by 1 to %d, not %d", MaxRestock, quantity)
	}
	var changed Restocked
	err := s.write(ctx, writeProducts, func(t tx) (err error) {
		changed.Product, err = s.changeProduct(t, id, func(p *Product) error {
			changed.Previous = p.Stock
			p.Stock += quantity // both are far from the end of an int32
			if p.Stock > MaxStock {
				return refuse("product %q would have %d in stock, and %d is the most", id, p.Stock, MaxStock)
			}
			return nil
		})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("store: restock product %s: %w", id, err)
	}
	return &changed, nil
}

// changeProduct reads a product, lets change edit its price or stock, and writes it back with the
// next revision.
func (s *Store) changeProduct(t tx, id string, change func(*Product) error) (Product, error) {
	var p *Product
	key, ok := productKey(id)
	if ok {
		if err := t.Hold(selectProduct, scanInto(&p), key); err != nil {
			return Product{}, err
		}
	}
	if p == nil {
		return Product{}, noProduct(id)
	}
	if err := change(p); err != nil {
		return Product{}, err
	}
	p.Revision++
	p.UpdatedAt = s.timestamp()
	err := t.Exec(updateProduct, int64(p.Price), p.Stock, p.Revision, p.UpdatedAt.UnixMilli(), key)
	return *p, err
}

// productKey reads an id as the database keeps it. Only the usual spelling of a number is an id:
// "07" and "+7" would otherwise be topics of their own.
func productKey(id string) (int64, bool) {
	key, err := strconv.ParseInt(id, 10, 64)
	return key, err == nil && strconv.FormatInt(key, 10) == id
}

// productKeys is the ids that can be a product's, as a list of JSON.
func productKeys(ids []string) string {
	keys := make([]int64, 0, len(ids))
	for _, id := range ids {
		if key, ok := productKey(id); ok {
			keys = append(keys, key)
		}
	}
	text, _ := json.Marshal(keys) // integers: it cannot fail
	return string(text)
}

func scanProduct(r row) (Product, error) {
	var (
		p           Product
		key, millis int64
	)
	err := r.Scan(&key, &p.Name, &p.Description, &p.Category, (*int64)(&p.Price), &p.Currency,
		&p.Stock, &p.Revision, &millis)
	p.ID, p.UpdatedAt = strconv.FormatInt(key, 10), fromMillis(millis)
	return p, err
}

func scanInto(found **Product) func(row) error {
	return func(r row) error {
		p, err := scanProduct(r)
		*found = &p
		return err
	}
}

func fromMillis(millis int64) time.Time { return time.UnixMilli(millis).UTC() }

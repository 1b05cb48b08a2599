package demo

import (
	"math/rand/v2"

	"github.com/sluice-gateway/sluice/store"
)

// A shop is what the feed believes about the products. Others may change them too: then the belief
// is wrong until a mutation fails, which costs nothing.
type shop struct {
	products []*product
	random   *rand.Rand
}

type product struct {
	id            string
	anchor, price store.Decimal // the price wanders around the anchor
	stock         int32
}

// A change is one mutation, and what to believe when it is done.
type change struct {
	product   *product
	query     string
	variables map[string]any
	done      func(error)
}

func newShop(products []store.Product, random *rand.Rand) *shop {
	s := &shop{random: random}
	for _, p := range products {
		s.products = append(s.products, &product{p.ID, p.Price, p.Price, p.Stock})
	}
	return s
}

// next invents the next change: most are of a price, some are orders, and what runs low is restocked.
func (s *shop) next() change {
	p := s.pick()
	if s.random.IntN(10) < 7 {
		return s.reprice(p)
	}
	if quantity := 1 + s.random.Int32N(5); quantity <= p.stock {
		return s.order(p, quantity)
	}
	return s.restock(p)
}

// pick prefers the first products: half of the changes fall on the first eighth.
func (s *shop) pick() *product {
	x := s.random.Float64()
	return s.products[int(x*x*x*float64(len(s.products)))]
}

// reprice moves a price by up to 5 % and keeps it between half and double its anchor.
func (s *shop) reprice(p *product) change {
	step := max(p.price/20, 1)
	price := p.price + store.Decimal(s.random.Int64N(int64(2*step+1))) - step
	price = min(max(price, p.anchor/2, 1), p.anchor*2)
	return change{p, changePrice, map[string]any{"id": p.id, "price": price.String()}, func(err error) {
		if err == nil {
			p.price = price
		}
	}}
}

func (s *shop) order(p *product, quantity int32) change {
	line := map[string]any{"productId": p.id, "quantity": quantity}
	return change{p, placeOrder, map[string]any{"lines": []any{line}}, func(err error) {
		if err == nil {
			p.stock -= quantity
		} else {
			p.stock = 0 // most likely somebody else bought it: restock it the next time
		}
	}}
}

func (s *shop) restock(p *product) change {
	quantity := 20 + s.random.Int32N(80)
	return change{p, restock, map[string]any{"id": p.id, "quantity": quantity}, func(err error) {
		if err == nil {
			p.stock += quantity
		}
	}}
}

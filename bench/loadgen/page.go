package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
)

// A page is what clients ask for, again and again or by @live.
type page struct {
	first    int
	category string   // empty: of all
	members  int      // clients that visit it
	products []string // that it shows, in its order; nil until somebody has had a result
	writes   []*write // of these products
}

// categories are those of the storefront. Each has 30 products.
var categories = []string{
	"Kitchen", "Lighting", "Audio", "Garden", "Outdoor", "Office", "Home Textiles", "Toys", "Cycling", "Food & Drink",
}

// most is how many different pages there are: the first 11 to 20 products of each category.
const most = 100

// newPages makes one page of all products, or up to most of one category each.
func newPages(n int) []*page {
	if n == 1 {
		return []*page{{first: 20}}
	}
	var pages []*page
	for i := range n {
		pages = append(pages, &page{first: 20 - i/len(categories), category: categories[i%len(categories)]})
	}
	return pages
}

// operation is the request's JSON object of a query for the page: with @live unless throttle is 0.
// No page is sorted or filtered by what writes change.
func (p *page) operation(throttle int) []byte {
	live := ""
	if throttle > 0 {
		live = fmt.Sprintf("@live(throttle: %d) ", throttle)
	}
	filter := ""
	if p.category != "" {
		filter = `,"filter":{"category":` + strconv.Quote(p.category) + `}`
	}
	return fmt.Appendf(nil, `{"query":"query($first: Int!, $filter: ProductFilter) %s`+
		`{ products(first: $first, filter: $filter) { nodes { id name price stock } } }","variables":{"first":%d%s}}`,
		live, p.first, filter)
}

// learn reads which products the page shows from a result of it.
func (p *page) learn(result []byte) error {
	type data struct {
		Products struct{ Nodes []struct{ ID string } }
	}
	var message struct {
		Data    data
		Payload struct{ Data data } // over WebSocket
	}
	if err := json.Unmarshal(result, &message); err != nil {
		return fmt.Errorf("a result: %w", err)
	}
	for _, node := range append(message.Data.Products.Nodes, message.Payload.Data.Products.Nodes...) {
		p.products = append(p.products, node.ID)
	}
	if len(p.products) == 0 {
		return errors.New("a page shows no products")
	}
	return nil
}

// mark is in cents what no product of the storefront costs. The price of a write is the mark and its
// number, so a result tells by its prices which writes it shows.
const mark = 5000_00

var priceKey = []byte(`"price":"`)

// priceOf is the price that a write sets.
func priceOf(number int64) string {
	cents := mark + number
	return fmt.Sprintf("%d.%02d", cents/100, cents%100)
}

// newestIn is the number of the latest write that shows in a result; 0: none does.
func newestIn(result []byte) (newest int64) {
	for {
		at := bytes.Index(result, priceKey)
		if at < 0 {
			return newest
		}
		result = result[at+len(priceKey):]
		newest = max(newest, centsAt(result)-mark)
	}
}

// centsAt reads a price with two digits after the point; 0 for what is none.
func centsAt(b []byte) (cents int64) {
	after := -1 // digits after the point
	for _, c := range b[:min(len(b), 16)] {
		switch {
		case c == '.' && after < 0:
			after = 0
		case '0' <= c && c <= '9':
			cents = cents*10 + int64(c-'0')
			if after >= 0 {
				after++
			}
		case c == '"' && after == 2:
			return cents
		default:
			return 0
		}
	}
	return 0
}

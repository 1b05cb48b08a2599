package model

import "github.com/sluice-gateway/sluice/store"

// A ProductConnection is one page of products, in Relay's shape.
type ProductConnection struct {
	Edges    []ProductEdge
	Nodes    []store.Product
	PageInfo PageInfo
	Filter   store.ProductFilter // what totalCount counts, when it is asked for
}

// NewProductConnection is a page of products; filter is what totalCount counts.
func NewProductConnection(page *store.ProductPage, filter store.ProductFilter) *ProductConnection {
	c := &ProductConnection{
		Edges:    make([]ProductEdge, len(page.Products)),
		Nodes:    page.Products,
		PageInfo: PageInfo{HasNextPage: page.HasNext, HasPreviousPage: page.HasPrevious},
		Filter:   filter,
	}
	for i, p := range page.Products {
		c.Edges[i] = ProductEdge{Cursor: page.Cursors[i], Node: p}
	}
	if last := len(page.Cursors) - 1; last >= 0 {
		c.PageInfo.StartCursor, c.PageInfo.EndCursor = &page.Cursors[0], &page.Cursors[last]
	}
	return c
}

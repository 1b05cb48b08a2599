package testschema

import "context"

// A Plant is a Tree or a Bush.
type Plant interface{ isPlant() }

// A TreeOrBush is either.
type TreeOrBush interface{ isPlant() }

type (
	// A Tree has other plants below it, without end.
	Tree struct{}
	// A Bush has fewer.
	Bush struct{}
	// A TreeConnection is one page of trees.
	TreeConnection struct{ size int }
	// A TreeEdge is a tree and its place in the page.
	TreeEdge struct{}
)

func (*Tree) isPlant() {}
func (*Bush) isPlant() {}

// sizeOf is how long a list is, by the arguments of its field.
func sizeOf(arguments ...*int) int {
	size := 0
	for _, n := range arguments {
		if n != nil {
			size = max(size, *n)
		}
	}
	if size < 1 {
		return 2
	}
	return size
}

func plants(n int) []Plant {
	list := make([]Plant, n)
	for i := range list {
		list[i] = &Tree{}
		if i%2 == 1 {
			list[i] = &Bush{}
		}
	}
	return list
}

func many[T any](n int) []*T {
	list := make([]*T, n)
	for i := range list {
		list[i] = new(T)
	}
	return list
}

// Name tells trees from bushes.
func (*Tree) Name() string { return "tree" }

// Parent is a tree, as every parent of one is.
func (*Tree) Parent() *Tree { return &Tree{} }

// Offspring is trees and bushes by turns.
func (*Tree) Offspring(first *int) []Plant { return plants(sizeOf(first)) }

// Bushes stand below the tree.
func (*Tree) Bushes(limit *int) []*Bush { return many[Bush](sizeOf(limit)) }

// Rows are two, each of two trees.
func (*Tree) Rows() [][]*Tree { return [][]*Tree{many[Tree](2), many[Tree](2)} }

// Any is a bush.
func (*Tree) Any() TreeOrBush { return &Bush{} }

// Dear is a tree that costs more than others.
func (*Tree) Dear() *Tree { return &Tree{} }

// Forest is a page of trees.
func (*Tree) Forest(first, last *int) *TreeConnection {
	return &TreeConnection{size: sizeOf(first, last)}
}

// Name tells bushes from trees.
func (*Bush) Name() string { return "bush" }

// Parent is a tree.
func (*Bush) Parent() Plant { return &Tree{} }

// Offspring is trees and bushes by turns.
func (*Bush) Offspring(first *int) []Plant { return plants(sizeOf(first)) }

// Berries grow on bushes, and on what they grow into.
func (*Bush) Berries() *Tree { return &Tree{} }

// Edges are those of the page.
func (c *TreeConnection) Edges() []*TreeEdge { return many[TreeEdge](c.size) }

// Nodes are the trees of the page.
func (c *TreeConnection) Nodes() []*Tree { return many[Tree](c.size) }

// Info is in no list.
func (*TreeConnection) Info() *TreeEdge { return &TreeEdge{} }

// Total is the size of the page.
func (c *TreeConnection) Total() int { return c.size }

// Cursor is the same for every edge.
func (*TreeEdge) Cursor() string { return "here" }

// Node is the tree of the edge.
func (*TreeEdge) Node() *Tree { return &Tree{} }

func (queries) Tree(context.Context) (*Tree, error) { return &Tree{}, nil }

func (queries) Plants(_ context.Context, first *int) ([]Plant, error) {
	return plants(sizeOf(first)), nil
}

func (subscriptions) Grown(context.Context) (<-chan *Tree, error) {
	one := make(chan *Tree, 1)
	one <- &Tree{}
	close(one)
	return one, nil
}

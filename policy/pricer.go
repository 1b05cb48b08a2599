package policy

import (
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// A pricer compiles what an operation costs. It visits a selection set once for each object that it
// can be about and each size that it hands to its lists, so a tower of fragments costs no more than
// its text. Of the objects that a value may be, the dearest counts.
type pricer struct {
	builder
	schema    *Schema
	document  *ast.QueryDocument
	fragments map[fragmentPlace]term
	fields    map[fieldPlace]term
}

type fragmentPlace struct {
	name   string
	object *object
	size   term
}

type fieldPlace struct {
	field *ast.Field
	of    string
	size  term
}

// unsized is the size that no field gives.
var unsized = constant(-1)

// price compiles the cost of an operation of a valid document.
func (s *Schema) price(doc *ast.QueryDocument, op *ast.OperationDefinition) program {
	p := pricer{
		builder:   builder{known: make(map[step]term)},
		schema:    s,
		document:  doc,
		fragments: make(map[fragmentPlace]term),
		fields:    make(map[fieldPlace]term),
	}
	p.total = p.selections(op.SelectionSet, s.root(op.Operation).objects[0], unsized)
	if p.total.step == 0 {
		return program{total: p.total}
	}
	return p.program
}

// selections is the cost of a selection set of an object, in a field that gives lists a size.
func (p *pricer) selections(selections ast.SelectionSet, o *object, size term) term {
	total := constant(0)
	for _, sel := range selections {
		switch sel := sel.(type) {
		case *ast.Field:
			total = p.do(sum, total, p.field(sel, o, size))
		case *ast.InlineFragment:
			if p.schema.covers(sel.TypeCondition, o) {
				total = p.do(sum, total, p.selections(sel.SelectionSet, o, size))
			}
		case *ast.FragmentSpread:
			total = p.do(sum, total, p.fragment(sel.Name, o, size))
		}
	}
	return total
}

func (p *pricer) fragment(name string, o *object, size term) term {
	def := p.document.Fragments.ForName(name)
	if def == nil || !p.schema.covers(def.TypeCondition, o) {
		return constant(0)
	}
	at := fragmentPlace{name, o, size}
	cost, ok := p.fragments[at]
	if ok {
		return cost
	}
	p.fragments[at] = constant(0) // should it spread itself, in a document that is not valid
	cost = p.selections(def.SelectionSet, o, size)
	p.fragments[at] = cost
	return cost
}

// field is the cost of a field and what is below. A field with a size that gives no list, but an
// object, is a connection: the size is that of the lists in it.
func (p *pricer) field(sel *ast.Field, o *object, handed term) term {
	f := o.fields[sel.Name]
	if f == nil {
		return constant(0)
	}
	own, weight := unsized, constant(f.cost.weight)
	if len(f.cost.sizes) > 0 {
		own = p.measure(sizeOf(sel, f.cost, p.schema.listSize))
	}
	switch {
	case len(sel.SelectionSet) == 0, strings.HasPrefix(sel.Name, "__"): // answered from memory, bounded by a rule of validation
		return weight
	case f.cost.lists == 0:
		return p.do(sum, weight, p.below(sel, f.cost.of, own))
	case own == unsized:
		own = handed
	}
	if own == unsized {
		own = constant(p.schema.listSize)
	}
	for range f.cost.lists - 1 {
		own = p.do(product, own, constant(p.schema.listSize))
	}
	return p.do(sum, weight, p.do(product, own, p.below(sel, f.cost.of, unsized)))
}

// below is the cost of the selections of a field, of one object that it gives.
func (p *pricer) below(sel *ast.Field, of string, size term) term {
	at := fieldPlace{sel, of, size}
	cost, ok := p.fields[at]
	if ok {
		return cost
	}
	for _, o := range p.schema.possible(of).objects {
		cost = p.do(largest, cost, p.selections(sel.SelectionSet, o, size))
	}
	p.fields[at] = cost
	return cost
}

// covers reports whether a fragment on a type is about an object; no type is about every one.
func (s *Schema) covers(condition string, o *object) bool {
	return condition == "" || condition == o.name || slices.Contains(s.possible(condition).objects, o)
}

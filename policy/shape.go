package policy

import (
	"github.com/vektah/gqlparser/v2/ast"
)

// A Shape is how large an operation is, with every fragment in every place where it is spread. It
// needs no schema, and the document need not be valid. A number that is too large is math.MaxInt64.
type Shape struct {
	Depth      int64 // of fields; what is below __schema and __type does not count
	Aliases    int64 // fields with another name than their own
	RootFields int64 // by their response keys
}

// ShapeOf measures an operation.
func ShapeOf(doc *ast.QueryDocument, op *ast.OperationDefinition) Shape {
	s := shaper{document: doc, fragments: make(map[string]Shape), spread: make(map[string]bool), roots: make(map[string]bool)}
	shape := s.selections(op.SelectionSet)
	s.root(op.SelectionSet)
	shape.RootFields = int64(len(s.roots))
	return shape
}

// A shaper visits every fragment once.
type shaper struct {
	document  *ast.QueryDocument
	fragments map[string]Shape
	spread    map[string]bool // at the root
	roots     map[string]bool
}

func (s *shaper) selections(selections ast.SelectionSet) Shape {
	var shape Shape
	for _, sel := range selections {
		switch sel := sel.(type) {
		case *ast.Field:
			shape.add(s.field(sel))
		case *ast.InlineFragment:
			shape.add(s.selections(sel.SelectionSet))
		case *ast.FragmentSpread:
			shape.add(s.fragment(sel.Name))
		}
	}
	return shape
}

func (s *shaper) field(sel *ast.Field) Shape {
	shape := s.selections(sel.SelectionSet)
	if sel.Name == "__schema" || sel.Name == "__type" { // gqlparser has a rule for what is below
		shape.Depth = 0
	}
	shape.Depth++
	if sel.Alias != sel.Name {
		shape.Aliases = sum.of(shape.Aliases, 1)
	}
	return shape
}

// fragment measures a fragment. In one that spreads itself it finds nothing: no such document is valid.
func (s *shaper) fragment(name string) Shape {
	shape, ok := s.fragments[name]
	if ok {
		return shape
	}
	s.fragments[name] = Shape{}
	if def := s.document.Fragments.ForName(name); def != nil {
		shape = s.selections(def.SelectionSet)
	}
	s.fragments[name] = shape
	return shape
}

func (s *Shape) add(other Shape) {
	s.Depth = max(s.Depth, other.Depth)
	s.Aliases = sum.of(s.Aliases, other.Aliases)
}

func (s *shaper) root(selections ast.SelectionSet) {
	for _, sel := range selections {
		switch sel := sel.(type) {
		case *ast.Field:
			s.roots[sel.Alias] = true
		case *ast.InlineFragment:
			s.root(sel.SelectionSet)
		case *ast.FragmentSpread:
			def := s.document.Fragments.ForName(sel.Name)
			if def != nil && !s.spread[sel.Name] {
				s.spread[sel.Name] = true
				s.root(def.SelectionSet)
			}
		}
	}
}

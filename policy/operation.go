package policy

import (
	"crypto/sha256"
	"slices"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/formatter"
)

// An Operation is what the schema says about one operation of a document, whatever its variables.
type Operation struct {
	// Hash is equal for two operations that differ in white space, comments, the order of
	// fragments, or in what else stands in their documents.
	Hash [sha256.Size]byte
	// Private says that the result depends on the viewer, wherever in the selection that stands.
	Private bool
	// Introspects says that the operation selects __schema or __type.
	Introspects bool
	// Root is the first root field: for a subscription the only one.
	Root *ast.Field
	// Roots counts the root fields by their response keys.
	Roots int
	// Defers says that @defer stands somewhere.
	Defers bool
	// Conditional says that @skip or @include stands on a root field or on a fragment around it.
	Conditional bool
	// Publishes holds, for a mutation, what is published of each root field, by response key.
	Publishes map[string]*Field

	field *Field
}

// Field is what the schema says about the root field; never nil.
func (o *Operation) Field() *Field { return o.field }

// Operation reads the policy of one operation of a valid document.
func (s *Schema) Operation(doc *ast.QueryDocument, op *ast.OperationDefinition) *Operation {
	w := walk{schema: s, op: &Operation{field: &Field{}}, seen: make(map[string]bool), roots: make(map[string]bool), document: doc}
	w.selections(op.SelectionSet, true)
	w.op.Roots = len(w.roots)
	w.op.Hash = hash(op, w.fragments)
	return w.op
}

// A walk visits every field that an operation can reach, each fragment once: a tower of fragments
// that spread each other costs no more than its text.
type walk struct {
	schema    *Schema
	op        *Operation
	document  *ast.QueryDocument
	seen      map[string]bool // fragments, by name
	roots     map[string]bool // response keys of root fields
	fragments ast.FragmentDefinitionList
}

func (w *walk) selections(set ast.SelectionSet, root bool) {
	for _, sel := range set {
		switch sel := sel.(type) {
		case *ast.Field:
			w.directives(sel.Directives, root)
			w.field(sel, root)
		case *ast.InlineFragment:
			w.directives(sel.Directives, root)
			w.selections(sel.SelectionSet, root)
		case *ast.FragmentSpread:
			w.directives(sel.Directives, root)
			w.fragment(sel.Name, root)
		}
	}
}

func (w *walk) directives(on ast.DirectiveList, root bool) {
	w.op.Defers = w.op.Defers || on.ForName("defer") != nil
	if root && (on.ForName("skip") != nil || on.ForName("include") != nil) {
		w.op.Conditional = true
	}
}

func (w *walk) fragment(name string, root bool) {
	def := w.document.Fragments.ForName(name)
	if def == nil || w.seen[name] {
		return
	}
	w.seen[name] = true
	w.fragments = append(w.fragments, def)
	w.selections(def.SelectionSet, root)
}

func (w *walk) field(sel *ast.Field, root bool) {
	if root {
		w.root(sel)
	}
	if sel.Definition == nil {
		return
	}
	for _, f := range w.schema.reached(sel) {
		w.op.Private = w.op.Private || f.Private
	}
	if w.schema.resultIsPrivate(sel.Definition.Type.Name()) {
		w.op.Private = true
	}
	w.selections(sel.SelectionSet, false)
}

func (w *walk) root(sel *ast.Field) {
	w.roots[sel.Alias] = true
	if sel.Name == "__schema" || sel.Name == "__type" {
		w.op.Introspects = true
	}
	f := w.schema.fields[sel.Definition]
	if w.op.Root == nil {
		w.op.Root = sel
		if f != nil {
			w.op.field = f
		}
	}
	if f != nil && len(f.Publish) > 0 {
		if w.op.Publishes == nil {
			w.op.Publishes = make(map[string]*Field)
		}
		w.op.Publishes[sel.Alias] = f
	}
}

// reached are the policies of every field that a selection can stand for: its own, and where its
// parent is an interface, those of the same field in every type that implements it.
func (s *Schema) reached(sel *ast.Field) []*Field {
	var all []*Field
	if f := s.fields[sel.Definition]; f != nil {
		all = append(all, f)
	}
	parent := sel.ObjectDefinition
	if parent == nil || !parent.IsAbstractType() {
		return all
	}
	for _, possible := range s.ast.GetPossibleTypes(parent) {
		if def := possible.Fields.ForName(sel.Name); def != nil && s.fields[def] != nil {
			all = append(all, s.fields[def])
		}
	}
	return all
}

// resultIsPrivate reports whether a field of that type can give an object that is private.
func (s *Schema) resultIsPrivate(name string) bool {
	def := s.ast.Types[name]
	if def == nil || len(s.private) == 0 {
		return false
	}
	if !def.IsAbstractType() {
		return s.private[name]
	}
	return slices.ContainsFunc(s.ast.GetPossibleTypes(def), func(d *ast.Definition) bool {
		return s.private[d.Name]
	})
}

func hash(op *ast.OperationDefinition, fragments ast.FragmentDefinitionList) (sum [sha256.Size]byte) {
	fragments = slices.Clone(fragments)
	slices.SortFunc(fragments, func(a, b *ast.FragmentDefinition) int {
		if a.Name < b.Name {
			return -1
		}
		return 1
	})
	h := sha256.New()
	formatter.NewFormatter(h, formatter.WithCompacted()).FormatQueryDocument(&ast.QueryDocument{
		Operations: ast.OperationList{op},
		Fragments:  fragments,
	})
	h.Sum(sum[:0])
	return sum
}

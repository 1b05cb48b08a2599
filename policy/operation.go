package policy

import (
	"crypto/sha256"
	"io"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/formatter"
)

// An Operation is what the schema says about one operation of a document, whatever its variables.
type Operation struct {
	// Hash is equal for two operations that differ in white space, comments, the order of
	// fragments, @live, or in what else stands in their documents.
	Hash [sha256.Size]byte
	// Private says that the result depends on the viewer, wherever in the selection that stands.
	Private bool
	// Introspects says that the operation selects __schema or __type.
	Introspects bool
	// Fields are the root fields, one for each response key.
	Fields []RootField
	// Root is the first root field: for a subscription the only one.
	Root *ast.Field
	// Roots counts the root fields by their response keys.
	Roots int
	// Defers says that @defer stands somewhere.
	Defers bool
	// Conditional says that @skip or @include stands on a root field or on a fragment around it.
	Conditional bool

	live       *ast.Directive // nil: none
	membership []string       // of a live query
	wished     []string       // variables that only @live needs
	field      *Field
	checks     []check
	ruled      bool // some of the checks have a rule
	cost       program
}

// A RootField is a field of Query, Mutation or Subscription that an operation selects.
type RootField struct {
	Selection *ast.Field
	Policy    *Field
}

// Field is what the schema says about the root field; never nil.
func (o *Operation) Field() *Field { return o.field }

// Operation reads the policy of one operation of a valid document.
func (s *Schema) Operation(doc *ast.QueryDocument, op *ast.OperationDefinition) *Operation {
	w := walk{
		schema:   s,
		op:       &Operation{field: &Field{}},
		document: doc,
		seen:     make(map[visit]bool),
		roots:    make(map[string]bool),
		checked:  make(map[checked]bool),
	}
	w.selections(op.SelectionSet, s.root(op.Operation), nil)
	w.op.Roots = len(w.roots)
	w.op.Hash = hash(op, w.fragments)
	w.op.cost = s.price(doc, op)
	if w.op.live = op.Directives.ForName("live"); w.op.live != nil {
		w.op.membership = s.membership(doc, op)
		w.op.wished = wished(op, w.fragments)
	}
	return w.op
}

// root is the set of the one object type that an operation begins at.
func (s *Schema) root(kind ast.Operation) set {
	switch kind {
	case ast.Mutation:
		return s.possible(s.ast.Mutation.Name)
	case ast.Subscription:
		return s.possible(s.ast.Subscription.Name)
	}
	return s.possible(s.ast.Query.Name)
}

// A walk visits every field that an operation can reach, each fragment once for each set of object
// types that it can be about: a tower of fragments that spread each other costs no more than its text
// times the sets that its types can be narrowed to, and those are bounded.
type walk struct {
	schema    *Schema
	op        *Operation
	document  *ast.QueryDocument
	seen      map[visit]bool
	roots     map[string]bool // response keys of root fields
	checked   map[checked]bool
	fragments ast.FragmentDefinitionList
}

type visit struct{ fragment, set string }

// maxVisits is how often fragments are read with the very types that they are about. No document that
// anybody wrote comes near it.
const maxVisits = 2000

// selections visits a selection set of an object that is one of parents; path leads to it, and is
// nil at the root.
func (w *walk) selections(selections ast.SelectionSet, parents set, path ast.Path) {
	for _, sel := range selections {
		switch sel := sel.(type) {
		case *ast.Field:
			w.directives(sel.Directives, path)
			w.field(sel, parents, path)
		case *ast.InlineFragment:
			w.directives(sel.Directives, path)
			w.selections(sel.SelectionSet, w.schema.narrow(parents, sel.TypeCondition), path)
		case *ast.FragmentSpread:
			w.directives(sel.Directives, path)
			w.fragment(sel.Name, parents, path)
		}
	}
}

func (w *walk) directives(on ast.DirectiveList, path ast.Path) {
	w.op.Defers = w.op.Defers || on.ForName("defer") != nil
	if path == nil && (on.ForName("skip") != nil || on.ForName("include") != nil) {
		w.op.Conditional = true
	}
}

func (w *walk) fragment(name string, parents set, path ast.Path) {
	def := w.document.Fragments.ForName(name)
	if def == nil {
		return
	}
	about := w.schema.narrow(parents, def.TypeCondition)
	if len(w.seen) >= maxVisits { // stricter than need be, and never more than the fragments there are
		about = w.schema.possible(def.TypeCondition)
	}
	at := visit{name, about.key}
	if w.seen[at] {
		return
	}
	w.seen[at] = true
	if !slices.Contains(w.fragments, def) {
		w.fragments = append(w.fragments, def)
	}
	w.selections(def.SelectionSet, about, path)
}

func (w *walk) field(sel *ast.Field, parents set, path ast.Path) {
	if path == nil {
		w.root(sel, parents)
	}
	if sel.Definition == nil {
		return
	}
	path = append(slices.Clip(path), ast.PathName(sel.Alias))
	for _, o := range parents.objects {
		if f := o.fields[sel.Name]; f != nil {
			w.op.Private = w.op.Private || f.Private
			w.check(sel, f.needs, path)
		}
	}
	if sel.Name == "__typename" && len(path) > 1 {
		w.check(sel, parents.common(), path)
	}
	results := w.schema.possible(sel.Definition.Type.Name())
	w.op.Private = w.op.Private || slices.ContainsFunc(results.objects, func(o *object) bool { return o.private })
	w.selections(sel.SelectionSet, results, path)
}

func (w *walk) root(sel *ast.Field, parents set) {
	again := w.roots[sel.Alias]
	w.roots[sel.Alias] = true
	if sel.Name == "__schema" || sel.Name == "__type" {
		w.op.Introspects = true
	}
	f := parents.objects[0].fields[sel.Name]
	if f != nil && !again {
		w.op.Fields = append(w.op.Fields, RootField{sel, f})
	}
	if w.op.Root == nil {
		w.op.Root = sel
		if f != nil {
			w.op.field = f
		}
	}
}

func hash(op *ast.OperationDefinition, fragments ast.FragmentDefinitionList) (sum [sha256.Size]byte) {
	h := sha256.New()
	format(h, withoutLive(op), fragments)
	h.Sum(sum[:0])
	return sum
}

// format writes an operation and its fragments, in the order of their names, without needless space.
func format(to io.Writer, op *ast.OperationDefinition, fragments ast.FragmentDefinitionList) {
	fragments = slices.Clone(fragments)
	slices.SortFunc(fragments, func(a, b *ast.FragmentDefinition) int { return strings.Compare(a.Name, b.Name) })
	formatter.NewFormatter(to, formatter.WithCompacted()).FormatQueryDocument(&ast.QueryDocument{
		Operations: ast.OperationList{op},
		Fragments:  fragments,
	})
}

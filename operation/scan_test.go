package operation

import (
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"
)

func TestScan(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		want       outline
	}{
		{"nothing", ``, outline{}},
		{"a query", `{a}`, outline{nesting: 1}},
		{"braces side by side", `{a{b} c{d{e}}}`, outline{nesting: 3}},
		{"all that nests, together", `query($a:[[Int]]=[1]){a(b:{c:[[1]]})}`, outline{nesting: 5, digits: 1}},
		{"braces in a comment", "{a #{{{{ \"\r{b}}", outline{nesting: 2}},
		{"a comment at the end", `{a}#{{`, outline{nesting: 1}},
		{"braces in a string", `{a(b:"{{{{")}`, outline{nesting: 2}},
		{"a quote in a string", `{a(b:"\"{{{{\\")}`, outline{nesting: 2}},
		{"an empty string", `{a(b:"" c:[1])}`, outline{nesting: 3, digits: 1}},
		{"braces in a block string", `{a(b:"""{"{""{\"""{""")}`, outline{nesting: 2}},
		{"a block string that ends in quotes", `{a(b:"""{""""" c:[""])}`, outline{nesting: 3}},
		{"an empty block string", `{a(b:"""""" c:[""])}`, outline{nesting: 3}},
		{"a hash in a string", `{a(b:"#" c:[[1]])}`, outline{nesting: 4, digits: 1}},
		{"directives", `query @a {b @c(d:"@") @e}#@`, outline{nesting: 2, directives: 3}},
		{"numbers", `{a1234567(b:-12.5e+10 c:1)}`, outline{nesting: 2, digits: 9}},
		{"numbers side by side", `{a(b:[-1-1-1 0])}`, outline{nesting: 3, digits: 2}},
		{"a string that does not end", `{a(b:"{{`, outline{nesting: 2}},
		{"a block string that does not end", `{a(b:"""{{"`, outline{nesting: 2}},
		{"an escape that does not end", `{a(b:"\`, outline{nesting: 2}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := scan(tt.text); got != tt.want {
				t.Errorf("%+v, want %+v", got, tt.want)
			}
		})
	}
}

// What the parser accepts looks to the scan as it does to the parser.
func FuzzScan(f *testing.F) {
	for _, text := range []string{
		`{a}`, `{a{b} c{d{e}}}`, `query($a:[[Int]]=[1]@x){a(b:{c:[[1 -2.5e3]]})@y}`, "{a #{{\"\n{b}}", `{a(b:"\"{{\\\u{1F600}")}`,
		`{a(b:"""{"{""{\"""{""""" c:[""])}`, `subscription A{...f ... on B@c{d}} fragment f on B{e:f}`, "\ufeff{a,b}", `{a(b:"" c:"""""")}`,
		"{a(b:\"\"\"\r\n\t#{\"\"\")}", `{a(b:[-1-1 0])}`, `{a(b:[1"{"2])}`,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := scan(text)
		doc, err := parser.ParseQueryWithTokenLimit(&ast.Source{Input: text}, 1000)
		if err != nil {
			return
		}
		var o outliner
		o.document(doc)
		if got != o.outline {
			t.Errorf("%q: %+v, the parser sees %+v", text, got, o.outline)
		}
		if n := o.nesting; n <= 100 {
			if errs := (QueryLimits{}).withDefaults().text(text); errs != nil && Code(errs) == CodeDepthLimit {
				t.Errorf("%q nests %d deep, and is refused: %v", text, n, errs)
			}
		}
	})
}

// An outliner makes an outline of what was parsed.
type outliner struct{ outline }

func (o *outliner) at(depth int) { o.nesting = max(o.nesting, depth) }

func (o *outliner) document(doc *ast.QueryDocument) {
	for _, def := range doc.Operations {
		o.variables(def.VariableDefinitions)
		o.directivesOf(def.Directives, 0)
		o.selections(def.SelectionSet, 0)
	}
	for _, def := range doc.Fragments {
		o.variables(def.VariableDefinition)
		o.directivesOf(def.Directives, 0)
		o.selections(def.SelectionSet, 0)
	}
}

func (o *outliner) variables(defs ast.VariableDefinitionList) {
	for _, def := range defs {
		depth := 1
		o.at(depth)
		for of := def.Type; of.Elem != nil; of = of.Elem {
			depth++
			o.at(depth)
		}
		if def.DefaultValue != nil {
			o.value(def.DefaultValue, 1)
		}
		o.directivesOf(def.Directives, 1)
	}
}

func (o *outliner) selections(selections ast.SelectionSet, depth int) {
	if len(selections) > 0 {
		o.at(depth + 1)
	}
	for _, sel := range selections {
		switch sel := sel.(type) {
		case *ast.Field:
			o.arguments(sel.Arguments, depth+1)
			o.directivesOf(sel.Directives, depth+1)
			o.selections(sel.SelectionSet, depth+1)
		case *ast.InlineFragment:
			o.directivesOf(sel.Directives, depth+1)
			o.selections(sel.SelectionSet, depth+1)
		case *ast.FragmentSpread:
			o.directivesOf(sel.Directives, depth+1)
		}
	}
}

func (o *outliner) directivesOf(list ast.DirectiveList, depth int) {
	for _, d := range list {
		o.directives++
		o.arguments(d.Arguments, depth)
	}
}

func (o *outliner) arguments(list ast.ArgumentList, depth int) {
	for _, arg := range list {
		o.at(depth + 1)
		o.value(arg.Value, depth+1)
	}
}

func (o *outliner) value(v *ast.Value, depth int) {
	switch v.Kind {
	case ast.ListValue, ast.ObjectValue:
		o.at(depth + 1)
	case ast.IntValue, ast.FloatValue:
		o.digits = max(o.digits, len(v.Raw))
	}
	for _, child := range v.Children {
		o.value(child.Value, depth+1)
	}
}

func BenchmarkScan(b *testing.B) {
	text := `{ products(first: 20) { edges { node { id name } } } } # ` + strings.Repeat("x", 1000)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		scan(text)
	}
}

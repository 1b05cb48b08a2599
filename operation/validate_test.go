package operation

import (
	"bytes"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/formatter"
	"github.com/vektah/gqlparser/v2/parser"
)

func TestOnce(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"a field that is there again", `{a b a c b}`, `{a b c}`},
		{"another name for it", `{a b:a a b:a}`, `{a b:a}`},
		{"another field under its name", `{a a:b a}`, `{a a:b}`},
		{"below", `{a{b b}c{d}c{d d}}`, `{a{b}c{d}c{d}}`},
		{"in fragments", `{...f ...{a a}}fragment f on Query{a a}`, `{...f ... {a}}fragment f on Query{a}`},
		{"with arguments", `{a(b:1)a a(b:1)a}`, `{a(b:1)a a(b:1)}`},
		{"with directives", `{a@b a a@b a}`, `{a@b a a@b}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, want := parsed(t, tt.text), parsed(t, tt.want)
			once(got)
			if g, w := written(got), written(want); g != w {
				t.Errorf("%s, want %s", g, w)
			}
		})
	}
}

func parsed(t *testing.T, text string) *ast.QueryDocument {
	t.Helper()
	doc, err := parser.ParseQuery(&ast.Source{Input: text})
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func written(doc *ast.QueryDocument) string {
	var b bytes.Buffer
	formatter.NewFormatter(&b, formatter.WithCompacted()).FormatQueryDocument(doc)
	return b.String()
}

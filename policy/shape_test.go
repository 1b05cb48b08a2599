package policy_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"

	"github.com/sluice-gateway/sluice/policy"
)

func shapeOf(t *testing.T, text string) policy.Shape {
	t.Helper()
	doc, err := parser.ParseQuery(&ast.Source{Input: text})
	if err != nil {
		t.Fatal(err)
	}
	return policy.ShapeOf(doc, doc.Operations[0])
}

func TestShape(t *testing.T) {
	for _, tt := range []struct {
		name, query string
		want        policy.Shape
	}{
		{"one field", `{ a }`, policy.Shape{Depth: 1, RootFields: 1}},
		{"the deepest field counts", `{ a { b { c } } d { e } }`, policy.Shape{Depth: 3, RootFields: 2}},
		{"inline fragments have no depth", `{ ... { ... on Query { a { ... on A { b } } } } }`, policy.Shape{Depth: 2, RootFields: 1}},
		{"fragments have that of their fields", `{ a { ...f } } fragment f on A { b { ...g } } fragment g on B { c { d } }`, policy.Shape{Depth: 4, RootFields: 1}},
		{"aliases", `{ x: a { y: b } a: a ...f } fragment f on Query { z: c }`, policy.Shape{Depth: 2, Aliases: 3, RootFields: 3}},
		{"aliases in each place of a fragment", `{ a { ...f ...f } b { ...f } } fragment f on A { x: c y: d }`, policy.Shape{Depth: 2, Aliases: 6, RootFields: 2}},
		{"root fields by response keys", `{ a a ...f ... { b x: a } } fragment f on Query { b c }`, policy.Shape{Depth: 1, Aliases: 1, RootFields: 4}},
		{"nothing counts as deep below the schema", `{ __schema { types { fields { x: name } } } __type(name: "A") { name } }`, policy.Shape{Depth: 1, Aliases: 1, RootFields: 2}},
		{"nor in fragments there", `{ a { b } __schema { ...f } } fragment f on __Schema { types { fields { name } } }`, policy.Shape{Depth: 2, RootFields: 2}},
		{"fragments that are not there", `{ a { ...f } ...g }`, policy.Shape{Depth: 1, RootFields: 1}},
		{"fragments that spread themselves", `{ a { ...f } ...g } fragment f on A { x: b { ...f } } fragment g on Query { c ...h } fragment h on Query { ...g d }`, policy.Shape{Depth: 2, Aliases: 1, RootFields: 3}},
		{"fragments that nobody spreads", `{ a } fragment f on A { b { c { d } } }`, policy.Shape{Depth: 1, RootFields: 1}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := shapeOf(t, tt.query); got != tt.want {
				t.Errorf("%+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestTheShapeOfATowerIsCheap(t *testing.T) {
	var text strings.Builder
	text.WriteString("{ ...f0 }")
	for i := range 100 {
		fmt.Fprintf(&text, " fragment f%d on Query { ...f%d ...f%[2]d a { ...f%[2]d } }", i, i+1)
	}
	text.WriteString(" fragment f100 on Query { x: b }")
	if got, want := shapeOf(t, text.String()), (policy.Shape{Depth: 101, Aliases: math.MaxInt64, RootFields: 2}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

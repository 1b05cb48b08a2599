package policy_test

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"github.com/sluice-gateway/sluice/policy"
)

const priced = `
directive @cost(weight: Int!) on FIELD_DEFINITION
scalar Long
type Query {
	scalar: Int
	dearScalar: Int @cost(weight: 9)
	free: Item @cost(weight: 0)
	item: Item
	items(first: Int): [Item]
	standard(first: Int = 7): [Item]
	both(first: Int = 5, last: Int): [Item]
	long(limit: Long): [Item]
	words(first: String): [Item]
	other(size: Int): [Item]
	grid: [[Item]]
	page(first: Int = 10, last: Int): Page
	plain: Page
	thing: Thing
	things(first: Int): [Thing]
	either: Either
}
type Mutation { make: Item @cost(weight: 10) tell: Int @cost(weight: 4) }
type Subscription { made: Item count: Int }
type Item { id: ID dear: Item @cost(weight: 100) item: Item list: [Item] items(first: Int): [Item] tags: [String] page(first: Int): Page }
type Page { edges: [Edge] nodes: [Item] info: Info total: Int @cost(weight: 3) sized(first: Int): [Item] inner: Page }
type Edge { cursor: ID node: Item }
type Info { next: Boolean infos: [Info] }
interface Thing { id: ID part: Item parts(first: Int = 2): [Item] }
type Cheap implements Thing { id: ID part: Item @cost(weight: 0) parts(first: Int = 1): [Item] }
type Middling implements Thing { id: ID part: Item parts(first: Int): [Item] own: Item @cost(weight: 30) }
type Dear implements Thing { id: ID part: Item @cost(weight: 20) parts(first: Int = 50): [Item] own: Item @cost(weight: 40) }
union Either = Cheap | Item
interface Stated { a: Item @cost(weight: 6) b: Item @cost(weight: 6) }
interface More { a: Item @cost(weight: 8) }
type Heir implements Stated & More { a: Item b: Item @cost(weight: 2) }
extend type Query { heir: Heir stated: Stated }
`

func TestCost(t *testing.T) {
	schema := load(t, priced)
	for _, tt := range []struct {
		name, query string
		want        int64
	}{
		{"a scalar is free", `{ scalar }`, 0},
		{"a scalar with a weight", `{ dearScalar }`, 9},
		{"an object costs 1", `{ item { id tags } }`, 1},
		{"an object may be free", `{ free { id item { id } } }`, 1},
		{"fields add up", `{ item { id } b: item { item { id } } dearScalar }`, 12},
		{"a list costs once, what is in it for each element", `{ items(first: 5) { id item { id } } }`, 6},
		{"a list without a size counts for 20", `{ items { item { id } } }`, 21},
		{"the default of an argument", `{ standard { item { id } } }`, 8},
		{"an argument that is null says nothing", `{ standard(first: null) { item { id } } }`, 21},
		{"nor does one below 1", `{ a: items(first: 0) { item { id } } b: items(first: -5) { item { id } } }`, 42},
		{"of two arguments the larger counts", `{ a: both(first: 3, last: 8) { item { id } } b: both(last: 2) { item { id } } }`, 9 + 6},
		{"a scalar of the schema's own may be a size", `{ long(limit: 30) { item { id } } }`, 31},
		{"also as text, and as a fraction", `{ a: words(first: "12") { item { id } } b: words(first: "1.5e1") { item { id } } }`, 13 + 16},
		{"another argument is no size", `{ other(size: 100) { item { id } } }`, 21},
		{"lists in a list", `{ grid { item { id } } }`, 401},
		{"lists of lists multiply", `{ items(first: 3) { items(first: 4) { items(first: 5) { item { id } } } } }`, 1 + 3*(1+4*(1+5*1))},
		{"a connection's size is that of its edges", `{ page(first: 30) { edges { cursor node { id } } } }`, 1 + 1 + 30},
		{"and of its nodes", `{ page(first: 30) { nodes { item { id } } } }`, 1 + 1 + 30},
		{"but of nothing else in it", `{ page(first: 30) { total info { next infos { infos { next } } } } }`, 1 + 3 + 1 + 1 + 20},
		{"through fragments", `{ page(first: 30) { ... { ...f } } } fragment f on Page { edges { node { id } } }`, 32},
		{"one fragment in connections of two sizes", `{ a: page(first: 30) { ...f } b: page(first: 3) { ...f } } fragment f on Page { edges { node { id } } }`, 32 + 5},
		{"a list in a connection may have a size of its own", `{ page(first: 30) { sized(first: 2) { item { id } } } }`, 4},
		{"a list that is not directly in it has not the connection's", `{ page(first: 30) { inner { nodes { item { id } } } } }`, 1 + 1 + 1 + 20},
		{"a connection without a size", `{ plain { edges { node { id } } } }`, 22},
		{"a connection in a list", `{ items(first: 2) { page(first: 3) { edges { node { id } } } } }`, 1 + 2*(1+1+3)},
		{"an abstract type costs what the dearest object costs", `{ thing { part { id } } }`, 1 + 20},
		{"not the sum of what some of them cost", `{ thing { ... on Cheap { part { item { id } } } ... on Middling { own { id } } ... on Dear { own { id } } } }`, 1 + 40},
		{"also where a fragment is on the interface", `{ thing { ...f ...f } } fragment f on Thing { part { id } ... on Middling { own { id } } }`, 1 + 62},
		{"an object's own default counts", `{ thing { parts { item { id } } } }`, 1 + 1 + 50},
		{"a list of an abstract type", `{ things(first: 3) { part { id } } }`, 1 + 3*20},
		{"a union", `{ either { ... on Cheap { part { id } } ... on Item { dear { id } } } }`, 101},
		{"a field has the largest weight of its interfaces", `{ heir { a { id } } }`, 9},
		{"unless it has its own", `{ heir { b { id } } stated { b { id } } }`, 3 + 3},
		{"what may be skipped counts", `{ item @skip(if: true) { id } }`, 1},
		{"a mutation", `mutation { make { id } b: make { item { id } } tell }`, 25},
		{"an event", `subscription { made { list { item { id } } } }`, 1 + 1 + 20},
		{"introspection counts once", `{ __schema { types { fields { type { name } } } } __type(name: "Item") { name } __typename }`, 2},
		{"what is too much stays at the most there is", `{ items(first: 2147483647) { items(first: 2147483647) { items(first: 2147483647) { item { id } } } } }`, math.MaxInt64},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := operation(t, schema, tt.query).Cost(nil); got != tt.want {
				t.Errorf("%d, want %d: %s", got, tt.want, tt.query)
			}
		})
	}
}

func TestCostOfVariables(t *testing.T) {
	schema := load(t, priced)
	const (
		one  = `query($n: Int) { items(first: $n) { item { id } } }`
		two  = `query($n: Int, $m: Int) { both(first: $n, last: $m) { item { id } } }`
		page = `query($n: Int) { page(first: $n) { ...f } things(first: $n) { ... on Dear { parts(first: $n) { item { id } } } } } fragment f on Page { edges { node { id } } }`
	)
	for _, tt := range []struct {
		name, query string
		variables   map[string]any
		want        int64
	}{
		{"a number", one, map[string]any{"n": int64(5)}, 6},
		{"a number of JSON", one, map[string]any{"n": json.Number("5")}, 6},
		{"a number of Go's", one, map[string]any{"n": 5}, 6},
		{"a fraction", one, map[string]any{"n": 4.5}, 6},
		{"text, which resolvers read as a number", one, map[string]any{"n": "5"}, 6},
		{"text that is none", one, map[string]any{"n": "five"}, 21},
		{"something else", one, map[string]any{"n": []any{}}, 21},
		{"null", one, map[string]any{"n": nil}, 21},
		{"nothing", one, nil, 21},
		{"below 1", one, map[string]any{"n": int64(-1)}, 21},
		{"more than there are", one, map[string]any{"n": json.Number("1e300")}, math.MaxInt64},
		{"more than there are, without an exponent", one, map[string]any{"n": "99999999999999999999999"}, math.MaxInt64},
		{"so much that it would begin again at nothing", `query($n: Int) { items(first: $n) { items(first: $n) { item { id } } } }`, map[string]any{"n": int64(1 << 32)}, math.MaxInt64},
		{"left out, where the argument has a default", two, map[string]any{"m": int64(2)}, 6},
		{"null, where the argument has a default", two, map[string]any{"n": nil}, 21},
		{"the larger of two", two, map[string]any{"n": int64(3), "m": int64(4)}, 5},
		{"one variable in many places", page, map[string]any{"n": int64(3)}, (1 + 1 + 3) + (1 + 3*(1+3))},
		{"the same with another", page, map[string]any{"n": int64(4)}, (1 + 1 + 4) + (1 + 4*(1+4))},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := operation(t, schema, tt.query).Cost(tt.variables); got != tt.want {
				t.Errorf("%d, want %d", got, tt.want)
			}
		})
	}
}

func TestWhatTheDocumentSaysIsKnownWithoutAllocation(t *testing.T) {
	op := operation(t, load(t, priced), `{ page(first: 30) { edges { node { id } } } }`)
	variables := map[string]any{"n": int64(3)}
	if n := testing.AllocsPerRun(100, func() { op.Cost(variables) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestListsOfAnotherSize(t *testing.T) {
	schema := load(t, priced)
	compiled, err := policy.Compile(schema)
	if err != nil {
		t.Fatal(err)
	}
	doc := parsed(t, schema, `query($n: Int) { items { item { id } } standard(first: $n) { item { id } } }`)
	if got := compiled.WithListSize(3).Operation(doc, doc.Operations[0]).Cost(map[string]any{"n": nil}); got != 8 {
		t.Errorf("it costs %d, want 8", got)
	}
	if got := compiled.Operation(doc, doc.Operations[0]).Cost(map[string]any{"n": nil}); got != 42 {
		t.Errorf("the schema was changed: it costs %d, want 42", got)
	}
}

func TestWeightsThatAreNone(t *testing.T) {
	for _, weight := range []string{"-1", "99999999999999999999", `1.5`} {
		schema := load(t, "directive @cost(weight: Float!) on FIELD_DEFINITION\ntype Query { q: Int @cost(weight: "+weight+") }")
		if _, err := policy.Compile(schema); err == nil || !strings.Contains(err.Error(), "api.graphqls:2: @cost on Query.q") {
			t.Errorf("%s: %v", weight, err)
		}
	}
}

func parsed(t *testing.T, schema *ast.Schema, text string) *ast.QueryDocument {
	t.Helper()
	doc, errs := gqlparser.LoadQueryWithRules(schema, text, rules.NewRules(rules.KnownFragmentNamesRule))
	if errs != nil {
		t.Fatal(errs)
	}
	return doc
}

// Fragments in each other cost no more time than their text, whatever they multiply.
func TestTowersArePricedQuickly(t *testing.T) {
	schema := load(t, priced)
	for name, step := range map[string]string{
		"fragments":            "fragment f%d on Item { ...f%d ...f%[2]d }\n",
		"fields":               "fragment f%d on Item { a: item { ...f%d } b: item { ...f%[2]d } }\n",
		"lists of a variable":  "fragment f%d on Item { a: items(first: $n) { ...f%d } b: items(first: $m) { ...f%[2]d } }\n",
		"lists in connections": "fragment f%d on Item { page(first: $n) { ...p%[1]d } }\nfragment p%[1]d on Page { edges { node { ...f%[2]d } } nodes { ...f%[2]d } }\n",
	} {
		var b strings.Builder
		b.WriteString("query($n: Int, $m: Int) { item { ...f0 } }\n")
		const height = 100
		for i := range height {
			fmt.Fprintf(&b, step, i, i+1)
		}
		fmt.Fprintf(&b, "fragment f%d on Item { item { id } }", height)
		if got := operation0(t, schema, b.String()).Cost(map[string]any{"n": int64(9)}); got != math.MaxInt64 {
			t.Errorf("%s: %d", name, got)
		}
	}
}

// operation0 is the first operation of a document that is validated no further than needed.
func operation0(t *testing.T, schema *ast.Schema, text string) *policy.Operation {
	t.Helper()
	compiled, err := policy.Compile(schema)
	if err != nil {
		t.Fatal(err)
	}
	doc := parsed(t, schema, text)
	return compiled.Operation(doc, doc.Operations[0])
}

func TestAFragmentThatSpreadsItselfHasAPrice(t *testing.T) {
	schema := load(t, priced)
	if got := operation0(t, schema, `{ item { ...f } } fragment f on Item { item { id } ...g } fragment g on Item { ...f }`).Cost(nil); got != 2 {
		t.Errorf("it costs %d", got)
	}
}

func BenchmarkCost(b *testing.B) {
	schema := gqlparser.MustLoadSchema(&ast.Source{Input: priced})
	compiled, err := policy.Compile(schema)
	if err != nil {
		b.Fatal(err)
	}
	for name, text := range map[string]string{
		"known":     `{ page(first: 30) { edges { node { id item { id } } } } }`,
		"variables": `query($n: Int) { page(first: $n) { edges { node { id item { id } } } } }`,
	} {
		doc, errs := gqlparser.LoadQueryWithRules(schema, text, rules.NewDefaultRules())
		if errs != nil {
			b.Fatal(errs)
		}
		op, variables := compiled.Operation(doc, doc.Operations[0]), map[string]any{"n": int64(30)}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				op.Cost(variables)
			}
		})
	}
}

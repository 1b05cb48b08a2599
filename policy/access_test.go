package policy_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"github.com/sluice-gateway/sluice/auth"
	"github.com/sluice-gateway/sluice/policy"
)

const guarded = `
type Query {
	open: Shelf @public
	closed: Shelf
	staff: Shelf @auth(scopes: ["staff"])
	any: Any @public
	node: Node @public
	locked: Locked @public
	box: Box @public
	walled: Walled @public
	own(customer: ID): Shelf @auth(rule: "args.customer == viewer.subject")
}
type Mutation @auth(scopes: ["write"]) { change: Shelf remove: Shelf @auth(scopes: ["remove"]) }
type Subscription @public { changed: Shelf audited: Shelf @auth(scopes: ["audit"]) }
type Shelf implements Node { id: ID name: String cost: Int @auth(scopes: ["cost"]) box: Box boxes: [[Box]] node: Node any: Any }
type Safe @auth(scopes: ["safe"]) { id: ID content: String }
type Plain implements Node { id: ID name: String }
type Secret implements Node { id: ID name: String @auth(scopes: ["names"]) }
interface Node { id: ID name: String }
interface Locked @auth(scopes: ["lock"]) { id: ID }
type Box implements Locked { id: ID content: String }
interface Walled { id: ID content: String @auth(scopes: ["wall"]) }
type Wall implements Walled { id: ID content: String }
type Other implements Walled { id: ID content: String @auth(scopes: ["other"]) }
union Any = Plain | Safe | Shelf
extend type Query { twice: Twice @public shelved: Shelved @public sealed: Sealed @public }
type Twice @auth(scopes: ["one"]) { x: Int }
extend type Twice @auth(scopes: ["two"]) { y: Int }
interface Shelved implements Node { id: ID name: String }
type Book implements Node & Shelved { id: ID name: String }
interface Sealed @auth(scopes: ["seal"]) { id: ID }
type Letter implements Sealed { id: ID }
type Parcel implements Sealed { id: ID }
`

// lacks tells what is refused, as "path:scope,scope", or "path:!" for who is not authenticated.
func lacks(op *policy.Operation, v *auth.Viewer) string {
	var all []string
	for _, r := range op.Lacks(v) {
		why := strings.Join(r.Scopes, ",")
		if r.Anonymous {
			why = "!"
		}
		all = append(all, r.Path.String()+":"+why)
	}
	return strings.Join(all, " ")
}

func TestNeedsAreFoundOverEveryWayToAField(t *testing.T) {
	schema := load(t, guarded)
	someone := &auth.Viewer{Consumer: "someone"}
	for query, want := range map[string][2]string{ // of someone, of nobody
		`{ open { id name } }`:                           {"", ""},
		`{ __typename open { __typename id } }`:          {"", ""},
		`{ closed { id } }`:                              {"", "closed:!"},
		`{ x: closed { id } }`:                           {"", "x:!"},
		`{ staff { id } }`:                               {"staff:staff", "staff:!"},
		`{ open { cost } }`:                              {"open.cost:cost", "open.cost:!"},
		`{ staff { cost } }`:                             {"staff:staff staff.cost:cost", "staff:! staff.cost:!"},
		`{ open { a: cost b: cost } }`:                   {"open.a:cost open.b:cost", "open.a:! open.b:!"},
		`{ open { ... { cost } } }`:                      {"open.cost:cost", "open.cost:!"},
		`{ open { ...f } } fragment f on Shelf { cost }`: {"open.cost:cost", "open.cost:!"},
		`{ open { ...f } } fragment f on Node { ... on Shelf { cost } }`:                   {"open.cost:cost", "open.cost:!"},
		`{ open { ...f ...g } } fragment f on Shelf { ...g } fragment g on Shelf { cost }`: {"open.cost:cost", "open.cost:!"},
		`{ any { __typename ... on Plain { name } } }`:                                     {"", ""},
		`{ any { ... on Safe { content } } }`:                                              {"any.content:safe", "any.content:!"},
		`{ any { ... on Safe { __typename } } }`:                                           {"any.__typename:safe", "any.__typename:!"},
		`{ any { ... on Node { id } } }`:                                                   {"", ""}, // a Plain or a Shelf: no Secret is an Any
		`{ node { id } }`:                                                                  {"", ""},
		`{ node { name } }`:                                                                {"node.name:names", "node.name:!"}, // it may be a Secret
		`{ open { node { name } } }`:                                                       {"open.node.name:names", "open.node.name:!"},
		`{ open { ...n } } fragment n on Node { name }`:                                    {"", ""}, // the name of a Shelf
		`{ node { ...n } } fragment n on Node { name }`:                                    {"node.name:names", "node.name:!"},
		`{ open { ...n } node { ...n } } fragment n on Node { name }`:                      {"node.name:names", "node.name:!"},
		`{ twice { x } }`:                                                                  {"twice.x:one,two", "twice.x:!"}, // each part of a type adds its needs
		`{ shelved { name } }`:                                                             {"", ""},
		`{ sealed { __typename } }`:                                                        {"sealed.__typename:seal", "sealed.__typename:!"}, // all of them need it
		`{ node { ...s } } fragment s on Shelf { name }`:                                   {"", ""},
		`{ locked { id } }`:                                                                {"locked.id:lock", "locked.id:!"},
		`{ box { content } }`:                                                              {"box.content:lock", "box.content:!"}, // its own field, of a type with a locked interface
		`{ box { __typename } }`:                                                           {"box.__typename:lock", "box.__typename:!"},
		`{ open { boxes { content } } }`:                                                   {"open.boxes.content:lock", "open.boxes.content:!"},
		`{ open { any { ... on Shelf { box { id } } } } }`:                                 {"open.any.box.id:lock", "open.any.box.id:!"},
		`{ walled { id } }`:                                                                {"", ""},
		`{ walled { content } }`:                                                           {"walled.content:wall,other", "walled.content:!"},
		`{ walled { ... on Wall { content } } }`:                                           {"walled.content:wall", "walled.content:!"},
		`mutation { change { id } }`:                                                       {"change:write", "change:!"},
		`mutation { remove { id } }`:                                                       {"remove:write,remove", "remove:!"},
		`subscription { changed { id } }`:                                                  {"", ""},
		`subscription { changed { cost } }`:                                                {"changed.cost:cost", "changed.cost:!"},
		`subscription { audited { id } }`:                                                  {"audited:audit", "audited:!"},
		`{ __schema { types { name } } __type(name: "Safe") { name } }`:                    {"", ""},
	} {
		op := operation(t, schema, query)
		for i, v := range []*auth.Viewer{someone, auth.Anonymous} {
			if got := lacks(op, v); got != want[i] {
				t.Errorf("%s: %q is refused to %q, want %q", query, got, v.Consumer, want[i])
			}
		}
		if op.Guarded() != (want[1] != "") {
			t.Errorf("%s: guarded is %t", query, op.Guarded())
		}
	}
}

func TestEveryScopeTogetherSuffices(t *testing.T) {
	op := operation(t, load(t, guarded), `{ staff { cost } walled { content } }`)
	v := &auth.Viewer{Consumer: "c", Scopes: []string{"other", "wall", "cost", "staff"}}
	if got := lacks(op, v); got != "" {
		t.Errorf("refused: %s", got)
	}
	v.Scopes = v.Scopes[1:]
	if got := lacks(op, v); got != "walled.content:other" {
		t.Errorf("refused: %s", got)
	}
}

// The sets of types that fragments are about could double with every level.
func TestFragmentsOnManyInterfacesAreCheap(t *testing.T) {
	const many = 24
	var sdl, doc strings.Builder
	sdl.WriteString("type Query { n: N0 @public }\n")
	for i := range many {
		fmt.Fprintf(&sdl, "interface N%d { id: ID secret: ID @auth(scopes: [\"s\"]) }\n", i)
	}
	for i := range many { // a type that implements all interfaces but one
		var all []string
		for j := range many {
			if i != j || i == 0 {
				all = append(all, fmt.Sprint("N", j))
			}
		}
		fmt.Fprintf(&sdl, "type T%d implements %s { id: ID secret: ID }\n", i, strings.Join(all, " & "))
	}
	doc.WriteString("{ n { ...f1 } }\n")
	for i := 1; i < many; i++ {
		fmt.Fprintf(&doc, "fragment f%d on N%d { id ...f%d ... on N0 { ...f%d } }\n", i, i, i+1, i+1)
	}
	fmt.Fprintf(&doc, "fragment f%d on N0 { secret }", many)
	schema := load(t, sdl.String())
	parsed, errs := gqlparser.LoadQueryWithRules(schema, doc.String(), rules.NewRules(rules.KnownFragmentNamesRule))
	if errs != nil {
		t.Fatal(errs)
	}
	compiled, err := policy.Compile(schema)
	if err != nil {
		t.Fatal(err)
	}
	op := compiled.Operation(parsed, parsed.Operations[0])
	if got := lacks(op, &auth.Viewer{Consumer: "c"}); got != "n.secret:s" {
		t.Errorf("refused: %s", got)
	}
}

// A tower of fragments is read once for each set of types, however often it is spread.
func TestATowerOfFragmentsOnSeveralTypesIsCheap(t *testing.T) {
	var b strings.Builder
	b.WriteString("{ node { ...f0 } open { ...f0 } }\n")
	const height = 40
	for i := range height {
		fmt.Fprintf(&b, "fragment f%d on Node { id ...f%d ... on Shelf { ...f%d } ... on Plain { ...f%d } }\n", i, i+1, i+1, i+1)
	}
	fmt.Fprintf(&b, "fragment f%d on Node { ... on Shelf { cost } }", height)
	schema := load(t, guarded)
	parsed, errs := gqlparser.LoadQueryWithRules(schema, b.String(), rules.NewRules(rules.KnownFragmentNamesRule))
	if errs != nil {
		t.Fatal(errs)
	}
	compiled, _ := policy.Compile(schema)
	op := compiled.Operation(parsed, parsed.Operations[0])
	if got := lacks(op, &auth.Viewer{Consumer: "c"}); got != "node.cost:cost" {
		t.Errorf("refused: %s", got)
	}
}

func TestContradictionsOfAccessStopTheStart(t *testing.T) {
	for _, tt := range []struct{ name, sdl, says string }{
		{"public with scopes", `extend type Query { a: Int @public @auth(scopes: ["x"]) }`, "contradicts @public"},
		{"a public type with scopes", `type T @public @auth { a: Int }`, "contradicts @public"},
		{"a public field of a guarded type", `type T @auth(scopes: ["x"]) { a: Int @public }`, "contradicts the @auth of T"},
		{"a public field of a guarded interface", `interface I @auth { a: Int } type T implements I { a: Int @public }`, "contradicts the @auth of I"},
		{"a public field of an interface's guarded field", `interface I { a: Int @auth } type T implements I { a: Int @public }`, "contradicts the @auth of I.a"},
		{"an empty list of scopes", `extend type Query { a: Int @auth(scopes: []) }`, "empty list"},
		{"a scope with a space", `extend type Query { a: Int @auth(scopes: ["a b"]) }`, `"a b" is no scope`},
		{"a rule that does not parse", `extend type Query { a: Int @auth(rule: "viewer.subject ==") }`, "does not compile: "},
		{"a rule that is no condition", `extend type Query { a: Int @auth(rule: "viewer.subject") }`, "not true or false"},
		{"a rule about nothing that there is", `extend type Query { a: Int @auth(rule: "viewer.shoe == 'x'") }`, "undeclared reference"},
		{"a rule about no argument", `extend type Query { a(id: ID): Int @auth(rule: "args.ids == 'x'") }`, "undeclared reference"},
		{"a rule that compares a number with text", `extend type Query { a(n: Int!): Int @auth(rule: "args.n == 'x'") }`, "no matching overload"},
		{"a type's rule about arguments", `type T @auth(rule: "args.json == 1") { a: Int }`, "undeclared reference"},
		{"a topic that may be any", `type Subscription { a(id: ID!): Int @topic(name: "{id}.auth") }`, "begins with text of its own"},
		{"a topic of the gateway's own", `type Subscription { a: Int @topic(name: "_sluice.auth") }`, "for what the gateways tell each other"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := policy.Compile(load(t, "type Query { q: Int }\n"+tt.sdl))
			if err == nil {
				t.Fatal("it was accepted")
			}
			if !strings.Contains(err.Error(), tt.says) || !strings.Contains(err.Error(), "api.graphqls:2: @") {
				t.Errorf("the error says %q, want file, line and %q", err, tt.says)
			}
		})
	}
}

const ruled = `
input Pick { id: ID count: Int = 3 tags: [String!] inner: Pick }
enum Size { SMALL LARGE }
scalar JSON
type Query { a(id: ID, must: ID!, n: Int, f: Float, b: Boolean, s: Size, ids: [ID!], list: [Int!]!, pick: Pick, given: Pick!, json: JSON, std: Int = 7): Int @auth(rule: %q) }
`

func TestRulesSeeArgumentsAsResolversDo(t *testing.T) {
	viewer := &auth.Viewer{
		Consumer: "web", Subject: "ann", Issuer: "https://id", Plan: "free", Scopes: []string{"a", "b"},
		Claims: map[string]any{"tenant": "blue", "level": 3.0, "roles": []any{"x", "y"}},
	}
	for _, tt := range []struct {
		rule, args, variables string
		holds                 bool
	}{
		{`viewer.subject == args.id`, `id: "ann"`, ``, true},
		{`viewer.subject == args.id`, `id: "bob"`, ``, false},
		{`viewer.subject == args.id`, `id: $v`, `"ann"`, true},
		{`viewer.subject == args.id`, ``, ``, false},
		{`args.id == null`, ``, ``, true},
		{`args.id == null`, `id: null`, ``, true},
		{`args.id == null`, `id: "x"`, ``, false},
		{`args.id == "42"`, `id: 42`, ``, true},
		{`args.id == "42"`, `id: $v`, `42`, true},
		{`args.id != "42"`, `id: 42`, ``, false},
		{`args.n == 42`, `n: 42`, ``, true},
		{`args.n < 10`, ``, ``, false}, // null is not less than anything
		{`args.f > 0.5`, `f: 1`, ``, true},
		{`args.b == true`, `b: true`, ``, true},
		{`args.b == true`, ``, ``, false},
		{`args.s == "LARGE"`, `s: LARGE`, ``, true},
		{`args.std == 7`, ``, ``, true},
		{`args.std == 7`, `std: 8`, ``, false},
		{`size(args.ids) == 2 && args.ids.all(i, i.startsWith(viewer.subject))`, `ids: ["ann.1", "ann.2"]`, ``, true},
		{`args.ids.all(i, i == "1")`, `ids: 1`, ``, true}, // one value is a list of one
		{`args.ids.all(i, i == "1")`, `ids: [1, 2]`, ``, false},
		{`args.list == [1, 2]`, `list: [1, 2]`, ``, true},
		{`args.list == [1]`, `list: 1`, ``, true},
		{`args.pick.id == "42"`, `pick: {id: 42}`, ``, true},
		{`args.pick.count == 3`, `pick: {}`, ``, true},
		{`args.given.count == 3 && args.given.inner.id == "1"`, `given: {inner: {id: 1}}`, ``, true},
		{`args.pick.id == "42"`, ``, ``, false},
		{`has(args.given.id)`, `given: {}`, ``, false},
		{`args.json.a[0] == 1`, `json: {a: [1]}`, ``, true},
		{`viewer.claims.tenant == "blue" && viewer.claims.level > 2.0`, ``, ``, true},
		{`"x" in viewer.claims.roles`, ``, ``, true},
		{`viewer.claims.missing == "blue"`, ``, ``, false}, // and not an error for the client
		{`has(viewer.claims.missing) || viewer.plan == "free"`, ``, ``, true},
		{`"b" in viewer.scopes && !viewer.anonymous && viewer.issuer == "https://id" && viewer.consumer == "web"`, ``, ``, true},
		{`args.ids.exists(i, i == viewer.subject)`, `ids: $v`, `["` + strings.Repeat(`x","`, 5000) + `ann"]`, true},
		{`args.ids.all(i, args.ids.all(j, args.ids.all(k, i != j || j != k || i == k)))`, `ids: $v`, `["` + strings.Repeat(`x","`, 200) + `x"]`, false}, // too much work
	} {
		schema := load(t, fmt.Sprintf(ruled, tt.rule))
		args := []string{tt.args}
		for name, standard := range map[string]string{"must": `must: "1"`, "list": `list: []`, "given": `given: {}`} {
			if !slices.ContainsFunc(args, func(a string) bool { return strings.HasPrefix(a, name+":") }) {
				args = append(args, standard)
			}
		}
		text, variables := "", map[string]any(nil)
		if tt.variables != "" {
			kind := "ID"
			if tt.variables[0] == '[' {
				kind = "[ID!]"
			}
			text = "query($v: " + kind + ") "
			numbers := json.NewDecoder(strings.NewReader(`{"v":` + tt.variables + `}`))
			numbers.UseNumber()
			if err := numbers.Decode(&variables); err != nil {
				t.Fatal(err)
			}
		}
		text += "{ a(" + strings.Join(args, " ") + ") }"
		compiled, err := policy.Compile(schema)
		if err != nil {
			t.Fatal(err)
		}
		doc, errs := gqlparser.LoadQueryWithRules(schema, text, rules.NewDefaultRules())
		if errs != nil {
			t.Fatal(text, errs)
		}
		coerced, err := validator.VariableValues(schema, doc.Operations[0], variables)
		if err != nil {
			t.Fatal(text, err)
		}
		broken, err := compiled.Operation(doc, doc.Operations[0]).Breaks(t.Context(), viewer, coerced)
		if err != nil || (len(broken) == 0) != tt.holds {
			t.Errorf("%s of %s %s: %+v (%v), want %t", tt.rule, text, tt.variables, broken, err, tt.holds)
		}
		if !tt.holds && (len(broken) != 1 || broken[0].Path.String() != "a") {
			t.Errorf("%s: refused are %+v", text, broken)
		}
	}
}

func TestANumberThatFitsNoTypeIsToldNotPanicked(t *testing.T) {
	schema := load(t, fmt.Sprintf(ruled, "args.json == 1"))
	op := operation(t, schema, `{ a(json: 99999999999999999999, must: 1, list: [], given: {}) }`)
	if _, err := op.Breaks(t.Context(), auth.Anonymous, nil); err == nil || !strings.Contains(err.Error(), "out of range") {
		t.Errorf("the error is %v", err)
	}
}

func FuzzRuleArguments(f *testing.F) {
	schema, err := gqlparser.LoadSchema(
		&ast.Source{Name: "directives.graphqls", Input: directives},
		&ast.Source{Input: fmt.Sprintf(ruled, `args.id == "a" || args.n > 3 && args.given.count < 7 || args.ids.exists(i, i == "x") || args.json.a == 1 || args.f < 2.5 || args.pick.inner.id == "1"`)})
	if err != nil {
		f.Fatal(err)
	}
	compiled, err := policy.Compile(schema)
	if err != nil {
		f.Fatal(err)
	}
	doc, errs := gqlparser.LoadQueryWithRules(schema,
		`query($id: ID, $n: Int, $f: Float, $ids: [ID!], $pick: Pick, $json: JSON) { a(id: $id, n: $n, f: $f, ids: $ids, pick: $pick, given: {}, json: $json, must: 1, list: 1) }`,
		rules.NewDefaultRules())
	if errs != nil {
		f.Fatal(errs)
	}
	op := compiled.Operation(doc, doc.Operations[0])
	f.Add(`{"id":"a"}`)
	f.Add(`{"id":1e400,"n":2,"ids":["x",7],"json":{"a":[1,{"b":null}]},"pick":{"inner":{"id":1}}}`)
	f.Fuzz(func(t *testing.T, text string) {
		var variables map[string]any
		numbers := json.NewDecoder(strings.NewReader(text))
		numbers.UseNumber()
		if numbers.Decode(&variables) != nil {
			return
		}
		coerced, err := validator.VariableValues(schema, doc.Operations[0], variables)
		if err != nil {
			return
		}
		broken, err := op.Breaks(t.Context(), &auth.Viewer{Consumer: "c"}, coerced)
		if err == nil && len(broken) > 1 {
			t.Fatalf("%+v", broken)
		}
	})
}

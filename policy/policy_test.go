package policy_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"github.com/sluice-gateway/sluice/policy"
)

const directives = `
directive @public on FIELD_DEFINITION | OBJECT
directive @auth(scopes: [String!], rule: String) on FIELD_DEFINITION | OBJECT | INTERFACE
directive @private on FIELD_DEFINITION | OBJECT
directive @topic(name: String!, retain: String, snapshot: String) on FIELD_DEFINITION
directive @publish(topic: String!) repeatable on FIELD_DEFINITION
`

func load(t *testing.T, sdl string) *ast.Schema {
	t.Helper()
	schema, err := gqlparser.LoadSchema(
		&ast.Source{Name: "directives.graphqls", Input: directives},
		&ast.Source{Name: "api.graphqls", Input: sdl},
	)
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func TestContradictionsStopTheStartWithFileAndLine(t *testing.T) {
	for _, tt := range []struct{ name, fields, says string }{
		{"an argument that is not there", `type Subscription { a(id: ID!): Int @topic(name: "a.{ids}") }`, "{ids} is no argument"},
		{"an argument that is an object", `input I { x: Int } type Subscription { a(i: I!): Int @topic(name: "a.{i}") }`, "of type I!"},
		{"a list of lists", `type Subscription { a(i: [[ID!]!]!): Int @topic(name: "a.{i}") }`, "of type [[ID!]!]!"},
		{"an optional argument before the end", `type Subscription { a(id: ID): Int @topic(name: "a.{id}.b") }`, "last segment"},
		{"a name that is no topic", `type Subscription { a: Int @topic(name: "a b") }`, "a b"},
		{"a time that is none", `type Subscription { a: Int @topic(name: "a", retain: "soon") }`, `a time from "1s" to "168h"`},
		{"a time too long", `type Subscription { a: Int @topic(name: "a", retain: "169h") }`, `a time from "1s" to "168h"`},
		{"a snapshot that is not there", `extend type Query { b: Int } type Subscription { a: Int @topic(name: "a", retain: "1m", snapshot: "c") }`, "there is no Query.c"},
		{"a snapshot of another type", `extend type Query { b: String } type Subscription { a: Int! @topic(name: "a", retain: "1m", snapshot: "b") }`, "of the field's own, Int!"},
		{"a snapshot that needs more", `extend type Query { b(id: ID!): Int } type Subscription { a: Int @topic(name: "a", retain: "1m", snapshot: "b") }`, "needs the argument id"},
		{"a snapshot with other arguments", `extend type Query { b(id: Int): Int } type Subscription { a(id: ID!): Int @topic(name: "a.{id}", retain: "1m", snapshot: "b") }`, "the argument id of Query.b is of type Int"},
		{"a snapshot of what is not kept", `extend type Query { b: Int } type Subscription { a: Int @topic(name: "a", snapshot: "b") }`, "snapshot needs retain"},
		{"an empty name", `type Subscription { a: Int @topic(name: "") }`, "@topic"},
		{"a topic of a query", `type Subscription { a: Int } extend type Query { a: Int @topic(name: "a") }`, "subscription type"},
		{"a viewer in a shared field", `type Subscription { a: Int @topic(name: "a.{viewer.subject}") }`, "needs @private"},
		{"a viewer's unknown part", `type Subscription { a: Int @private @topic(name: "a.{viewer.shoe}") }`, "there is no {viewer.shoe}"},
		{"a result's field that is not there", `type M { id: ID } type Mutation { a: M @publish(topic: "a.{key}") }`, "{key} is no field"},
		{"a result's field that is an object", `type M { m: M } type Mutation { a: M @publish(topic: "a.{m}") }`, "cannot name a topic"},
		{"a subscription that publishes", `type M { id: ID } type Subscription { a: M @publish(topic: "a.{id}") }`, "result of a mutation"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := policy.Compile(load(t, "type Query { q: Int }\n"+tt.fields))
			if err == nil {
				t.Fatal("it was accepted")
			}
			if !strings.Contains(err.Error(), tt.says) || !strings.Contains(err.Error(), "api.graphqls:2: @") {
				t.Errorf("the error says %q, want file, line and %q", err, tt.says)
			}
		})
	}
}

func TestEveryContradictionIsTold(t *testing.T) {
	_, err := policy.Compile(load(t, `type Query { q: Int }
type Subscription {
	a: Int @topic(name: "a.{x}")
	b: Int @topic(name: "b.{y}")
}`))
	for _, says := range []string{"api.graphqls:3", "api.graphqls:4"} {
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v does not tell of %s", err, says)
		}
	}
}

const shop = `
type Query { thing: Thing node: Node any: Any user: User plain: Plain me: Plain @private }
type Mutation { rename(id: ID!): Plain @publish(topic: "plain.{id}") @publish(topic: "all") }
type Subscription {
	changed(ids: [ID!]): Plain @topic(name: "plain.{ids}")
	mine: Plain @private @topic(name: "mine.{viewer.subject}")
	untold: Plain
}
interface Node { id: ID name: String }
type Thing implements Node { id: ID name: String secret: String @private inner: Thing list: [[Thing]] }
type User implements Node @private { id: ID name: String }
type Other implements Node { id: ID name: String @private }
type Plain { id: ID plain: Plain node: Node any: Any }
union Any = Plain | User
`

func operation(t *testing.T, schema *ast.Schema, text string) *policy.Operation {
	t.Helper()
	compiled, err := policy.Compile(schema)
	if err != nil {
		t.Fatal(err)
	}
	doc, errs := gqlparser.LoadQueryWithRules(schema, text, rules.NewDefaultRules())
	if errs != nil {
		t.Fatal(errs)
	}
	return compiled.Operation(doc, doc.Operations[0])
}

func TestPrivateIsFoundWhereverItStands(t *testing.T) {
	schema := load(t, shop)
	for query, private := range map[string]bool{
		`{ plain { id } }`:                                          false,
		`{ thing { id name } }`:                                     false,
		`{ me { id } }`:                                             true,
		`{ x: me { id } }`:                                          true,
		`{ thing { secret } }`:                                      true,
		`{ thing { alias: secret } }`:                               true,
		`{ thing { inner { inner { secret } } } }`:                  true,
		`{ thing { list { secret } } }`:                             true,
		`{ thing { ... { secret } } }`:                              true,
		`{ thing { ... on Thing @include(if: false) { secret } } }`: true,
		`{ node { ... on Thing { secret } } }`:                      true,
		`query Q { thing { ...f } } fragment f on Thing { ...g } fragment g on Thing { secret }`: true,
		`{ user { id } }`:                           true,
		`{ node { id } }`:                           true, // it may be a User
		`{ plain { node { name } } }`:               true, // it may be an Other
		`{ any { __typename } }`:                    true,
		`{ plain { any { ... on Plain { id } } } }`: true,
		`{ __schema { types { name } } }`:           false,
	} {
		if got := operation(t, schema, query).Private; got != private {
			t.Errorf("%s: private %v, want %v", query, got, private)
		}
	}
}

func TestRootFields(t *testing.T) {
	schema := load(t, shop)
	o := operation(t, schema, `subscription($i: [ID!]) { ...f } fragment f on Subscription { c: changed(ids: $i) { id } }`)
	if o.Root.Alias != "c" || o.Roots != 1 || o.Conditional || o.Field().Topic.String() != "plain.{ids}" {
		t.Errorf("%+v", o)
	}
	if o := operation(t, schema, `subscription { untold { id } }`); o.Field().Topic != nil || o.Private {
		t.Errorf("a field without directives has %+v", o.Field())
	}
	if o := operation(t, schema, `subscription($x: Boolean!) { ... @skip(if: $x) { untold { id } } }`); !o.Conditional {
		t.Error("a root field that may be skipped is not seen")
	}
	o = operation(t, schema, `mutation { a: rename(id: 1) { id } b: rename(id: 2) { id } }`)
	if len(o.Fields) != 2 || len(o.Fields[0].Policy.Publish) != 2 || o.Roots != 2 {
		t.Errorf("%+v", o)
	}
}

func TestIntrospectionIsSeen(t *testing.T) {
	schema := load(t, shop)
	for query, introspects := range map[string]bool{
		`{ plain { id __typename } __typename }`:                                false,
		`{ __type(name: "Thing") { name } }`:                                    true,
		`{ ... { x: __schema { types { name } } } }`:                            true,
		`{ ...f } fragment f on Query { plain { id } __schema { __typename } }`: true,
	} {
		if got := operation(t, schema, query).Introspects; got != introspects {
			t.Errorf("%s: %v, want %v", query, got, introspects)
		}
	}
}

func TestEqualOperationsHaveEqualHashes(t *testing.T) {
	schema := load(t, shop)
	base := operation(t, schema, `query Q($a: Boolean = true) { plain { id } thing { ...f ...g @include(if: $a) } } fragment f on Thing { id } fragment g on Thing { name }`).Hash
	for _, same := range []string{
		"# hello\nquery Q($a: Boolean = true) {\n\tplain { id }, thing { ...f ...g @include(if: $a) }\n}\nfragment g on Thing { name }\nfragment f on Thing { id }",
	} {
		if operation(t, schema, same).Hash != base {
			t.Errorf("other hash: %s", same)
		}
	}
	seen := map[[32]byte]string{base: "the first"}
	for _, other := range []string{
		`query R($a: Boolean = true) { plain { id } thing { ...f ...g @include(if: $a) } } fragment f on Thing { id } fragment g on Thing { name }`,
		`query Q($a: Boolean = false) { plain { id } thing { ...f ...g @include(if: $a) } } fragment f on Thing { id } fragment g on Thing { name }`,
		`query Q($a: Boolean = true) { plain { id } thing { ...f ...g @skip(if: $a) } } fragment f on Thing { id } fragment g on Thing { name }`,
		`query Q($a: Boolean = true) { plain { id } thing { ...g ...f @include(if: $a) } } fragment f on Thing { id } fragment g on Thing { name }`,
		`query Q { plain { id } }`,
		`query Q { x: plain { id } }`,
		`query Q { plain { x: id } }`,
		`{ plain { id } }`,
		`mutation { rename(id: 1) { id } }`,
		`mutation { rename(id: "1") { id } }`,
		`mutation { rename(id: "a\"b") { id } }`,
		`mutation { rename(id: """a"b""") { id } plain: rename(id: 2) { id } }`,
		`subscription { changed(ids: []) { id } }`,
		`subscription { changed(ids: null) { id } }`,
		`subscription { changed(ids: ["a", "b"]) { id } }`,
		`subscription { changed(ids: ["a,b"]) { id } }`,
		`subscription { changed(ids: ["a\", \"b"]) { id } }`,
		`subscription { changed(ids: ["b", "a"]) { id } }`,
		`subscription { changed { id } }`,
	} {
		h := operation(t, schema, other).Hash
		if before, ok := seen[h]; ok {
			t.Errorf("%s has the hash of %s", other, before)
		}
		seen[h] = other
	}
}

// A tower of fragments, each spreading the one below twice, is walked once for each of them.
func TestATowerOfFragmentsIsCheap(t *testing.T) {
	schema := load(t, shop)
	compiled, err := policy.Compile(schema)
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	text.WriteString("{ plain { ...f0 } }")
	const height = 60
	for i := range height {
		fmt.Fprintf(&text, " fragment f%d on Plain { ...f%d ...f%d }", i, i+1, i+1)
	}
	fmt.Fprintf(&text, " fragment f%d on Plain { id node { id } }", height)
	doc, parseErr := gqlparser.LoadQueryWithRules(schema, text.String(), rules.NewRules())
	if parseErr != nil {
		t.Fatal(parseErr)
	}
	if !compiled.Operation(doc, doc.Operations[0]).Private { // 2^60 steps would not come back
		t.Error("the private field at the bottom was not found")
	}
}

func TestTopics(t *testing.T) {
	compiled, err := policy.Compile(load(t, shop))
	if err != nil {
		t.Fatal(err)
	}
	for topic, feeds := range map[string]bool{"plain.1": true, "mine.x": true, "plain": false, "plain.1.2": false, "other.1": false} {
		if compiled.Feeds(topic) != feeds {
			t.Errorf("%s feeds a field: %v, want %v", topic, !feeds, feeds)
		}
	}
	if got := strings.Join(compiled.Topics(), " "); got != "plain.{ids} mine.{viewer.subject}" {
		t.Error(got)
	}
}

func TestAPrivateRootTypeIsPrivate(t *testing.T) {
	schema := load(t, `type Query { q: Int } type Subscription @private { mine: Int @topic(name: "mine.{viewer.subject}") all: Int }`)
	for _, query := range []string{`subscription { mine }`, `subscription { all }`} {
		if !operation(t, schema, query).Private {
			t.Errorf("%s is shared", query)
		}
	}
}

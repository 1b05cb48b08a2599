package policy_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/policy"
)

const liveDirectives = `
directive @live(if: Boolean = true, throttle: Int) on QUERY
directive @invalidates(keys: [String!]!) repeatable on FIELD_DEFINITION
directive @poll(interval: String!) on FIELD_DEFINITION
`

func TestContradictionsOfLiveQueriesStopTheStart(t *testing.T) {
	for _, tt := range []struct{ name, fields, says string }{
		{"a mutation that is polled", `type Mutation { a: Int @poll(interval: "1s") }`, "field of the query type"},
		{"a poll that is no time", `extend type Query { a: Int @poll(interval: "soon") }`, "interval is a time"},
		{"a poll that is too quick", `extend type Query { a: Int @poll(interval: "1ms") }`, "of 100ms or more"},
		{"a query that invalidates", `extend type Query { a: Int @invalidates(keys: ["A"]) }`, "only a mutation changes"},
		{"a subscription without a topic", `type M { id: ID } type Subscription { a: M @invalidates(keys: ["A"]) }`, "give the field a @topic"},
		{"a topic that cannot be heard", `type M { id: ID } type Subscription { a(x: ID!): M @topic(name: "a.{x}.b") @invalidates(keys: ["A"]) }`, "no placeholder but at its end"},
		{"a placeholder of no field", `type M { id: ID } type Mutation { a: M @invalidates(keys: ["A:{key}"]) }`, "{key} is no field of M"},
		{"a placeholder of an object", `type M { m: M } type Mutation { a: M @invalidates(keys: ["A:{m}"]) }`, "{m} is no field of M"},
		{"a placeholder that does not end", `type M { id: ID } type Mutation { a: M @invalidates(keys: ["A:{id"]) }`, "write a placeholder as {field}"},
		{"an empty key", `type M { id: ID } type Mutation { a: M @invalidates(keys: [""]) }`, "not empty"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := policy.Compile(load(t, "type Query { q: Int }\n"+tt.fields+liveDirectives))
			if err == nil || !strings.Contains(err.Error(), tt.says) || !strings.Contains(err.Error(), "api.graphqls:2: @") {
				t.Errorf("the error is %v, want file, line and %q", err, tt.says)
			}
		})
	}
}

const library = liveDirectives + `
type Query {
	book(id: ID!): Book
	books(first: Int): [Book!]!
	page: BookPage!
	shelf: Shelf!
	found: [Item!]!
	best: Best
	count: Int! @poll(interval: "5s")
}
type Mutation {
	rename(id: ID!): Book @invalidates(keys: ["Book:{id}", "Query.shelf"])
}
type Subscription {
	lent(id: ID): Lent! @topic(name: "lent.{id}") @invalidates(keys: ["Book:{bookIds}"])
}
type Lent { bookIds: [ID!]! }
type Book { id: ID! title: String! author: Author chapters: [Chapter!]! related: BookPage }
type Author { id: ID! name: String! books: [Book!]! }
type Chapter { title: String! cites: Book }
type BookPage { edges: [BookEdge!]! total: Int! info: Info }
type BookEdge { node: Book! }
type Info { more: Boolean! }
type Shelf { width: Int! first: Book }
type Best { book: Book! }
type Map { id: ID! area: String! }
union Item = Book | Map
`

func TestMembership(t *testing.T) {
	schema := load(t, library)
	for _, tt := range []struct{ name, query, want string }{
		{"one object shows no others", `{ book(id: 1) { title } }`, ""},
		{"a list shows all", `{ books { title } }`, "Book"},
		{"also when it is empty of fields with ids", `{ books(first: 1) { __typename } }`, "Book"},
		{"a page", `{ page { edges { node { title } } } }`, "Book"},
		{"what a page counts", `{ page { total } }`, "Book"},
		{"a page's own fields", `{ page { info { more } } }`, "Book"},
		{"an object that stands alone in another", `{ shelf { first { title } } }`, ""},
		{"an author is one", `{ book(id: 1) { author { name } } }`, ""},
		{"a list of an object", `{ book(id: 1) { author { books { title } } } }`, "Book"},
		{"what belongs to an object", `{ book(id: 1) { chapters { title cites { title } } } }`, ""},
		{"a page of an object", `{ book(id: 1) { related { edges { node { title } } } } }`, "Book"},
		{"all that a union can be", `{ found { ... on Map { area } } }`, "Book Map"},
		{"in fragments", `{ ...f } fragment f on Query { page { ...p } } fragment p on BookPage { edges { node { author { ...a } } } } fragment a on Author { books { title } }`, "Book"},
		{"a list of several objects on the way", `{ books { author { name } } }`, "Book"},
		{"nothing", `{ count }`, ""},
		{"introspection", `{ __schema { types { name } } }`, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := operation(t, schema, "query @live "+tt.query)
			if got := strings.Join(o.Membership(), " "); got != tt.want {
				t.Errorf("Membership() = %q, want %q", got, tt.want)
			}
		})
	}
	if o := operation(t, schema, `{ books { title } }`); o.Membership() != nil {
		t.Error("an ordinary query has a membership")
	}
}

func TestWishes(t *testing.T) {
	schema := load(t, library)
	for query, want := range map[string]policy.Wish{
		`query { count }`:                                                {},
		`query @live { count }`:                                          {Live: true},
		`query @live(if: false) { count }`:                               {},
		`query @live(throttle: 250) { count }`:                           {Live: true, Throttle: 250 * time.Millisecond},
		`query @live(throttle: -5) { count }`:                            {Live: true},
		`query ($on: Boolean!) @live(if: $on) { count }`:                 {Live: true},
		`query ($t: Int) @live(throttle: $t) { count }`:                  {Live: true, Throttle: 2 * time.Second},
		`query ($off: Boolean!) @live(if: $off, throttle: 10) { count }`: {Throttle: 10 * time.Millisecond},
	} {
		variables := map[string]any{"on": true, "off": false, "t": int64(2000)}
		if got := operation(t, schema, query).Wish(variables); got != want {
			t.Errorf("%s: %+v, want %+v", query, got, want)
		}
	}
}

func TestKeysOfWhatHasChanged(t *testing.T) {
	schema := load(t, library)
	renames := operation(t, schema, `mutation { rename(id: 1) { title } }`).Fields[0].Policy.Invalidates
	compiled, err := policy.Compile(schema)
	if err != nil {
		t.Fatal(err)
	}
	announced := compiled.Announcements()
	if len(announced) != 1 || announced[0].Pattern != "lent.*" {
		t.Fatalf("Announcements() = %+v", announced)
	}
	for _, tt := range []struct {
		name    string
		keys    []policy.KeyTemplate
		members string
		want    []string
	}{
		{"a field and a text", renames, `{"id": "7"}`, []string{"Book:7", "Query.shelf"}},
		{"a number", renames, `{"id": 7}`, []string{"Book:7", "Query.shelf"}},
		{"a field that is missing", renames, `{}`, []string{"Query.shelf"}},
		{"a field that is null", renames, `{"id": null}`, []string{"Query.shelf"}},
		{"a list", announced[0].Keys, `{"bookIds": ["a", "b"]}`, []string{"Book:a", "Book:b"}},
		{"an object where a name should be", announced[0].Keys, `{"bookIds": {"a": 1}}`, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var members map[string]any
			decoder := json.NewDecoder(strings.NewReader(tt.members))
			decoder.UseNumber()
			if err := decoder.Decode(&members); err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, key := range tt.keys {
				got = append(got, key.Keys(members)...)
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("the keys are %q, want %q", got, tt.want)
			}
		})
	}
}

func TestPolls(t *testing.T) {
	schema := load(t, library)
	fields := operation(t, schema, `{ count shelf { width } }`).Fields
	if fields[0].Policy.Poll != 5*time.Second || fields[1].Policy.Poll != 0 {
		t.Errorf("polls: %v and %v", fields[0].Policy.Poll, fields[1].Policy.Poll)
	}
}

func TestHowOftenIsNoPartOfWhatIsAsked(t *testing.T) {
	schema := load(t, library)
	plain := operation(t, schema, `query ($n: Int) { books(first: $n) { title } }`)
	for query, wished := range map[string]string{
		`query ($n: Int) @live { books(first: $n) { title } }`:                                                       "",
		`query ($n: Int) @live(throttle: 5) { books(first: $n) { title } }`:                                          "",
		`query ($n: Int) @live(throttle: $n) { books(first: $n) { title } }`:                                         "",
		`query ($n: Int) @live(throttle: $n) { count }`:                                                              "n",
		`query ($n: Int, $nn: Int) @live(throttle: $n) { ...f } fragment f on Query { books(first: $nn) { title } }`: "n",
	} {
		o := operation(t, schema, query)
		if same := o.Hash == plain.Hash; same != strings.Contains(query, "first: $n)") || strings.Join(o.Wished(), " ") != wished {
			t.Errorf("%s: the hash is the same: %v, wished are %q", query, same, o.Wished())
		}
	}
}

package policy_test

import (
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/sluice-gateway/sluice/internal/outbox"
	"github.com/sluice-gateway/sluice/policy"
)

const backpressure = `
directive @backpressure(policy: Overflow! = DISCONNECT, events: Int) on FIELD_DEFINITION
enum Overflow { DISCONNECT DROP_OLDEST LATEST }
`

// loadPatient loads a schema whose directives have @backpressure among them.
func loadPatient(t *testing.T, sdl string) *ast.Schema {
	t.Helper()
	schema, err := gqlparser.LoadSchema(
		&ast.Source{Name: "directives.graphqls", Input: backpressure},
		&ast.Source{Name: "api.graphqls", Input: sdl},
	)
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func TestBackpressure(t *testing.T) {
	for _, tt := range []struct {
		name, directive string
		want            policy.Backpressure
	}{
		{"none", ``, policy.Backpressure{}},
		{"nothing in particular", `@backpressure`, policy.Backpressure{}},
		{"how many to hold", `@backpressure(events: 1)`, policy.Backpressure{Events: 1}},
		{"disconnect", `@backpressure(policy: DISCONNECT)`, policy.Backpressure{Overflow: outbox.Disconnect}},
		{"drop the oldest", `@backpressure(policy: DROP_OLDEST, events: 100000)`, policy.Backpressure{Overflow: outbox.DropOldest, Events: 100_000}},
		{"the latest", `@backpressure(events: null, policy: LATEST)`, policy.Backpressure{Overflow: outbox.Latest}},
	} {
		schema := loadPatient(t, `type Query { q: Int } type Subscription { a: Int `+tt.directive+` }`)
		if got := operation(t, schema, `subscription { x: a }`).Field().Backpressure; got != tt.want {
			t.Errorf("%s: %+v, want %+v", tt.name, got, tt.want)
		}
	}
}

func TestBackpressureThatContradictsItselfStopsTheStart(t *testing.T) {
	for _, tt := range []struct{ name, fields, says string }{
		{"of a query", `extend type Query { a: Int @backpressure }`, "only a field of the subscription type"},
		{"of a mutation", `type Mutation { a: Int @backpressure(policy: LATEST) }`, "only a field of the subscription type"},
		{"of a field below", `type T { a: Int @backpressure } type Subscription { t: T }`, "only a field of the subscription type"},
		{"of an interface", `interface I { a: Int @backpressure } type Subscription implements I { a: Int }`, "only a field of the subscription type"},
		{"that holds nothing", `type Subscription { a: Int @backpressure(events: 0) }`, "from 1 to 100000"},
		{"that holds less than nothing", `type Subscription { a: Int @backpressure(events: -1) }`, "from 1 to 100000"},
		{"that holds too much", `type Subscription { a: Int @backpressure(events: 100001) }`, "from 1 to 100000"},
		{"that holds more than there are numbers", `type Subscription { a: Int @backpressure(events: 99999999999999999999) }`, "from 1 to 100000"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := policy.Compile(loadPatient(t, "type Query { q: Int }\n"+tt.fields))
			if err == nil {
				t.Fatal("it was accepted")
			}
			if !strings.Contains(err.Error(), tt.says) || !strings.Contains(err.Error(), "api.graphqls:2: @backpressure on ") {
				t.Errorf("the error says %q, want file, line and %q", err, tt.says)
			}
		})
	}
}

// What gqlparser lets pass in the arguments of a directive.
func TestBackpressureOfAnotherKindStopsTheStart(t *testing.T) {
	for _, directive := range []string{
		`@backpressure(policy: WEEKLY)`, `@backpressure(policy: "LATEST")`, `@backpressure(policy: null)`,
		`@backpressure(events: "10")`, `@backpressure(events: 1.5)`, `@backpressure(events: [3])`,
		`@backpressure @backpressure(events: 3)`,
	} {
		schema, err := gqlparser.LoadSchema(&ast.Source{Input: backpressure + `type Query { q: Int } type Subscription { a: Int ` + directive + ` }`})
		if err != nil {
			continue // it did not let it pass
		}
		if _, err := policy.Compile(schema); err == nil {
			t.Errorf("%s was accepted", directive)
		}
	}
}

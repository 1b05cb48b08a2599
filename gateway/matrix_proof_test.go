package gateway_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/formatter"

	"github.com/sluice-gateway/sluice/internal/vault"
)

// unlocked is the schema without its @auth, and with every root field public: what the gateway would
// be if it did not look at directives.
type unlocked struct {
	graphql.ExecutableSchema
	schema *ast.Schema
}

func (u unlocked) Schema() *ast.Schema { return u.schema }

var (
	authSomewhere = regexp.MustCompile(`(?m)^([ \t]+|type |interface )(.*) @auth(\([^)]*\))?`)
	rootType      = regexp.MustCompile(`(?m)^type (Query|Mutation|Subscription) \{`)
)

func unlock(t *testing.T) unlocked {
	t.Helper()
	locked := vault.New()
	var sdl strings.Builder
	formatter.NewFormatter(&sdl).FormatSchema(locked.Schema())
	text := authSomewhere.ReplaceAllString(sdl.String(), "$1$2")
	text = rootType.ReplaceAllString(text, "type $1 @public {")
	schema, err := gqlparser.LoadSchema(&ast.Source{Name: "unlocked.graphqls", Input: text})
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return unlocked{locked, schema}
}

// Each lock is tried by one shape, and all shapes are.
func TestMatrixComplainsOfEveryRefusalThatIsMissing(t *testing.T) {
	m := newMatrix(t, unlock(t))
	m.grace = 0
	cells := 0
	for i, l := range locks {
		if l.private { // it is not the lock that keeps viewers apart here, but the topic
			continue
		}
		for _, w := range m.refusing(l, shapes[i%len(shapes)]) {
			complaints := strings.Join(m.try(w, m.id("cell")), "\n")
			for _, want := range []string{"a canary", "no error", "resolvers have run"} {
				if !strings.Contains(complaints, want) {
					t.Errorf("%s, for %q: no complaint of %s, but %q", w.cell, w.who.token, want, complaints)
				}
			}
			cells++
		}
	}
	if cells < 200 {
		t.Errorf("only %d cells were tried", cells)
	}
}

func TestMatrixComplainsOfEveryRightThatIsNotLost(t *testing.T) {
	m := newMatrix(t, vault.New())
	complaints := make(map[string]int)
	m.report = func(c cell, _ *client, complaint string) {
		if !strings.HasPrefix(complaint, "the later event") {
			t.Errorf("%s: %s", c, complaint)
		}
		complaints[c.String()]++
	}
	for i, l := range locks {
		if l.ends == "" {
			continue
		}
		topic := m.id("cell")
		var watchers []watcher
		for _, c := range cellsOf(l, shapes[i%len(shapes)], later) {
			watchers = append(watchers, m.watch(c, m.holder, topic))
		}
		m.members(len(watchers))
		m.publish(topic, "second")
		m.see(watchers, "second")
		m.after(l, watchers)
		for _, w := range watchers {
			if complaints[w.cell.String()] != 1 {
				t.Errorf("%s: %d complaints", w.cell, complaints[w.cell.String()])
			}
			w.answer.stop()
		}
		m.members(0)
	}
}

func TestMatrixComplainsOfWhatIsAnotherViewers(t *testing.T) {
	for text, complains := range map[string]bool{
		vault.Of("cat") + "first":                        false,
		vault.Of("cat") + "first " + vault.Of("ann"):     true,
		vault.Of("ann") + "first":                        true,
		vault.Of("") + "first":                           true,
		vault.In("plain") + "first " + vault.Of("cat"):   false,
		vault.Of("cat") + vault.Of("catherine") + "last": true,
	} {
		var a answer
		a.bytes.WriteString(text)
		if got := a.mayShow("cat") != nil; got != complains {
			t.Errorf("%q: complains is %t", text, got)
		}
	}
}

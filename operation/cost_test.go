package operation

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/sluice-gateway/sluice/internal/testschema"
	"github.com/sluice-gateway/sluice/internal/work"
	"github.com/sluice-gateway/sluice/pubsub/memory"
)

// An operation costs at least as much as the fields that are resolved for it, whatever it asks for: every
// object and every list of objects has a weight of 1 or more in this schema.
func TestNothingIsCheaperThanItsExecution(t *testing.T) {
	broker, pool := memory.New(), work.NewPool()
	defer func() { pool.Close(); _ = broker.Close() }()
	no := math.MaxInt
	engine, err := New(testschema.New(), broker, pool, Options{Log: slog.New(slog.DiscardHandler), Query: QueryLimits{
		Tokens: no, Depth: no, Aliases: no, RootFields: no, Cost: no, ListSize: 2, DocumentBytes: no,
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer engine.Close()
	exact, resolved := 0, int64(0)
	const documents = 400
	for seed := range uint64(documents) {
		w := &writer{schema: engine.schema.Schema(), random: rand.New(rand.NewPCG(seed, 7))}
		query, variables := w.query()
		op, errs := engine.Prepare(t.Context(), Request{Query: query, Variables: variables})
		if errs != nil {
			t.Fatalf("%v: %s", errs, query)
		}
		weight := executed(t, op.prepared.context(engine))
		if weight > op.Cost() {
			t.Fatalf("it costs %d, and fields of %d were resolved: %s %v", op.Cost(), weight, query, variables)
		}
		if weight == op.Cost() {
			exact++
		}
		resolved += weight
	}
	t.Logf("%d documents, %d fields; the cost was exact for %d documents", documents, resolved, exact)
	if resolved < 10*documents || exact < documents/20 {
		t.Error("the documents prove little")
	}
}

// executed executes an operation and returns the weight of the fields that were resolved.
func executed(t *testing.T, oc *graphql.OperationContext) int64 {
	t.Helper()
	var weight atomic.Int64
	oc.ResolverMiddleware = func(ctx context.Context, next graphql.Resolver) (any, error) {
		def := graphql.GetFieldContext(ctx).Field.Definition
		if d := def.Directives.ForName("cost"); d != nil {
			var n int64
			_, _ = fmt.Sscan(d.Arguments.ForName("weight").Value.Raw, &n)
			weight.Add(n)
		} else if of := graphql.GetFieldContext(ctx).Field.SelectionSet; len(of) > 0 {
			weight.Add(1)
		}
		return next(ctx)
	}
	engine := testschema.New()
	ctx := graphql.WithOperationContext(t.Context(), oc)
	ctx = graphql.WithResponseContext(ctx, graphql.DefaultErrorPresenter, oc.RecoverFunc)
	if r := engine.Exec(ctx)(ctx); r == nil || len(graphql.GetErrors(ctx)) > 0 {
		t.Fatalf("the operation fails: %v", graphql.GetErrors(ctx))
	}
	return weight.Load()
}

// A writer writes documents by chance.
type writer struct {
	schema    *ast.Schema
	random    *rand.Rand
	last      int
	fragments []string            // their texts
	names     map[string][]string // of fragments, by type
	variables map[string]any
	defined   []string
}

func (w *writer) chance(n int) bool { return w.random.IntN(n) == 0 }

func (w *writer) number() int { w.last++; return w.last }

func (w *writer) query() (string, map[string]any) {
	w.names, w.variables = make(map[string][]string), make(map[string]any)
	body := fmt.Sprintf("{tree%s plants(first:%d)%s}", w.selections("Tree", 3), 1+w.random.IntN(3), w.selections("Plant", 3))
	text := "query "
	if len(w.defined) > 0 {
		text += "(" + strings.Join(w.defined, " ") + ")"
	}
	return text + body + strings.Join(w.fragments, " "), w.variables
}

func (w *writer) selections(of string, depth int) string {
	def := w.schema.Types[of]
	parts := []string{"__typename"}
	for _, field := range def.Fields {
		if !strings.HasPrefix(field.Name, "__") && w.chance(3) {
			parts = append(parts, w.field(field, depth))
		}
	}
	if possible := w.schema.GetPossibleTypes(def); w.chance(2) && len(possible) > 0 {
		on := possible[w.random.IntN(len(possible))].Name
		switch known := w.names[on]; {
		case depth < 1:
		case len(known) > 0 && w.chance(2):
			parts = append(parts, "..."+known[w.random.IntN(len(known))])
		case w.chance(2):
			name := fmt.Sprintf("F%d", w.number())
			w.fragments = append(w.fragments, fmt.Sprintf(" fragment %s on %s%s", name, on, w.selections(on, depth-1)))
			w.names[on] = append(w.names[on], name)
			parts = append(parts, "..."+name)
		default:
			parts = append(parts, "...on "+on+w.selections(on, depth-1))
		}
	}
	return "{" + strings.Join(parts, " ") + "}"
}

func (w *writer) field(field *ast.FieldDefinition, depth int) string {
	text := fmt.Sprintf("a%d:%s", w.number(), field.Name)
	var args []string
	for _, arg := range field.Arguments {
		if value := w.size(); value != "" {
			args = append(args, arg.Name+":"+value)
		}
	}
	if len(args) > 0 {
		text += "(" + strings.Join(args, " ") + ")"
	}
	switch of := field.Type.Name(); {
	case !w.schema.Types[of].IsCompositeType():
		return text
	case depth == 0:
		return text + "{__typename}"
	default:
		return text + w.selections(of, depth-1)
	}
}

// size is the value of an argument that says how long a list is; empty: it is left out.
func (w *writer) size() string {
	switch w.random.IntN(6) {
	case 0:
		return ""
	case 1:
		return "null"
	case 2, 3:
		return fmt.Sprint(w.random.IntN(6) - 1)
	}
	name := fmt.Sprintf("v%d", w.number())
	def := "$" + name + ":Int"
	if w.chance(2) {
		def += fmt.Sprintf("=%d", w.random.IntN(5))
	}
	w.defined = append(w.defined, def)
	switch w.random.IntN(4) {
	case 0:
		w.variables[name] = json.Number(fmt.Sprint(w.random.IntN(5)))
	case 1:
		w.variables[name] = fmt.Sprint(w.random.IntN(5)) // resolvers read it as a number
	case 2:
		w.variables[name] = nil
	}
	return "$" + name
}

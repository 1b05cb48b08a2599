// Package vault is a gqlgen API for one test: behind every directive that guards, it keeps something
// that nobody may see who lacks the right, reachable in every way that a type graph has.
//
// What is guarded begins with Canary. Executions counts the resolvers, so that a test can tell that
// none has run. Everything is safe for concurrent use.
package vault

import (
	"context"
	"encoding/json"
	"sync"
	"sync/atomic"

	"github.com/99designs/gqlgen/graphql"

	"github.com/sluice-gateway/sluice/pubsub"
)

// Canary begins what is guarded, and stands in nothing else that the gateway sends.
const Canary = "CANARY"

// Private begins what is private to any viewer.
const Private = Canary + "-of-"

// Of is what is private to the viewer with a subject, up to the word.
func Of(subject string) string { return Private + subject + ":" }

// In is what a guarded field shows, up to the word.
func In(field string) string { return Canary + "-" + field + ":" }

// New makes the schema.
func New() graphql.ExecutableSchema { return NewExecutableSchema(Config{Resolvers: root{}}) }

var executions sync.Map // of *atomic.Int64, by cell

// Executions is how many resolvers have run since the start of the process: for subscriptions with the
// argument cell, or for "query" or "mutation".
func Executions(cell string) int64 {
	if n, ok := executions.Load(cell); ok {
		return n.(*atomic.Int64).Load()
	}
	return 0
}

func count(cell string) {
	n, ok := executions.Load(cell)
	if !ok {
		n, _ = executions.LoadOrStore(cell, new(atomic.Int64))
	}
	n.(*atomic.Int64).Add(1)
}

// A note is what a value was made for: a cell, and a word of the event.
type note struct {
	Cell string `json:"cell"`
	Word string `json:"word"`
}

// Payload is an event of the topics vault.{cell} and own.{subject}.{cell}. Its word follows every
// canary that the event shows.
func Payload(cell, word string) []byte {
	payload, _ := json.Marshal(note{cell, word}) // strings are JSON
	return payload
}

func decode(payload []byte) (*Ways, error) {
	var n note
	if err := json.Unmarshal(payload, &n); err != nil {
		return nil, err
	}
	return newWays(n), nil
}

type root struct{}

func (root) Query() QueryResolver               { return single("query") }
func (root) Mutation() MutationResolver         { return single("mutation") }
func (root) Subscription() SubscriptionResolver { return events{} }
func (root) File() FileResolver                 { return files{} }
func (root) Safe() SafeResolver                 { return safes{} }
func (root) Box() BoxResolver                   { return boxes{} }

// single resolves the fields of queries and mutations; it is the kind.
type single string

func (s single) ways() (*Ways, error) {
	count(string(s))
	return newWays(note{string(s), string(s)}), nil
}

func (s single) Unmarked(context.Context) (*Ways, error)      { return s.ways() }
func (s single) Open(context.Context) (*Ways, error)          { return s.ways() }
func (s single) Known(context.Context) (*Ways, error)         { return s.ways() }
func (s single) Scoped(context.Context) (*Ways, error)        { return s.ways() }
func (s single) Claimed(context.Context) (*Ways, error)       { return s.ways() }
func (s single) Owned(context.Context, string) (*Ways, error) { return s.ways() }
func (s single) Mine(context.Context) (*Ways, error)          { return s.ways() }

// events resolves the fields of subscriptions.
type events struct{}

type ctx = context.Context

func ways(ctx ctx, cell string) (<-chan *Ways, error) {
	count(cell)
	return pubsub.Stream(ctx, decode)
}

func (events) Unmarked(ctx ctx, cell string) (<-chan *Ways, error) { return ways(ctx, cell) }
func (events) Open(ctx ctx, cell string) (<-chan *Ways, error)     { return ways(ctx, cell) }
func (events) Known(ctx ctx, cell string) (<-chan *Ways, error)    { return ways(ctx, cell) }
func (events) Scoped(ctx ctx, cell string) (<-chan *Ways, error)   { return ways(ctx, cell) }
func (events) Claimed(ctx ctx, cell string) (<-chan *Ways, error)  { return ways(ctx, cell) }
func (events) Owned(ctx ctx, cell, _ string) (<-chan *Ways, error) { return ways(ctx, cell) }
func (events) Mine(ctx ctx, cell string) (<-chan *Ways, error)     { return ways(ctx, cell) }

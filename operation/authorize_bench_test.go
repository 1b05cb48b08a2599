package operation

import (
	"context"
	"testing"

	"github.com/sluice-gateway/sluice/auth"
	"github.com/sluice-gateway/sluice/internal/testschema"
	"github.com/sluice-gateway/sluice/internal/work"
	"github.com/sluice-gateway/sluice/pubsub/memory"
)

// knownDocument returns the look-up of what the policy says of a document that was seen before, as
// Prepare does it for every operation.
func knownDocument(t testing.TB) (lookup func() bool) {
	t.Helper()
	broker, pool := memory.New(), work.NewPool()
	engine, err := New(testschema.New(), broker, pool, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { engine.Close(); pool.Close(); _ = broker.Close() })
	viewer := &auth.Viewer{Consumer: "web", Subject: "ann", Scopes: []string{"a", "b", "read", "staff"}}
	req := Request{Viewer: viewer, Query: `query Staff($note: String!) { whoami ...mine other: staff(note: "x") } fragment mine on Query { staff(note: $note) }`}
	return func() bool {
		doc, errs := engine.document(context.Background(), req)
		return errs == nil && doc.operations[doc.ast.Operations[0]].Lacks(viewer) == nil
	}
}

func TestPolicyOfAKnownDocumentCostsNoAllocation(t *testing.T) {
	lookup := knownDocument(t)
	if !lookup() {
		t.Fatal("refused")
	}
	if n := testing.AllocsPerRun(1000, func() { lookup() }); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}

func BenchmarkPolicyOfAKnownDocument(b *testing.B) {
	lookup := knownDocument(b)
	b.ReportAllocs()
	for b.Loop() {
		if !lookup() {
			b.Fatal("refused")
		}
	}
}

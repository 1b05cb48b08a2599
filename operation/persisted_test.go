package operation_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluice-gateway/sluice/documents"
	"github.com/sluice-gateway/sluice/internal/testschema"
	"github.com/sluice-gateway/sluice/internal/work"
	"github.com/sluice-gateway/sluice/operation"
	"github.com/sluice-gateway/sluice/pubsub/memory"
)

const greet = `{ hello(name: "you") }`

// persisted is the extension by which a client names a document by its hash.
func persisted(hash any) map[string]any {
	return map[string]any{"persistedQuery": map[string]any{"version": 1, "sha256Hash": hash}}
}

// code runs a request up to its preparation.
func (b *bench) code(req operation.Request) string {
	_, errs := b.engine.Prepare(b.t.Context(), req)
	if errs == nil {
		return ""
	}
	return operation.Code(errs)
}

func TestAutomaticPersistedQueries(t *testing.T) {
	b := newBench(t, operation.Options{CacheEntries: 2})
	hash := documents.Hash(greet)
	for _, step := range []struct {
		name string
		req  operation.Request
		code string
	}{
		{"a hash that nobody has sent", operation.Request{Extensions: persisted(hash)}, "PERSISTED_QUERY_NOT_FOUND"},
		{"a document with another hash", operation.Request{Query: `{ whoami }`, Extensions: persisted(hash)}, "BAD_REQUEST"},
		{"which is not kept", operation.Request{Extensions: persisted(hash)}, "PERSISTED_QUERY_NOT_FOUND"},
		{"a document that is not valid", operation.Request{Query: `{ x }`, Extensions: persisted(documents.Hash(`{ x }`))}, "GRAPHQL_VALIDATION_FAILED"},
		{"which is not kept either", operation.Request{Extensions: persisted(documents.Hash(`{ x }`))}, "PERSISTED_QUERY_NOT_FOUND"},
		{"a document with its hash", operation.Request{Query: greet, Extensions: persisted(hash)}, ""},
		{"from now on the hash is enough", operation.Request{Extensions: persisted(hash)}, ""},
		{"a hash that is no text", operation.Request{Extensions: persisted(7)}, "BAD_REQUEST"},
		{"an extension that is no object", operation.Request{Extensions: map[string]any{"persistedQuery": "x"}}, "BAD_REQUEST"},
		{"an extension that is null", operation.Request{Query: greet, Extensions: map[string]any{"persistedQuery": nil}}, ""},
		{"another document", operation.Request{Query: `{ a: whoami }`}, ""},
		{"and one more", operation.Request{Query: `{ b: whoami }`}, ""},
		{"push out the first", operation.Request{Extensions: persisted(hash)}, "PERSISTED_QUERY_NOT_FOUND"},
	} {
		if code := b.code(step.req); code != step.code {
			t.Errorf("%s: code %q, want %q", step.name, code, step.code)
		}
	}
	result, err := b.engine.Do(t.Context(), operation.Request{Query: greet})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, string(result), `{"data":{"hello":"hello you"}}`)
}

func TestPersistedQueriesThatAreOff(t *testing.T) {
	b := newBench(t, operation.Options{Persisted: operation.Persisted{Off: true}})
	hash := documents.Hash(greet)
	if code := b.code(operation.Request{Extensions: persisted(hash)}); code != "PERSISTED_QUERY_NOT_SUPPORTED" {
		t.Errorf("code %s", code)
	}
	if code := b.code(operation.Request{Query: greet, Extensions: persisted(documents.Hash("else"))}); code != "" {
		t.Errorf("a hash beside a text: code %s", code)
	}
}

// A shelf is a documents.Store that can be away.
type shelf struct {
	texts map[string]string
	down  error
}

func (s *shelf) Get(_ context.Context, hash string) (string, bool, error) {
	text, ok := s.texts[hash]
	return text, ok && s.down == nil, s.down
}

func (s *shelf) Put(_ context.Context, hash, text string) error {
	if s.down == nil {
		s.texts[hash] = text
	}
	return s.down
}

func TestNodesSharePersistedQueries(t *testing.T) {
	store := &shelf{texts: make(map[string]string)}
	shared := operation.Options{Persisted: operation.Persisted{Store: store}}
	first, second, third := newBench(t, shared), newBench(t, shared), newBench(t, shared)
	named := operation.Request{Extensions: persisted(documents.Hash(greet))}
	whole := operation.Request{Query: greet, Extensions: named.Extensions}
	if code := second.code(named); code != "PERSISTED_QUERY_NOT_FOUND" {
		t.Errorf("before: %s", code)
	}
	if code := first.code(whole); code != "" {
		t.Errorf("the first node: %s", code)
	}
	if code := second.code(named); code != "" {
		t.Errorf("the second node: %s", code)
	}
	delete(store.texts, documents.Hash(greet))
	if first.code(whole); len(store.texts) != 0 {
		t.Error("a document is shared twice")
	}
	seen := operation.Request{Query: `{ whoami }`}
	first.code(seen)
	seen.Extensions = persisted(documents.Hash(seen.Query))
	if first.code(seen); len(store.texts) != 1 {
		t.Error("a document that was seen before is not shared when its client names it")
	}
	refused := operation.Request{Query: `{ staff(note: "") }`, Extensions: persisted(documents.Hash(`{ staff(note: "") }`))}
	if code := first.code(refused); code != "UNAUTHENTICATED" || len(store.texts) != 1 {
		t.Errorf("%s: %d documents are shared, also of those who may not run them", code, len(store.texts))
	}
	store.texts[documents.Hash(greet)] = `{ whoami }` // somebody else wrote there
	if code := third.code(named); code != "PERSISTED_QUERY_NOT_FOUND" {
		t.Errorf("another text under the hash: %s", code)
	}
	store.down = errors.New("connection refused")
	if code := third.code(named); code != "PERSISTED_QUERY_NOT_FOUND" {
		t.Errorf("without the store: %s", code)
	}
	if code := third.code(whole); code != "" {
		t.Errorf("a whole document without the store: %s", code)
	}
	if !strings.Contains(third.log.String(), "connection refused") {
		t.Error("the log does not say that the store is away")
	}
}

// trusted loads a manifest.
func trusted(t *testing.T, manifest string) *documents.Trusted {
	t.Helper()
	path := filepath.Join(t.TempDir(), "documents.json")
	if err := os.WriteFile(path, []byte(manifest), 0o600); err != nil {
		t.Fatal(err)
	}
	list, err := documents.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestTrustedDocuments(t *testing.T) {
	list := trusted(t, `{"greet-1": "{ hello(name: \"you\") }"}`)
	open := newBench(t, operation.Options{Persisted: operation.Persisted{Trusted: list}})
	only := newBench(t, operation.Options{Persisted: operation.Persisted{Trusted: list, Only: true}})
	for _, tt := range []struct {
		name       string
		req        operation.Request
		open, only string
	}{
		{"by its id", operation.Request{DocumentID: "greet-1"}, "", ""},
		{"by its hash", operation.Request{DocumentID: "sha256:" + documents.Hash(greet)}, "", ""},
		{"by Apollo's extension", operation.Request{Extensions: persisted("greet-1")}, "", ""},
		{"by Apollo's extension and its hash", operation.Request{Extensions: persisted(documents.Hash(greet))}, "", ""},
		{"by its text", operation.Request{Query: greet}, "", ""},
		{"by an unknown id", operation.Request{DocumentID: "greet-2"}, "PERSISTED_QUERY_NOT_FOUND", "PERSISTED_QUERY_NOT_FOUND"},
		{"another document", operation.Request{Query: `{ whoami }`}, "", "PERSISTED_QUERY_REQUIRED"},
		{"another document that is registered", operation.Request{Query: `{ whoami }`, Extensions: persisted(documents.Hash(`{ whoami }`))}, "", "PERSISTED_QUERY_REQUIRED"},
		{"another document by its hash", operation.Request{Extensions: persisted(documents.Hash(`{ whoami }`))}, "", "PERSISTED_QUERY_NOT_FOUND"},
	} {
		if code := open.code(tt.req); code != tt.open {
			t.Errorf("%s: code %q, want %q", tt.name, code, tt.open)
		}
		if code := only.code(tt.req); code != tt.only {
			t.Errorf("%s, where nothing else is allowed: code %q, want %q", tt.name, code, tt.only)
		}
	}
}

func TestATrustedDocumentThatIsNotValidStopsTheStart(t *testing.T) {
	broker, pool := memory.New(), work.NewPool()
	defer func() { pool.Close(); _ = broker.Close() }()
	for _, p := range []operation.Persisted{
		{Trusted: trusted(t, `{"a": "{ hello }", "b": "{ nonsense }", "c": "{", "d": "{ ... @defer { whoami } }"}`)},
		{Only: true},
	} {
		_, err := operation.New(testschema.New(), broker, pool, operation.Options{Persisted: p})
		if err == nil {
			t.Fatal("it started")
		}
		if p.Trusted != nil && (!strings.Contains(err.Error(), "document b") || !strings.Contains(err.Error(), "document c") || !strings.Contains(err.Error(), "document d")) {
			t.Errorf("the error is %v", err)
		}
	}
}

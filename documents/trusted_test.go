package documents_test

import (
	"path/filepath"
	"testing"

	"github.com/sluice-gateway/sluice/documents"
)

func TestText(t *testing.T) {
	for name, test := range map[string]struct{ manifest, id, want string }{
		"an id that is the hash":                    {"apollo.json", documents.Hash(product), product},
		"an id that is the hash, with its prefix":   {"apollo.json", "sha256:" + documents.Hash(product), product},
		"an id that is something else":              {"relay.json", "0ac313cb01c3aab4f8eaeb21a7597f14", price},
		"the hash where the id is something else":   {"relay.json", documents.Hash(price), price},
		"that hash with its prefix":                 {"relay.json", "sha256:" + documents.Hash(price), price},
		"an id with a prefix":                       {"codegen.json", "sha256:" + documents.Hash(price), price},
		"the hash where the id has a prefix":        {"codegen.json", documents.Hash(price), price},
		"the hash of a file":                        {"folder", documents.Hash(price + "\n"), price + "\n"},
		"the hash of a file with its prefix":        {"folder", "sha256:" + documents.Hash(price+"\n"), price + "\n"},
		"the name of a file finds nothing":          {"folder", "product", ""},
		"the hash of another text finds nothing":    {"folder", documents.Hash(price), ""},
		"a hash in upper case finds nothing":        {"relay.json", "0AC313CB01C3AAB4F8EAEB21A7597F14", ""},
		"a prefix alone finds nothing":              {"relay.json", "sha256:", ""},
		"another prefix finds nothing":              {"relay.json", "md5:0ac313cb01c3aab4f8eaeb21a7597f14", ""},
		"no id finds nothing":                       {"relay.json", "", ""},
		"what no id has ever been finds nothing":    {"relay.json", "product", ""},
		"an id with our prefix is found without it": {"relay.json", "sha256:0ac313cb01c3aab4f8eaeb21a7597f14", price},
	} {
		t.Run(name, func(t *testing.T) {
			trusted, err := documents.Load(filepath.Join("testdata", test.manifest))
			if err != nil {
				t.Fatal(err)
			}
			if text, ok := trusted.Text(test.id); text != test.want || ok != (test.want != "") {
				t.Errorf("Text(%q) = %q, %v", test.id, text, ok)
			}
		})
	}
}

func BenchmarkText(b *testing.B) {
	trusted, err := documents.Load(filepath.Join("testdata", "relay.json"))
	if err != nil {
		b.Fatal(err)
	}
	id := "sha256:" + documents.Hash(price)
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := trusted.Text(id); !ok {
			b.Fatal("not found")
		}
	}
}

package documents_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-gateway/sluice/documents"
)

const (
	product = "query Product($id: ID!) {\n  product(id: $id) {\n    name\n  }\n}"
	price   = "subscription Price($id: ID!) {\n  price(product: $id) {\n    amount\n  }\n}"
)

func TestLoad(t *testing.T) {
	for name, test := range map[string]struct {
		path string
		want map[string]string
	}{
		"a folder's files are documents to the last byte, those in its folders too": {"folder", map[string]string{
			documents.Hash(product + "\n"): product + "\n",
			documents.Hash(price + "\n"):   price + "\n",
		}},
		"Apollo's manifest": {"apollo.json", map[string]string{
			documents.Hash(product): product,
			documents.Hash(price):   price,
		}},
		"a manifest of Relay's, with ids that are something else than our hash": {"relay.json", map[string]string{
			"5ecc22e71c45f76296dfbee4a5ac4b07": product,
			"0ac313cb01c3aab4f8eaeb21a7597f14": price,
		}},
		"a manifest of GraphQL Code Generator's, with prefixed hashes": {"codegen.json", map[string]string{
			"sha256:" + documents.Hash(product): product,
			"sha256:" + documents.Hash(price):   price,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			trusted, err := documents.Load(filepath.Join("testdata", test.path))
			if err != nil {
				t.Fatal(err)
			}
			if got := maps.Collect(trusted.All()); !maps.Equal(got, test.want) || trusted.Len() != 2 {
				t.Errorf("documents = %q", got)
			}
		})
	}
}

func TestLoadTellsEverythingThatIsWrong(t *testing.T) {
	for name, test := range map[string]struct {
		path string
		want []string
	}{
		"a plain manifest": {"bad.json", []string{
			`id "number": the document is not a string`,
			`id "null": the document is not a string`,
			`id "blank": the document is empty`,
			`id "": a document has no id`,
			`id "twice": two documents have this id`,
		}},
		"Apollo's manifest": {"bad-apollo.json", []string{
			`operations[0]: json: cannot unmarshal number`,
			`id "b": the document is empty`,
			`id "": a document has no id`,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join("testdata", test.path)
			trusted, err := documents.Load(path)
			if err == nil || trusted != nil {
				t.Fatalf("%v, %v", trusted, err)
			}
			lines := strings.Split(err.Error(), "\n")
			if len(lines) != len(test.want) {
				t.Errorf("%d errors:\n%v", len(lines), err)
			}
			for i, want := range test.want {
				if i < len(lines) && !strings.HasPrefix(lines[i], "documents: "+path+": "+want) {
					t.Errorf("error %d = %s", i, lines[i])
				}
			}
		})
	}
}

func TestLoadRefuses(t *testing.T) {
	for name, test := range map[string]struct{ manifest, want string }{
		"an empty file":                        {"", "it is not a JSON object: unexpected EOF"},
		"a list":                               {`["{ a }"]`, "it is not a JSON object"},
		"a manifest that was cut off":          {`{"a":"{ a }"`, "it is not a JSON object: unexpected EOF"},
		"a manifest that was cut off in a key": {`{"a`, "it is not a JSON object: unexpected EOF"},
		"a missing colon":                      {`{"a" "{ a }"}`, "it is not a JSON object: expected colon"},
		"something after the manifest":         {`{"a":"{ a }"} {}`, "something follows it"},
		"what is not UTF-8":                    {"{\"a\":\"{ \xff }\"}", "it is not UTF-8"},
		"no document at all":                   {`{}`, "there is no document in it"},
		"an Apollo manifest without documents": {`{"format":"apollo-persisted-query-manifest","version":1}`, "there is no document in it"},
		"a later version of Apollo's":          {`{"format":"apollo-persisted-query-manifest","version":2}`, "version 2 of apollo-persisted-query-manifest is not known, only 1"},
		"another format":                       {`{"format":"other","version":1,"operations":[]}`, `id "version": the document is not a string`},
		"a document that is too large":         {`{"a":"` + strings.Repeat(" ", documents.MaxText) + `{ a }"}`, `id "a": the document has 98309 bytes, more than the limit of 98304`},
		"an id that is another one's hash":     {`{"sha256:` + hash + `":"{ a }","b":"` + text + `"}`, `id "sha256:` + hash + `" is the hash of another document`},
	} {
		t.Run(name, func(t *testing.T) {
			path := write(t, t.TempDir(), "manifest.json", test.manifest)
			trusted, err := documents.Load(path)
			if err == nil || trusted != nil || !strings.Contains(err.Error(), test.want) || !strings.HasPrefix(err.Error(), "documents: "+path+": ") {
				t.Errorf("%v, %v", trusted, err)
			}
		})
	}
}

func TestLoadOfAFolderNamesTheFilesThatAreWrong(t *testing.T) {
	dir := t.TempDir()
	large := write(t, dir, "a.graphql", strings.Repeat(" ", documents.MaxText+1))
	empty := write(t, dir, "b.graphql", " \n")
	latin := write(t, dir, "c.gql", "# caf\xe9\n{ a }")
	write(t, dir, "d.graphql", text)
	folder := filepath.Join(dir, "e.graphql")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	gone := filepath.Join(folder, "f.gql")
	link(t, "nowhere", gone)
	write(t, dir, ".hidden.graphql", " ")
	write(t, dir, "notes.txt", " ")
	loop := filepath.Join(dir, "g.graphql")
	link(t, dir, loop)
	_, err := documents.Load(dir)
	want := strings.Join([]string{
		"documents: " + large + ": the document has 98305 bytes, more than the limit of 98304",
		"documents: " + empty + ": the document is empty",
		"documents: " + latin + ": it is not UTF-8",
		"documents: " + gone + ": no such file or directory",
		"documents: " + loop + ": it is no regular file",
	}, "\n")
	if err == nil || err.Error() != want {
		t.Errorf("error = %v\nwant    %s", err, want)
	}
}

// A volume of Kubernetes' holds links to files in a folder with a hidden name, and is one itself.
func TestLoadFollowsLinks(t *testing.T) {
	dir := t.TempDir()
	hidden := filepath.Join(dir, "volume", "..2026_01_01")
	if err := os.MkdirAll(hidden, 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, hidden, "product.graphql", product)
	write(t, hidden, "unlinked.graphql", price)
	link(t, "..2026_01_01", filepath.Join(dir, "volume", "..data"))
	link(t, "..data/product.graphql", filepath.Join(dir, "volume", "product.graphql"))
	link(t, "volume", filepath.Join(dir, "documents"))
	trusted, err := documents.Load(filepath.Join(dir, "documents"))
	if err != nil {
		t.Fatal(err)
	}
	if got := maps.Collect(trusted.All()); !maps.Equal(got, map[string]string{documents.Hash(product): product}) {
		t.Errorf("documents = %q", got)
	}
}

func TestTheSameTextTwiceIsOneDocument(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "a.graphql", text)
	write(t, dir, "b.graphql", text)
	trusted, err := documents.Load(dir)
	if err != nil || trusted.Len() != 1 {
		t.Errorf("%v, %v", trusted, err)
	}
}

func TestLoadOfNothing(t *testing.T) {
	dir := t.TempDir()
	if _, err := documents.Load(dir); err == nil || err.Error() != "documents: "+dir+": there is no document in it" {
		t.Errorf("an empty folder: %v", err)
	}
	missing := filepath.Join(dir, "missing")
	if _, err := documents.Load(missing); err == nil || !strings.Contains(err.Error(), missing) {
		t.Errorf("a missing path: %v", err)
	}
}

func TestTooManyDocuments(t *testing.T) {
	manifest := func(n int) string {
		var b strings.Builder
		b.WriteString(`{"0":"{ a0 }"`)
		for i := 1; i < n; i++ {
			fmt.Fprintf(&b, `,"%d":"{ a%d }"`, i, i)
		}
		return b.String() + "}"
	}
	dir := t.TempDir()
	trusted, err := documents.Load(write(t, dir, "most.json", manifest(documents.MaxTrusted)))
	if err != nil || trusted.Len() != documents.MaxTrusted {
		t.Fatalf("the most there may be: %v", err)
	}
	_, err = documents.Load(write(t, dir, "more.json", manifest(documents.MaxTrusted+5)))
	if err == nil || !strings.HasSuffix(err.Error(), "there are more than 10000 documents") {
		t.Errorf("more than that: %v", err)
	}
}

func TestAManifestThatIsTooLargeIsNotRead(t *testing.T) {
	path := write(t, t.TempDir(), "large.json", "")
	if err := os.Truncate(path, 1<<30); err != nil { // takes no room on the disk
		t.Fatal(err)
	}
	if _, err := documents.Load(path); err == nil || !strings.HasSuffix(err.Error(), "it has 1073741824 bytes, more than the limit of 67108864") {
		t.Errorf("error = %v", err)
	}
}

func TestAllIsInOrderAndCanBeLeft(t *testing.T) {
	trusted, err := documents.Load(filepath.Join("testdata", "relay.json"))
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for id := range trusted.All() {
		ids = append(ids, id)
	}
	if !slices.IsSorted(ids) || len(ids) != 2 {
		t.Errorf("ids = %q", ids)
	}
	for id := range trusted.All() {
		if id != ids[0] {
			t.Errorf("went on to %q", id)
		}
		break
	}
}

func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func link(t *testing.T, to, path string) {
	t.Helper()
	if err := os.Symlink(to, path); err != nil {
		t.Fatal(err)
	}
}

package documents

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"unicode/utf8"
)

// Whatever a manifest holds, reading it does not lose a document in silence: each member of a plain
// one becomes an entry or an error.
func FuzzParseManifest(f *testing.F) {
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) == 0 {
		f.Fatal("no seeds: ", err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte(`{"a":"\ud800","a":{}} `))
	f.Fuzz(func(t *testing.T, data []byte) {
		entries, bad := parseManifest(data)
		if len(entries) > 0 && !json.Valid(data) {
			t.Errorf("%d entries in what is no JSON", len(entries))
		}
		var plain map[string]string
		if utf8.Valid(data) && json.Unmarshal(data, &plain) == nil && plain["format"] != apolloFormat && len(entries)+len(bad) < len(plain) {
			t.Errorf("%d members, %d entries, %d errors", len(plain), len(entries), len(bad))
		}
		trusted := newTrusted()
		for _, e := range entries {
			if trusted.add(e.id, e.text) != nil {
				continue
			}
			if text, ok := trusted.Text(e.id); !ok || text != e.text {
				t.Errorf("Text(%q) = %q, %v", e.id, text, ok)
			}
		}
	})
}

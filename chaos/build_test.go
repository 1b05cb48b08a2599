package main

import (
	"encoding/json"
	"go/parser"
	"go/token"
	"os"
	"slices"
	"strings"
	"testing"
)

func TestEditsFitTheSources(t *testing.T) {
	edits := slices.Concat(panicking, jumping)
	overlay, err := write(t.Context(), t.TempDir(), edits)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(overlay)
	if err != nil {
		t.Fatal(err)
	}
	var list struct{ Replace map[string]string }
	if err := json.Unmarshal(text, &list); err != nil || len(list.Replace) != 4 {
		t.Fatalf("%s: %v", text, err)
	}
	for source, edited := range list.Replace {
		text, err := os.ReadFile(edited)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parser.ParseFile(token.NewFileSet(), source, text, parser.SkipObjectResolution); err != nil {
			t.Error(err)
		}
		for _, e := range edits {
			if strings.HasSuffix(source, "/"+e.file) && !strings.Contains(string(text), e.new) && e.old != "import (\n" {
				t.Errorf("%s lacks %q", source, e.new)
			}
		}
	}
}

func TestAnEditThatDoesNotFitIsRefused(t *testing.T) {
	for name, e := range map[string]edit{
		"the line is gone":        {"time", "time.go", "\tthis line is not there\n", "x"},
		"the line is there twice": {"time", "time.go", "func", "x"},
		"the file is gone":        {"time", "no.go", "func", "x"},
		"the package is gone":     {module + "/chaos/none", "none.go", "", "package none\n"},
	} {
		if overlay, err := write(t.Context(), t.TempDir(), []edit{e}); err == nil {
			t.Errorf("%s: %s", name, overlay)
		}
	}
}

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

const module = "github.com/sluice-gateway/sluice"

// An edit changes one line of a source while the gateway is built. The source stays as it is.
type edit struct {
	pkg, file string // the import path, and the name of the file
	old, new  string // what stands there once; empty: the file is a new one
}

// panicking are the edits that have resolvers panic, where an event says so.
var panicking = []edit{
	{module + "/cmd/sluice", "serve.go", "import (\n", "import (\n\t\"" + module + "/chaos/panics\"\n"},
	{
		module + "/cmd/sluice", "serve.go",
		"graph.NewExecutableSchema(graph.Config{Resolvers: root})", "panics.In(graph.NewExecutableSchema(graph.Config{Resolvers: root}))",
	},
}

// jumping are the edits that have the wall clock go wrong, for all of the program: Go reads no clock of the C
// library that could be replaced.
var jumping = []edit{
	{"time", "time.go", "\tsec, nsec, mono := runtimeNow()\n", "\tsec, nsec, mono := runtimeNow()\n\tsec += Ahead.Load()\n"},
	{"time", "ahead.go", "", "package time\n\nimport \"sync/atomic\"\n\n// Ahead is how many seconds the wall clock is ahead.\nvar Ahead atomic.Int64\n"},
	{module + "/cmd/sluice", "chaos.go", "", "package main\n\nimport _ \"" + module + "/chaos/clock\"\n"},
}

// build makes the gateway in a folder, from the module that the working directory is in. Only what faults need
// is edited: without them it is the gateway as it is.
func (p *plan) build(ctx context.Context) (err error) {
	var edits []edit
	arguments := []string{"build"}
	if p.counts["panics"] > 0 {
		edits = append(edits, panicking...)
	}
	if p.counts["clock"] > 0 {
		edits = append(edits, jumping...)
		arguments = append(arguments, "-tags", "chaosclock")
		p.log("building with another clock; the first time takes minutes")
	}
	if len(edits) > 0 {
		overlay, err := write(ctx, p.dir, edits)
		if err != nil {
			return fmt.Errorf("edit the gateway: %w", err)
		}
		arguments = append(arguments, "-overlay", overlay)
	}
	p.gateway = filepath.Join(p.dir, "sluice")
	arguments = append(arguments, "-o", p.gateway, module+"/cmd/sluice")
	if out, err := exec.CommandContext(ctx, "go", arguments...).CombinedOutput(); err != nil {
		return fmt.Errorf("build the gateway: %w\n%s", err, out)
	}
	return nil
}

// write writes edited sources to a folder, and returns what go build -overlay reads.
func write(ctx context.Context, dir string, edits []edit) (overlay string, err error) {
	texts := make(map[string]string) // by the path of the source
	for _, e := range edits {
		folder, err := exec.CommandContext(ctx, "go", "list", "-f", "{{.Dir}}", e.pkg).Output()
		if err != nil {
			return "", fmt.Errorf("find %s: %w", e.pkg, err)
		}
		path := filepath.Join(strings.TrimSpace(string(folder)), e.file)
		if texts[path], err = e.apply(path, texts[path]); err != nil {
			return "", err
		}
	}
	replace := make(map[string]string)
	for path, text := range texts {
		replace[path] = filepath.Join(dir, fmt.Sprintf("source-%d.go", len(replace)))
		if err := os.WriteFile(replace[path], []byte(text), 0o600); err != nil {
			return "", err
		}
	}
	list, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	overlay = filepath.Join(dir, "overlay.json")
	return overlay, os.WriteFile(overlay, list, 0o600)
}

// apply returns the text of a source as edited. text is what earlier edits made of it; empty: there were none.
func (e edit) apply(path, text string) (string, error) {
	if e.old == "" {
		return e.new, nil
	}
	if text == "" {
		source, err := os.ReadFile(path)
		if err != nil {
			return "", err
		}
		text = string(source)
	}
	if n := strings.Count(text, e.old); n != 1 {
		return "", fmt.Errorf("%s has %q %d times, not once", path, e.old, n)
	}
	return strings.Replace(text, e.old, e.new, 1), nil
}

package main

import (
	"flag"
	"fmt"
	"os"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// fromFile sets what neither flags nor environment have given. Every error names file and line.
func (c *Config) fromFile(f *flag.FlagSet, given map[string]bool, path string) (bad []error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return []error{fmt.Errorf("config: %w", err)}
	}
	tree, err := parser.ParseBytes(text, 0)
	if err != nil {
		what, _, _ := strings.Cut(err.Error(), "\n") // the lines after it quote the file, and it holds secrets
		return []error{fmt.Errorf("%s: %s", path, what)}
	}
	for _, doc := range tree.Docs {
		if doc.Body == nil {
			continue
		}
		settings, ok := doc.Body.(ast.MapNode)
		if !ok {
			return []error{fmt.Errorf("%s: settings are written as `name: value`, one a line", path)}
		}
		for all := settings.MapRange(); all.Next(); {
			if err := c.fromEntry(f, given, all.KeyValue()); err != nil {
				bad = append(bad, fmt.Errorf("%s:%d: %w", path, all.Key().GetToken().Position.Line, err))
			}
		}
	}
	return bad
}

func (c *Config) fromEntry(f *flag.FlagSet, given map[string]bool, entry *ast.MappingValueNode) error {
	name := entry.Key.GetToken().Value
	if read, ok := sections[name]; ok {
		return read(c, entry.Value)
	}
	setting := f.Lookup(name)
	if setting == nil || name == "config" {
		return fmt.Errorf("there is no setting %q; sluice --help lists them", name)
	}
	if given[name] {
		return nil
	}
	var value any
	if err := yaml.NodeToValue(entry.Value, &value); err != nil {
		return err
	}
	values, isList := value.([]any)
	if !isList {
		values = []any{value}
	}
	if isList && !takesList(setting.Value) {
		return fmt.Errorf("%s takes one value, not a list", name)
	}
	for _, v := range values {
		if v == nil {
			return fmt.Errorf("%s has no value", name)
		}
		if err := setting.Value.Set(fmt.Sprint(v)); err != nil {
			return fmt.Errorf("%s: %q: %w", name, fmt.Sprint(v), err)
		}
	}
	return nil
}

func takesList(value flag.Value) bool {
	switch value.(type) {
	case *list, *networks:
		return true
	}
	return false
}

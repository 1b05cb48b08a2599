package main

import (
	"errors"
	"flag"
	"fmt"
	"strings"
)

// Load reads the configuration. Its error lists every mistake there is.
func Load(args []string, env func(string) (string, bool)) (*Config, error) {
	c := &Config{reload: func() (*Config, error) { return Load(args, env) }}
	f := c.flags()
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	if f.NArg() > 0 {
		return nil, fmt.Errorf("there is no command %q: sluice takes flags, or first of all the word keys, usage or help", f.Arg(0))
	}
	given := make(map[string]bool)
	f.Visit(func(set *flag.Flag) { given[set.Name] = true })
	bad := fromEnvironment(f, given, env)
	if c.file = f.Lookup("config").Value.String(); c.file != "" {
		bad = append(bad, c.fromFile(f, given, c.file)...)
	}
	bad = append(bad, c.validate()...)
	if len(bad) > 0 {
		return nil, fmt.Errorf("the configuration has %d mistake(s):\n%w", len(bad), errors.Join(bad...))
	}
	return c, nil
}

// fromEnvironment sets what no flag has set, and notes it as given.
func fromEnvironment(f *flag.FlagSet, given map[string]bool, env func(string) (string, bool)) (bad []error) {
	f.VisitAll(func(setting *flag.Flag) {
		name := "SLUICE_" + strings.ToUpper(strings.ReplaceAll(setting.Name, "-", "_"))
		value, ok := env(name)
		if !ok || given[setting.Name] {
			return
		}
		given[setting.Name] = true
		if err := f.Set(setting.Name, value); err != nil {
			bad = append(bad, fmt.Errorf("%s=%q: %w", name, value, err))
		}
	})
	return bad
}

package main

import (
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

// load reads a configuration from flags, environment ("NAME=value") and a file's text.
func load(t *testing.T, flags, env []string, file string) (*Config, error) {
	t.Helper()
	if file != "" {
		path := filepath.Join(t.TempDir(), "sluice.yaml")
		if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
		flags = append(flags, "--config", path)
	}
	return Load(flags, func(name string) (string, bool) {
		for _, set := range env {
			if value, ok := strings.CutPrefix(set, name+"="); ok {
				return value, true
			}
		}
		return "", false
	})
}

func TestTheFirstOfFlagEnvironmentAndFileWins(t *testing.T) {
	for _, tt := range []struct {
		name       string
		flags, env []string
		file       string
		want       time.Duration
	}{
		{"the default", nil, nil, "", 20 * time.Second},
		{"the file", nil, nil, "drain-window: 1s", time.Second},
		{"the environment before the file", nil, []string{"SLUICE_DRAIN_WINDOW=2s"}, "drain-window: 1s", 2 * time.Second},
		{"the flag before both", []string{"--drain-window=3s"}, []string{"SLUICE_DRAIN_WINDOW=2s"}, "drain-window: 1s", 3 * time.Second},
		{"a flag that says the default", []string{"--drain-window=20s"}, nil, "drain-window: 1s", 20 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, err := load(t, tt.flags, tt.env, tt.file)
			if err != nil {
				t.Fatal(err)
			}
			if c.DrainWindow != tt.want {
				t.Errorf("drain-window is %v, want %v", c.DrainWindow, tt.want)
			}
		})
	}
}

func TestAWholeFile(t *testing.T) {
	c, err := load(t, nil, nil, `
# a comment
listen: ":9000"
origins: [https://a.example, https://b.example]
introspection: true
max-tokens: unlimited
outbox-size: 2MiB
keys:
  - key: 0123456789abcdef
    consumer: shop
    subject: alice
    scopes: [a, b]
`)
	if err != nil {
		t.Fatal(err)
	}
	if c.Listen != ":9000" || len(c.Origins) != 2 || !c.Introspection || c.Tokens != math.MaxInt || c.OutboxSize != 2<<20 {
		t.Errorf("%+v", c)
	}
	if len(c.Keys) != 1 || c.Keys[0].Subject != "alice" || len(c.Keys[0].Scopes) != 2 {
		t.Errorf("keys: %+v", c.Keys)
	}
}

func TestEveryMistakeIsToldAtOnce(t *testing.T) {
	_, err := load(t, []string{"--listen", "nonsense", "--pong-timeout", "1h"},
		[]string{"SLUICE_MAX_TOKENS=0", "SLUICE_LOG_LEVEL=loud"}, `
colour: red
outbox-events: -1
drain-window: soon
listen: [a, b]
log-format: xml
origins: ["https://*.example"]
request-timeout: 0s
keys:
  - key: short
    consumer: shop
  - key: 0123456789abcdef
`)
	if err == nil {
		t.Fatal("it was accepted")
	}
	for _, part := range []string{
		`:2: there is no setting "colour"`, "SLUICE_MAX_TOKENS", "SLUICE_LOG_LEVEL", ":3: outbox-events", ":4: drain-window",
		`listen: "nonsense"`, `log-format: "xml"`, "origins:", "request-timeout", "pong-timeout", "keys[0]", "keys[1]",
	} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the error does not tell of %q:\n%v", part, err)
		}
	}
	if strings.Contains(err.Error(), "0123456789abcdef") {
		t.Errorf("the error shows a key:\n%v", err)
	}
}

func TestBadFiles(t *testing.T) {
	for name, file := range map[string]string{
		"no YAML":                  "a: [",
		"a list":                   "- a\n- b",
		"keys with unknown fields": "keys:\n  - key: 0123456789abcdef\n    konsumer: x",
		"a setting without value":  "listen:",
		"the file's own name":      "config: other.yaml",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := load(t, nil, nil, file)
			if err == nil {
				t.Fatal("it was accepted")
			}
			if !strings.Contains(err.Error(), "sluice.yaml") {
				t.Errorf("the error does not name the file: %v", err)
			}
			if strings.Contains(err.Error(), "0123456789abcdef") {
				t.Errorf("the error shows a key: %v", err)
			}
		})
	}
	if _, err := Load([]string{"--config", "/no/such/file"}, os.LookupEnv); err == nil {
		t.Error("a file that is not there was accepted")
	}
	if _, err := Load([]string{"serve"}, os.LookupEnv); err == nil {
		t.Error("an argument was accepted")
	}
}

// Every limit of queries has a setting, which reaches the operations.
func TestTheLimitsOfQueries(t *testing.T) {
	settings := map[string]string{ // with their defaults
		"max-document": "96KiB", "max-tokens": "1000", "max-directives": "50", "max-depth": "10", "max-aliases": "30",
		"max-root-fields": "20", "max-cost": "1000", "list-size": "20", "max-operation-name": "128B",
		"max-variables": "32KiB", "max-variable-depth": "20", "max-variable-elements": "1000", "max-digits": "64",
	}
	all := func(value string) []string {
		var flags []string
		for name := range settings {
			flags = append(flags, "--"+name, value)
		}
		return flags
	}
	limits := func(flags []string) reflect.Value {
		c, err := load(t, flags, nil, "")
		if err != nil {
			t.Fatal(err)
		}
		return reflect.ValueOf(queryLimits(c))
	}
	if n := limits(nil).NumField(); n != len(settings) {
		t.Errorf("%d limits, %d settings", n, len(settings))
	}
	for value, want := range map[string]int64{"7": 7, "unlimited": math.MaxInt} {
		set := limits(all(value))
		for i := range set.NumField() {
			if set.Field(i).Int() != want {
				t.Errorf("%s is %d, want %s", set.Type().Field(i).Name, set.Field(i).Int(), value)
			}
		}
	}
	f := new(Config).flags()
	for name, standard := range settings {
		if got := f.Lookup(name).DefValue; got != standard {
			t.Errorf("%s is %s by default, want %s", name, got, standard)
		}
		for _, value := range []string{"0", "-1", "none"} {
			if _, err := load(t, []string{"--" + name, value}, nil, ""); err == nil {
				t.Errorf("%s of %s is accepted", name, value)
			}
		}
	}
}

func TestDevIsForLoopback(t *testing.T) {
	for listen, ok := range map[string]bool{
		"127.0.0.1:8080": true, "localhost:8080": true, "[::1]:8080": true,
		":8080": false, "0.0.0.0:8080": false, "10.0.0.1:8080": false,
	} {
		if _, err := load(t, []string{"--dev", "--listen", listen}, nil, ""); (err == nil) != ok {
			t.Errorf("%s: %v", listen, err)
		}
	}
}

func TestSizesAndCounts(t *testing.T) {
	for text, want := range map[string]int{
		"1": 1, "64KiB": 64 << 10, "1MiB": 1 << 20, "2 GiB": 2 << 30, "100B": 100, "unlimited": math.MaxInt,
		"0": -1, "-1": -1, "1.5MiB": -1, "1MB": -1, "": -1, "99999999999GiB": -1,
	} {
		var s size
		err := s.UnmarshalText([]byte(text))
		if want < 0 && err == nil || want > 0 && (err != nil || int(s) != want) {
			t.Errorf("%q: %d %v", text, s, err)
		}
		if err == nil {
			var again size
			back, _ := s.MarshalText()
			if again.UnmarshalText(back) != nil || again != s {
				t.Errorf("%q is written as %q", text, back)
			}
		}
	}
}

func TestTheCollectorsPercentage(t *testing.T) {
	for scanned, want := range map[uint64]int{0: 400, 30 << 20: 400, 64 << 20: 400, 128 << 20: 200, 256 << 20: 100, 4 << 30: 100} {
		if got := (heap{scanned: scanned}).percent(); got != want {
			t.Errorf("%d MiB: %d, want %d", scanned>>20, got, want)
		}
	}
}

func TestMistakesInAFileShowNoSecret(t *testing.T) {
	const secret = "canary-canary-canary"
	for _, file := range []string{
		"keys:\n  - key: " + secret + "\n    consumer: \"a",
		"keys:\n  - key: " + secret + "\n   consumer: a\n",
		"keys:\n  - " + secret + ": key\n    consumer: a\n",
		"keys: {" + secret + ": a}\n",
		"issuers:\n  - issuer: a\n    secret: [" + secret + "]\n",
		"issuers:\n  - issuer: a\n    secret: " + secret + "\n    algorithms: HS256\n    audience: a\n    leeway: 0s\n",
	} {
		if _, err := load(t, nil, nil, file); err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("%s\ngives the error %v", file, err)
		}
	}
}

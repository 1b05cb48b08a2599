package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/graph"
	"github.com/sluice-gateway/sluice/internal/cursor"
	"github.com/sluice-gateway/sluice/policy"
	"github.com/sluice-gateway/sluice/pubsub"
)

func noEnvironment(string) (string, bool) { return "", false }

func TestWhatIsKept(t *testing.T) {
	rules, err := policy.Compile(graph.NewExecutableSchema(graph.Config{}).Schema())
	if err != nil {
		t.Fatal(err)
	}
	c, err := Load([]string{"--retain", "stock.7=off, price.eu=30s", "--retain", "price.*=1h/50", "--redis", "redis://127.0.0.1:1"}, noEnvironment)
	if err != nil {
		t.Fatal(err)
	}
	retention := c.retention(rules)
	for topic, want := range map[string]pubsub.Retention{
		"stock.1":     {Events: 1000, For: 10 * time.Minute}, // the schema says so
		"stock.7":     {},
		"price.eu":    {Events: 1000, For: 30 * time.Second},
		"price.1":     {Events: 50, For: time.Hour},
		"price.1.eu":  {},
		"order.alice": {Events: 1000, For: time.Hour},
		"other":       {},
	} {
		if got := retention(topic); got != want {
			t.Errorf("of %s %+v is kept, want %+v", topic, got, want)
		}
	}
}

func TestWrongRetentionsAreRefused(t *testing.T) {
	for _, text := range []string{"", "stock.*", "stock.*=", "stock.*=10m/0", "stock.*=10m/x", "stock.*=500ms", "stock.*=169h", "stock.*=10m/2000000", "*=10m", "a b=10m"} {
		if _, err := Load([]string{"--retain", text}, noEnvironment); err == nil {
			t.Errorf("--retain %q is taken", text)
		}
	}
}

func TestTopicsThatFeedNothingAreRefused(t *testing.T) {
	rules, err := policy.Compile(graph.NewExecutableSchema(graph.Config{}).Schema())
	if err != nil {
		t.Fatal(err)
	}
	for text, known := range map[string]bool{
		"stock.*=10m": true, "stock.7=off": true, "order.alice.*=1h": false, "stok.*=10m": false, "stock=10m": false,
	} {
		c, err := Load([]string{"--retain", text}, noEnvironment)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Retain.checkRetained(rules); (err == nil) != known {
			t.Errorf("--retain %s: %v", text, err)
		}
	}
}

func TestNodesWithTheSameSettingsReadEachOthersCursors(t *testing.T) {
	secrets := filepath.Join(t.TempDir(), "secrets")
	if err := os.WriteFile(secrets, []byte("a secret of some length\n\nand an older one that is still believed\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	older := filepath.Join(t.TempDir(), "older")
	if err := os.WriteFile(older, []byte("and an older one that is still believed"), 0o600); err != nil {
		t.Fatal(err)
	}
	const redis = "redis://127.0.0.1:1"
	for _, tt := range []struct {
		name          string
		writes, reads []string
		same          bool
	}{
		{"the same Redis", []string{"--redis", redis}, []string{"--redis", redis}, true},
		{"another Redis", []string{"--redis", redis}, []string{"--redis", redis + "/1"}, false},
		{"no Redis", nil, nil, false},
		{"the same file", []string{"--cursor-key-file", secrets}, []string{"--cursor-key-file", secrets, "--redis", redis}, true},
		{"a secret that was replaced", []string{"--cursor-key-file", older}, []string{"--cursor-key-file", secrets}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			topics, at := []cursor.Topic{cursor.TopicOf("stock.1")}, []pubsub.Position{{Epoch: 1, Offset: 2}}
			text := keysOf(t, tt.writes).Append(nil, cursor.ScopeOf(""), topics, at)
			read, err := keysOf(t, tt.reads).Read(string(text), cursor.ScopeOf(""), topics)
			if (err == nil) != tt.same {
				t.Errorf("it is read as %v, %v", read, err)
			}
		})
	}
}

func keysOf(t *testing.T, args []string) *cursor.Keys {
	t.Helper()
	c, err := Load(args, noEnvironment)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := c.cursorKeys()
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/auth"
	"github.com/sluice-gateway/sluice/auth/keys"
	"github.com/sluice-gateway/sluice/internal/redistest"
	"github.com/sluice-gateway/sluice/pubsub"
	"github.com/sluice-gateway/sluice/pubsub/pubsubtest"
	"github.com/sluice-gateway/sluice/pubsub/redis"
	"github.com/sluice-gateway/sluice/store"
)

// A keyring calls sluice keys on a database of its own.
type keyring struct {
	t        *testing.T
	database string
	notes    bytes.Buffer // of the latest call
}

func newKeyring(t *testing.T) *keyring {
	return &keyring{t: t, database: filepath.Join(t.TempDir(), "shop.db")}
}

// try runs a command with the database in the environment, and returns what it wrote.
func (k *keyring) try(args ...string) (string, error) {
	k.t.Helper()
	var out bytes.Buffer
	k.notes.Reset()
	err := runKeys(k.t.Context(), args, func(name string) (string, bool) {
		return k.database, name == "SLUICE_DATABASE"
	}, &out, &k.notes)
	return out.String(), err
}

func (k *keyring) run(args ...string) string {
	k.t.Helper()
	out, err := k.try(args...)
	if err != nil {
		k.t.Fatalf("sluice keys %q: %v", args, err)
	}
	return out
}

// refused runs a command that must fail as a mistake of its user's, in words that contain want.
func (k *keyring) refused(want string, args ...string) {
	k.t.Helper()
	out, err := k.try(args...)
	var mistake usageError
	if !errors.As(err, &mistake) || !strings.Contains(err.Error(), want) || out != "" {
		k.t.Errorf("sluice keys %q printed %q, %v; want a usageError with %q", args, out, err, want)
	}
}

// viewer is whom the gateway sees when a key is shown to it; nil: nobody.
func (k *keyring) viewer(text string) *auth.Viewer {
	k.t.Helper()
	s, err := store.Open(k.t.Context(), k.database)
	if err != nil {
		k.t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	v, err := keys.New(s, keys.Options{}).Authenticate(k.t.Context(), auth.Credentials{Token: strings.TrimSpace(text)})
	if err != nil && !errors.Is(err, auth.ErrBadCredentials) {
		k.t.Fatal(err)
	}
	return v
}

var aKey = regexp.MustCompile(`^sluice_([a-z2-7]{16})_[a-z2-7]{52}\n$`)

// idOf fails the test unless a key stands alone on a line.
func (k *keyring) idOf(out string) string {
	k.t.Helper()
	found := aKey.FindStringSubmatch(out)
	if found == nil {
		k.t.Fatalf("%q is no key alone on a line", out)
	}
	return found[1]
}

func TestKeysFromTheirMakingToTheirEnd(t *testing.T) {
	k := newKeyring(t)
	first := k.run("create", "--name", "Web shop", "--consumer", "shop", "--subject", "ann", "--scopes", "a, b",
		"--publish", "price.*", "--plan", "free", "--expires", "720h")
	id := k.idOf(first)
	if !strings.Contains(k.notes.String(), id) || strings.Contains(k.notes.String(), strings.TrimSpace(first)) {
		t.Errorf("the notes are %q", &k.notes)
	}
	v := k.viewer(first)
	if v == nil || v.Consumer != "shop" || v.Subject != "ann" || len(v.Scopes) != 2 || v.Scopes[1] != "b" ||
		v.Publish[0] != "price.*" || v.Plan != "free" || time.Until(v.Expires).Round(time.Hour) != 720*time.Hour {
		t.Errorf("the viewer is %+v", v)
	}

	k.run("update", id, "--scopes", "", "--expires", "never", "--name", "Shop")
	if v := k.viewer(first); v == nil || v.Scopes != nil || v.Plan != "free" || !v.Expires.IsZero() {
		t.Errorf("after the update the viewer is %+v", v)
	}

	second := k.run("rotate", id, "--grace", "1h")
	if k.idOf(second) != id || k.viewer(first) == nil || k.viewer(second) == nil {
		t.Error("not both secrets are good")
	}
	if row := k.run("list"); !strings.Contains(row, "rotating until") {
		t.Errorf("the list is\n%s", row)
	}
	third := k.run("rotate", id)
	if k.viewer(second) != nil || k.viewer(third) == nil {
		t.Error("without a grace the old secret is good, or the new one is not")
	}

	other := k.idOf(k.run("create", "--name", "Till", "--consumer", "till", "--addresses", "10.0.0.0/8,::1", "--origins", "https://shop.example"))
	for range 2 {
		if out := k.run("revoke", id); out != "" || k.viewer(third) != nil {
			t.Errorf("revoking printed %q", out)
		}
	}
	rows := strings.Split(strings.TrimSpace(k.run("list")), "\n")
	if len(rows) != 3 || !strings.HasPrefix(rows[0], "ID ") ||
		!regexp.MustCompile(`^`+other+`  Till +till +- +- +\S+ +never +good$`).MatchString(rows[1]) ||
		!regexp.MustCompile(`^`+id+`  Shop +shop +- +free +\S+ +never +revoked$`).MatchString(rows[2]) {
		t.Errorf("the list is\n%s", strings.Join(rows, "\n"))
	}
	if out := k.run("list", "--consumer", "till"); strings.Contains(out, id) || !strings.Contains(out, other) {
		t.Errorf("the list of one consumer is\n%s", out)
	}
}

func TestALongListIsWhole(t *testing.T) {
	k := newKeyring(t)
	s, err := store.Open(t.Context(), k.database)
	if err != nil {
		t.Fatal(err)
	}
	m := keys.New(s, keys.Options{})
	for range 2*keys.MaxList + 1 {
		if _, _, err := m.Create(t.Context(), keys.Key{Name: "x", Consumer: "x"}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(k.run("list"), "\n"); n != 2*keys.MaxList+2 {
		t.Errorf("the list has %d lines", n)
	}
}

func TestMistakesWithKeys(t *testing.T) {
	k := newKeyring(t)
	k.refused("there is no database", "list")
	text := strings.TrimSpace(k.run("create", "--name", "x", "--consumer", "x"))
	for _, c := range []struct {
		name, want string
		args       []string
	}{
		{"an unknown command", `no command "sluice keys delete"`, []string{"delete"}},
		{"an unknown flag", "colour", []string{"create", "--colour", "red"}},
		{"a setting that is not for keys", "listen", []string{"list", "--listen", ":80"}},
		{"no name", "the name of a key", []string{"create", "--consumer", "x"}},
		{"a bad network", "is no network", []string{"create", "--name", "x", "--consumer", "x", "--addresses", "x"}},
		{"a bad network in a change", "is no network", []string{"update", "aaaaaaaaaaaaaaaa", "--addresses", "x"}},
		{"a bad time", "give a time", []string{"create", "--expires", "soon"}},
		{"a time in the past", "in the future", []string{"create", "--name", "x", "--consumer", "x", "--expires", "-1h"}},
		{"a bad topic", `topic "*"`, []string{"create", "--name", "x", "--consumer", "x", "--publish", "*"}},
		{"a topic of the gateway", "gateway's own", []string{"create", "--name", "x", "--consumer", "x", "--publish", "_sluice.*"}},
		{"no id", "name the key by its id", []string{"revoke"}},
		{"an unknown id", "there is no key", []string{"revoke", "aaaaaaaaaaaaaaaa"}},
		{"a key instead of its id", "an id has 16", []string{"rotate", text}},
		{"a key behind the flags", "no further argument", []string{"rotate", "aaaaaaaaaaaaaaaa", "--grace", "1h", text}},
		{"a grace for ever", "the grace", []string{"rotate", "aaaaaaaaaaaaaaaa", "--grace", "10000h"}},
		{"a database in memory", "in memory", []string{"list", "--database", ":memory:"}},
		{"a mistake in a setting", "redis", []string{"list", "--config", "/no/such/redis.yaml"}},
		{"another database that is not there", "there is no database", []string{"list", "--database", "/no/such/file"}},
		{"a pepper that is not there", "keys-pepper-file", []string{"list", "--keys-pepper-file", "/no/such/file"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			k.refused(c.want, c.args...)
			if _, err := k.try(c.args...); strings.Contains(err.Error(), text[len(text)-52:]) {
				t.Errorf("the error shows the key: %v", err)
			}
		})
	}
}

func TestHelpWithKeys(t *testing.T) {
	k := newKeyring(t)
	for _, args := range [][]string{{}, {"help"}, {"--help"}, {"create", "--help"}, {"rotate", "-h"}} {
		if out, err := k.try(args...); !errors.Is(err, flag.ErrHelp) || out != "" || !strings.Contains(k.notes.String(), "sluice keys") {
			t.Errorf("%q: %v\n%s", args, err, &k.notes)
		}
	}
}

func TestAPepperMakesTheKeys(t *testing.T) {
	k := newKeyring(t)
	pepper := filepath.Join(t.TempDir(), "pepper")
	write := func(text string) {
		if err := os.WriteFile(pepper, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("too short")
	k.refused("openssl rand", "list", "--keys-pepper-file", pepper)
	if _, err := k.try("list", "--keys-pepper-file", pepper); strings.Contains(err.Error(), "too short") {
		t.Errorf("the error shows the pepper: %v", err)
	}
	write("  0123456789abcdef0123456789abcdef\n")
	text := k.run("create", "--name", "x", "--consumer", "x", "--keys-pepper-file", pepper)
	if k.viewer(text) != nil {
		t.Error("without the pepper the key is good")
	}
}

func TestChangesOfKeysAreAnnounced(t *testing.T) {
	server := redistest.Start(t)
	broker, err := redis.New(server.URL(), redis.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = broker.Close() })
	var heard pubsubtest.Recorder
	pubsubtest.Subscribe(t, pubsub.Broker(broker), "_sluice.auth", &heard)

	k := newKeyring(t)
	id := k.idOf(k.run("create", "--name", "x", "--consumer", "x", "--redis", server.URL()))
	k.run("rotate", id, "--redis", server.URL())
	heard.Await(t, 1) // and nothing of the making
	k.run("update", id, "--name", "y", "--redis", server.URL())
	k.run("revoke", id, "--redis", server.URL())
	heard.Await(t, 3)
	for _, payload := range heard.Payloads() {
		var got struct{ Key string }
		if err := json.Unmarshal([]byte(payload), &got); err != nil || got.Key != id {
			t.Errorf("announced was %s", payload)
		}
	}
}

func TestABrokerThatIsAwayStopsNoChange(t *testing.T) {
	server := redistest.New(t) // does not run
	k := newKeyring(t)
	id := k.idOf(k.run("create", "--name", "x", "--consumer", "x", "--redis", server.URL()))
	second := k.run("rotate", id, "--redis", server.URL())
	if k.viewer(second) == nil || !strings.Contains(k.notes.String(), "Warning:") {
		t.Errorf("the notes are %s", &k.notes)
	}
	if _, err := k.try("revoke", id, "--redis", server.URL()); !errors.Is(err, keys.ErrNotAnnounced) || k.viewer(second) != nil {
		t.Errorf("revoking: %v", err)
	}
}

func TestTheProcessOfKeys(t *testing.T) {
	database := filepath.Join(t.TempDir(), "shop.db")
	for _, c := range []struct {
		name string
		args []string
		exit int
		says string // on either stream
	}{
		{"a key alone on standard output", []string{"keys", "create", "--name", "x", "--consumer", "x"}, 0, "sluice_"},
		{"a list", []string{"keys", "list"}, 0, "CONSUMER"},
		{"help with keys", []string{"keys"}, 0, "sluice keys revoke"},
		{"help", []string{"help"}, 0, "sluice keys help"},
		{"an unknown command of keys", []string{"keys", "steal"}, 2, `there is no command "sluice keys steal"`},
		{"an unknown command", []string{"steal"}, 2, `there is no command "steal"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			cmd := exec.Command(os.Args[0], c.args...)
			cmd.Env = append(os.Environ(), "SLUICE_TEST_PROCESS=1", "SLUICE_DATABASE="+database)
			var out, notes bytes.Buffer
			cmd.Stdout, cmd.Stderr = &out, &notes
			_ = cmd.Run()
			if cmd.ProcessState.ExitCode() != c.exit || !strings.Contains(out.String()+notes.String(), c.says) {
				t.Errorf("exit %d, %s%s", cmd.ProcessState.ExitCode(), &out, &notes)
			}
			if c.args[len(c.args)-1] == "x" && !aKey.MatchString(out.String()) {
				t.Errorf("standard output is %q", &out)
			}
		})
	}
}

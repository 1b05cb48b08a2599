package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluice-gateway/sluice/limits"
)

// An auditLine is a line of the audit log, as its readers see it.
type auditLine struct {
	Time, Action, Object, Result string
	Actor                        map[string]string
	Changes                      []struct {
		Field    string
		Old, New any
	}
}

// String is a line in short.
func (l auditLine) String() string {
	var changes []string
	for _, c := range l.Changes {
		changes = append(changes, fmt.Sprintf("%s %v→%v", c.Field, c.Old, c.New))
	}
	return strings.TrimSpace(l.Action + " " + l.Object + " " + l.Result + " " + strings.Join(changes, ", "))
}

func readAudit(t *testing.T, path string, secrets ...string) (lines []auditLine) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range secrets {
		if strings.Contains(string(text), secret) {
			t.Errorf("the audit log shows a secret:\n%s", text)
		}
	}
	for line := range strings.Lines(string(text)) {
		var l auditLine
		if err := json.Unmarshal([]byte(line), &l); err != nil || l.Time == "" {
			t.Fatalf("%s (%v)", line, err)
		}
		lines = append(lines, l)
	}
	return lines
}

// secretOf is what nobody may see of a key's text.
func secretOf(key string) string { return strings.Split(strings.TrimSpace(key), "_")[2] }

func wantAudit(t *testing.T, lines []auditLine, want ...string) {
	t.Helper()
	for i := range max(len(lines), len(want)) {
		switch {
		case i >= len(lines):
			t.Errorf("line %d is missing: %s", i, want[i])
		case i >= len(want):
			t.Errorf("line %d is too much: %v", i, lines[i])
		case lines[i].String() != want[i]:
			t.Errorf("line %d is\n%v, want\n%s", i, lines[i], want[i])
		}
	}
}

func TestTheCommandOfKeysIsAudited(t *testing.T) {
	k := newKeyring(t)
	path := filepath.Join(t.TempDir(), "audit.log")
	first := k.run("create", "--audit-log", path, "--name", "Till", "--consumer", "till", "--scopes", "a", "--plan", "free")
	id := k.idOf(first)
	k.run("update", id, "--audit-log", path, "--scopes", "a,b", "--plan", "")
	second := k.run("rotate", id, "--audit-log", path)
	k.refused("an id has 16", "rotate", strings.TrimSpace(second), "--audit-log", path)
	k.refused("there is no key", "revoke", "aaaaaaaaaaaaaaaa", "--audit-log", path)
	k.run("list", "--audit-log", path)
	k.run("revoke", id, "--audit-log", path)
	lines := readAudit(t, path, secretOf(first), secretOf(second))
	if len(lines) > 0 {
		last := len(lines) - 1
		if len(lines[last].Changes) != 1 || lines[last].Changes[0].Old != nil || lines[last].Changes[0].New == nil {
			t.Errorf("the last line is %v", lines[last])
		}
		lines[last].Changes = nil // a time
	}
	wantAudit(t, lines,
		"key.create "+id+" ok name <nil>→Till, consumer <nil>→till, scopes <nil>→[a], plan <nil>→free, secretNumber <nil>→1",
		"key.update "+id+" ok scopes [a]→[a b], plan free→<nil>",
		"key.rotate "+id+" ok secretNumber 1→2",
		"key.rotate  BAD_USER_INPUT",
		"key.revoke aaaaaaaaaaaaaaaa BAD_USER_INPUT",
		"key.revoke "+id+" ok",
	)
	for _, l := range lines {
		if l.Actor["via"] != "cli" || l.Actor["user"] == "" || len(l.Actor) != 2 {
			t.Errorf("the actor is %v", l.Actor)
		}
	}
}

func TestAnAuditLogThatCannotBeWrittenStopsNoCommand(t *testing.T) {
	k := newKeyring(t)
	key := k.run("create", "--audit-log", "/no/such/folder/audit.log", "--name", "x", "--consumer", "x")
	if k.viewer(key) == nil || !strings.Contains(k.notes.String(), "Warning: audit-log") {
		t.Errorf("the notes are %q", &k.notes)
	}
}

func TestAdministrationOverTheAPIIsAudited(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	p := start(t, "--audit-log", path)
	made := p.run(`mutation { createApiKey(input: {name: "Boss", consumer: "boss", subject: "ann", scopes: ["admin"]}) { key } }`)
	boss := member(t, made, "createApiKey", "key")
	id := strings.Split(boss, "_")[1]
	_, made = p.post(p.public+"/graphql", boss, `{"query":"mutation { createApiKey(input: {name: \"Till\", consumer: \"till\"}) { key } }"}`)
	till := member(t, made, "createApiKey", "key")
	tillID := strings.Split(till, "_")[1]
	turned := p.run(`mutation { rotateApiKey(id: "` + tillID + `") { key } }`)
	p.run(`mutation { updateApiKey(id: "` + tillID + `", input: {scopes: ["*"], plan: "gold", addresses: ["10.0.0.0/8"]}) { id } }`)
	p.run(`mutation { updateApiKey(id: "` + tillID + `", input: {name: ""}) { id } }`)
	p.run(`mutation { revokeApiKey(id: "` + till + `") { id } }`)
	lines := readAudit(t, path, secretOf(boss), secretOf(till), secretOf(member(t, turned, "rotateApiKey", "key")), adminKey)
	wantAudit(t, lines,
		"key.create "+id+" ok name <nil>→Boss, consumer <nil>→boss, subject <nil>→ann, scopes <nil>→[admin], secretNumber <nil>→1",
		"key.create "+tillID+" ok name <nil>→Till, consumer <nil>→till, secretNumber <nil>→1",
		"key.rotate "+tillID+" ok secretNumber 1→2",
		"key.update "+tillID+" ok scopes <nil>→[*], plan <nil>→gold, addresses <nil>→[10.0.0.0/8]",
		"key.update "+tillID+" BAD_USER_INPUT",
		"key.revoke  BAD_USER_INPUT",
	)
	if got, want := fmt.Sprint(lines[0].Actor), "map[address:127.0.0.1 consumer:operations via:api]"; got != want {
		t.Errorf("the actor is %s, want %s", got, want)
	}
	if got, want := fmt.Sprint(lines[1].Actor), "map[address:127.0.0.1 consumer:boss key:"+id+" subject:ann via:api]"; got != want {
		t.Errorf("the actor is %s, want %s", got, want)
	}
}

func TestWithoutAFileTheAuditStandsInTheLog(t *testing.T) {
	p := start(t, "--log-level", "error")
	key := member(t, p.run(`mutation { createApiKey(input: {name: "x", consumer: "x"}) { key } }`), "createApiKey", "key")
	p.until("the log has it", func() bool {
		return strings.Contains(p.printed(), "msg=audit audit.action=key.create audit.object="+strings.Split(key, "_")[1])
	})
	if strings.Contains(p.printed(), secretOf(key)) {
		t.Error("the log has the key's secret")
	}
}

func TestPlansThatAreReadAgainAreAudited(t *testing.T) {
	file := filepath.Join(t.TempDir(), "sluice.yaml")
	path := filepath.Join(t.TempDir(), "audit.log")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("default-plan: free\nplans:\n  free: {tick: {events: 10, per: DAY}, sessions: 5}\n  old: {}\n")
	c, err := load(t, []string{"--config", file, "--audit-log", path}, nil, "")
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	quiet := slog.New(slog.NewTextHandler(&log, nil))
	a, err := newAudit(c, quiet)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = a.Close() }()
	var refuse error
	w := &planWatch{config: c, set: func(*limits.Plans) error { return refuse }, audit: a, log: quiet}
	w.reload(t.Context())
	write("default-plan: gold\nplans:\n  free: {tick: [{events: 10, per: DAY}, {events: 1, per: SLIDING_SECOND, rate: 2.5}], sessions: unlimited}\n" +
		"  gold: {tick: {events: unlimited, duration: unlimited, rate: unlimited}, postpaid: true, unrecorded: stop}\n")
	w.reload(t.Context())
	write("default-plan: gold\nplans:\n  gold: {tick: {duration: 1h}, operations: 3}\n")
	refuse = errors.New("no such field")
	w.reload(t.Context())
	refuse = nil
	w.reload(t.Context())
	write("keys: hunter2")
	w.reload(t.Context())
	gold := "map[postpaid:true tick:events: unlimited, duration: unlimited, rate: unlimited unrecorded:stop]"
	limited := "map[sessions:unlimited tick:events: 10 per DAY, events: 1 per SLIDING_SECOND, rate: 2.5]"
	wantAudit(t, readAudit(t, path, "hunter2"),
		"plans.reload "+file+" ok",
		"plans.reload "+file+" ok default-plan free→gold, plans.free map[sessions:5 tick:events: 10 per DAY]→"+limited+
			", plans.gold <nil>→"+gold+", plans.old map[]→<nil>",
		"plans.reload "+file+" BAD_USER_INPUT",
		"plans.reload "+file+" ok plans.free "+limited+"→<nil>, plans.gold "+gold+"→map[operations:3 tick:duration: 1h0m0s]",
		"plans.reload "+file+" BAD_USER_INPUT",
	)
	if a.Failed() != 0 {
		t.Errorf("%d entries failed", a.Failed())
	}
	if _, err := newAudit(&Config{AuditLog: "/no/such/folder/audit.log"}, quiet); err == nil || !strings.Contains(err.Error(), "audit-log") {
		t.Errorf("a log that cannot be: %v", err)
	}
}

package audit

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func open(t *testing.T, path string, log *slog.Logger) *Log {
	t.Helper()
	l, err := Open(Options{File: path, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

var (
	noon  = time.Date(2026, time.November, 21, 13, 0, 0, 123_456_789, time.FixedZone("", 3600))
	admin = Actor{
		Via: "api", Issuer: "https://id.example", Consumer: "operations", Subject: "ann", Key: "aaaaaaaaaaaaaaaa",
		Address: netip.MustParseAddr("192.0.2.7"),
	}
)

func TestEntries(t *testing.T) {
	for _, c := range []struct {
		name  string
		entry Entry
		json  string
		text  string // in a log
	}{
		{
			"everything",
			Entry{Time: noon, Action: "key.update", Object: "bbbbbbbbbbbbbbbb", Actor: admin, Changes: []Change{
				{Field: "scopes", Old: []string{"a"}, New: []string{"a", "b"}}, {Field: "plan", Old: nil, New: "gold"},
			}},
			`{"time":"2026-11-21T12:00:00.123Z","action":"key.update","object":"bbbbbbbbbbbbbbbb","actor":{"via":"api","issuer":"https://id.example",` +
				`"consumer":"operations","subject":"ann","key":"aaaaaaaaaaaaaaaa","address":"192.0.2.7"},"changes":[{"field":"scopes","old":["a"],"new":["a","b"]},` +
				`{"field":"plan","old":null,"new":"gold"}],"result":"ok"}`,
			`time=2026-11-21T12:00:00.123Z level=INFO msg=audit audit.action=key.update audit.object=bbbbbbbbbbbbbbbb audit.actor.via=api ` +
				`audit.actor.issuer=https://id.example audit.actor.consumer=operations audit.actor.subject=ann audit.actor.key=aaaaaaaaaaaaaaaa ` +
				`audit.actor.address=192.0.2.7 audit.changes.scopes.old=[a] audit.changes.scopes.new="[a b]" audit.changes.plan.old=<nil> ` +
				`audit.changes.plan.new=gold audit.result=ok`,
		},
		{
			"little, and a refusal",
			Entry{Time: noon, Action: "key.revoke", Actor: Actor{Via: "cli", User: "root"}, Result: "BAD_USER_INPUT"},
			`{"time":"2026-11-21T12:00:00.123Z","action":"key.revoke","actor":{"via":"cli","user":"root"},"result":"BAD_USER_INPUT"}`,
			`time=2026-11-21T12:00:00.123Z level=INFO msg=audit audit.action=key.revoke audit.actor.via=cli audit.actor.user=root audit.result=BAD_USER_INPUT`,
		},
		{
			"a name with a line end is one line",
			Entry{Time: noon, Action: "operation.end", Actor: Actor{Via: "api", Consumer: "a\nb\xff"}},
			`{"time":"2026-11-21T12:00:00.123Z","action":"operation.end","actor":{"via":"api","consumer":"a\nb\ufffd"},"result":"ok"}`,
			`time=2026-11-21T12:00:00.123Z level=INFO msg=audit audit.action=operation.end audit.actor.via=api audit.actor.consumer="a\nb\xff" audit.result=ok`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "audit.log")
			var lines bytes.Buffer
			least := &slog.HandlerOptions{Level: slog.LevelError}
			log := slog.New(slog.NewTextHandler(&lines, least))
			open(t, path, log).Note(t.Context(), c.entry)
			if got := read(t, path); got != c.json+"\n" || lines.Len() > 0 {
				t.Errorf("the file has\n%s, want\n%s\nand the log has %q", got, c.json, &lines)
			}
			open(t, "", log).Note(t.Context(), c.entry)
			if lines.String() != c.text+"\n" {
				t.Errorf("the log has\n%s, want\n%s", &lines, c.text)
			}
			lines.Reset()
			open(t, "", slog.New(slog.NewJSONHandler(&lines, least))).Note(t.Context(), c.entry)
			if !json.Valid(lines.Bytes()) || !strings.Contains(lines.String(), `"audit":{"action":`) {
				t.Errorf("the log in JSON has %s", &lines)
			}
		})
	}
}

func TestTheFileIsItsOwnersAndGrows(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	for range 2 {
		l := open(t, path, nil)
		l.Note(t.Context(), Entry{Action: "key.create"})
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if n := strings.Count(read(t, path), "\n"); n != 2 {
		t.Errorf("there are %d lines, want 2", n)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file has %v (%v)", info.Mode(), err)
	}
	if _, err := Open(Options{File: filepath.Join(path, "under", "a", "file")}); err == nil {
		t.Error("a file that cannot be is opened")
	}
}

func TestAFileThatWasMovedIsMadeAnew(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	synctest.Test(t, func(t *testing.T) {
		l := open(t, path, nil)
		note := func(action string) { l.Note(t.Context(), Entry{Action: action}) }
		note("one")
		if err := os.Rename(path, path+".1"); err != nil {
			t.Fatal(err)
		}
		note("two") // it is looked for once a second only
		time.Sleep(look)
		note("three")
		note("four")
		if old, fresh := read(t, path+".1"), read(t, path); strings.Count(old, "\n") != 2 || !strings.Contains(old, "two") ||
			strings.Count(fresh, "\n") != 2 || !strings.Contains(fresh, "four") {
			t.Errorf("the old file has\n%sthe new one has\n%s", old, fresh)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		time.Sleep(look)
		note("five")
		if got := read(t, path); !strings.Contains(got, "five") || l.Failed() != 0 {
			t.Errorf("after it was removed it has %q, and %d entries failed", got, l.Failed())
		}
	})
}

func TestWhatTheFileDoesNotTakeStandsInTheLog(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "logs")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		var lines bytes.Buffer
		l := open(t, filepath.Join(folder, "audit.log"), slog.New(slog.NewTextHandler(&lines, nil)))
		if err := os.RemoveAll(folder); err != nil {
			t.Fatal(err)
		}
		time.Sleep(look)
		for range 2 {
			l.Note(t.Context(), Entry{Action: "key.create", Object: "lost"})
		}
		if n := strings.Count(lines.String(), "audit.object=lost"); n != 2 || l.Failed() != 2 || !strings.Contains(lines.String(), "level=ERROR") {
			t.Errorf("%d entries failed, and the log has\n%s", l.Failed(), &lines)
		}
		if err := os.Mkdir(folder, 0o700); err != nil {
			t.Fatal(err)
		}
		l.Note(t.Context(), Entry{Action: "key.create", Object: "kept"})
		if got := read(t, filepath.Join(folder, "audit.log")); !strings.Contains(got, "kept") || l.Failed() != 2 {
			t.Errorf("when it is back it has %q", got)
		}
		for range 2 {
			if err := l.Close(); err != nil {
				t.Error(err)
			}
		}
		l.Note(t.Context(), Entry{Action: "key.create", Object: "late"})
		if !strings.Contains(lines.String(), "audit.object=late") {
			t.Error("what is noted after Close is nowhere")
		}
	})
}

// A disk that was full when a line was half written.
func TestBehindALineThatBrokeOffANewOneBegins(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	l := open(t, path, nil)
	if _, err := l.file.open.WriteString(`{"time":"20`); err != nil {
		t.Fatal(err)
	}
	l.file.torn = true
	for range 2 {
		l.Note(t.Context(), Entry{Action: "key.create"})
	}
	lines := strings.Split(read(t, path), "\n")
	if len(lines) != 4 || !json.Valid([]byte(lines[1])) || !json.Valid([]byte(lines[2])) {
		t.Errorf("the lines are %q", lines)
	}
}

func TestLinesOfManyAreWhole(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	const processes, each = 4, 50
	var noting sync.WaitGroup
	for range processes {
		l := open(t, path, nil)
		noting.Go(func() {
			for range each {
				l.Note(t.Context(), Entry{Action: "key.create", Object: strings.Repeat("x", 5000)})
			}
		})
	}
	noting.Wait()
	lines := strings.Split(strings.TrimSpace(read(t, path)), "\n")
	for _, line := range lines {
		if !json.Valid([]byte(line)) {
			t.Fatalf("a line is %.100s…", line)
		}
	}
	if len(lines) != processes*each {
		t.Errorf("there are %d lines, want %d", len(lines), processes*each)
	}
}

func TestNoLogTakesEverything(t *testing.T) {
	var l *Log
	l.Note(t.Context(), Entry{Action: "key.create"})
	if err := l.Close(); err != nil || l.Failed() != 0 {
		t.Errorf("closing: %v, %d failed", err, l.Failed())
	}
}

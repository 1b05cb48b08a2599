package pgtest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// in runs statements in the database of a URL on the shared server.
func in(t *testing.T, database, text string) string {
	t.Helper()
	u, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	p, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	out, err := p.sql(path.Base(u.Path), text)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestEveryTestHasADatabaseOfItsOwn(t *testing.T) {
	var inner string
	t.Run("inner", func(t *testing.T) {
		inner = Start(t)
		in(t, inner, `CREATE TABLE things ()`)
	})
	outer := Start(t)
	if got := in(t, outer, `SELECT count(*) FROM pg_tables WHERE schemaname = 'public'`); got != "0" || outer == inner {
		t.Errorf("%s has %s tables after %s", outer, got, inner)
	}
	if got := in(t, outer, `SELECT count(*) FROM pg_database WHERE datname LIKE 'test%'`); got != "1" {
		t.Errorf("there are %s databases: the one of a test that has ended was not dropped", got)
	}
}

func TestTheServerSortsAsPeopleDoAndCanReplicate(t *testing.T) {
	database := Start(t)
	for _, c := range []struct{ query, want string }{
		{`SELECT string_agg(x, '' ORDER BY x) FROM unnest(ARRAY['B', 'a', 'C']) x`, "aBC"},
		{`SHOW wal_level`, "logical"},
		{`SHOW max_replication_slots`, "10"},
		{`SHOW max_wal_senders`, "10"},
		{`SHOW fsync`, "off"},
	} {
		if got := in(t, database, c.query); got != c.want {
			t.Errorf("%s: %s, want %s", c.query, got, c.want)
		}
	}
}

func TestOptionsAreTheDatabases(t *testing.T) {
	database := Start(t, "TEMPLATE template0", "ENCODING 'LATIN1'", "LOCALE_PROVIDER libc")
	if got := in(t, database, `SHOW server_encoding`); got != "LATIN1" {
		t.Errorf("the encoding is %s", got)
	}
}

func TestAServerSurvivesItsCrash(t *testing.T) {
	s := StartServer(t, "max_connections=7")
	before := s.URL()
	s.SQL(`CREATE TABLE things (n int); INSERT INTO things VALUES (7)`)
	s.Kill()
	s.Kill()
	if _, err := s.process.sql(first, `SELECT 1`); err == nil {
		t.Error("a killed server answers")
	}
	s.Restart()
	if got := s.SQL(`SELECT n FROM things; SHOW max_connections`); got != "7\n7" || s.URL() != before {
		t.Errorf("%s has %q after the crash, was %s", s.URL(), got, before)
	}
}

func TestAFrozenServerKeepsItsConnectionsAndAnswersLater(t *testing.T) {
	s := StartServer(t)
	s.Stop()
	answer := make(chan error, 1)
	go func() {
		_, err := s.process.sql(first, `SELECT 1`)
		answer <- err
	}()
	select {
	case err := <-answer:
		t.Errorf("a frozen server answers: %v", err)
	case <-time.After(300 * time.Millisecond): // nothing is waited for: only that nothing comes
	}
	s.Cont()
	if err := <-answer; err != nil {
		t.Error(err)
	}
}

const childVariable = "PGTEST_CHILD"

// A child of the next test: it starts a server, freezes it, and waits to be killed.
func TestChild(t *testing.T) {
	if os.Getenv(childVariable) == "" {
		return
	}
	s := StartServer(t)
	s.Stop()
	fmt.Printf("\nserver %s %d\n", s.process.folder, s.process.port)
	_, _ = io.Copy(io.Discard, os.Stdin) // which ends should the next test be killed itself
}

func TestAServerDoesNotOutliveItsTestProcess(t *testing.T) {
	child := exec.Command(os.Args[0], "-test.run", "^TestChild$")
	child.Env = append(os.Environ(), childVariable+"=1")
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := child.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	folder, port := "", ""
	for lines := bufio.NewScanner(out); port == "" && lines.Scan(); {
		if words := strings.Fields(lines.Text()); len(words) == 3 && words[0] == "server" {
			folder, port = words[1], words[2]
		}
	}
	_ = child.Process.Kill()
	_ = child.Wait() // says that it was killed
	if port == "" {
		t.Fatal("the child has started no server")
	}
	err = poll(func() error {
		if _, err := os.Stat(folder); !errors.Is(err, fs.ErrNotExist) {
			return errors.New("the folder is still there")
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	if conn, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", port)); err == nil {
		_ = conn.Close()
		t.Error("the server still listens")
	}
}

func TestTheNewestProgramsAreTaken(t *testing.T) {
	if old, recent := version("/usr/lib/postgresql/9/bin/initdb"), version("/usr/lib/postgresql/15/bin/initdb"); old != 9 || recent != 15 {
		t.Errorf("the versions are %d and %d", old, recent)
	}
}

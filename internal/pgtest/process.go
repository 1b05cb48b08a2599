package pgtest

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// startTimeout is generous: test machines are slow at times.
const startTimeout = 30 * time.Second

// guard runs a server until its standard input ends, which it also does when the test process dies.
// Then it stops the server, and removes the folder unless it was told to keep it.
const guard = `folder=$1; shift
"$@" &
read -r last
kill -QUIT $! 2>/dev/null; kill -CONT $! 2>/dev/null; wait $!
[ "$last" = keep ] || rm -rf "$folder"`

// settings are for speed, and for logical replication.
var settings = []string{
	"listen_addresses=127.0.0.1", "unix_socket_directories=",
	"fsync=off", "full_page_writes=off", "shared_buffers=32MB",
	"wal_level=logical", "max_replication_slots=10", "max_wal_senders=10",
}

// A process is a server and its folder.
type process struct {
	programs string
	owner    *syscall.Credential
	folder   string
	port     int
	settings []string

	guard *exec.Cmd // nil while the server does not run
	leash io.WriteCloser
}

// start makes a server and returns when it answers.
func start(extra ...string) (*process, error) {
	p := &process{settings: append(settings[:len(settings):len(settings)], extra...)}
	for _, step := range []func() error{p.find, p.makeFolder, p.initialise, p.run} {
		if err := step(); err != nil {
			p.stop()
			return nil, err
		}
	}
	return p, nil
}

func (p *process) find() (err error) {
	if p.programs, err = programs(); err != nil {
		return err
	}
	p.owner, err = owner()
	return err
}

func (p *process) makeFolder() (err error) {
	if p.folder, err = os.MkdirTemp("", "pgtest"); err != nil || p.owner == nil {
		return err
	}
	return os.Chown(p.folder, int(p.owner.Uid), int(p.owner.Gid))
}

// initialise makes the cluster. People's order of text, en-US, is not that of bytes: a query that
// needs the latter must say so.
func (p *process) initialise() error {
	initdb := p.command("initdb", "--pgdata", p.data(), "--no-sync", "--username", "postgres", "--auth", "trust",
		"--encoding", "UTF8", "--locale", "C", "--locale-provider", "icu", "--icu-locale", "en-US")
	if out, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, out)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0") // a port that nobody listens on
	if err != nil {
		return err
	}
	p.port = l.Addr().(*net.TCPAddr).Port
	return l.Close()
}

// run starts the server in its folder, on its port.
func (p *process) run() error {
	log, err := os.OpenFile(p.log(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	args := []string{"-c", guard, "guard", p.folder, filepath.Join(p.programs, "postgres"), "-D", p.data(), "-p", strconv.Itoa(p.port)}
	for _, s := range p.settings {
		args = append(args, "-c", s)
	}
	g := p.command("/bin/sh", args...)
	g.Stdout, g.Stderr = log, log // not the test's, which would wait for them
	// In a session of its own it gets no signal of the terminal, nor that which the kernel sends to a
	// group with a frozen process when the test is gone.
	g.SysProcAttr.Setsid = true
	leash, err := g.StdinPipe()
	if err != nil {
		return err
	}
	if err := g.Start(); err != nil {
		return err
	}
	p.guard, p.leash = g, leash
	return p.awaitAnswer()
}

func (p *process) awaitAnswer() error {
	err := poll(func() error {
		_, err := p.sql(first, `SELECT 1`)
		return err
	})
	if err != nil {
		text, _ := os.ReadFile(p.log())
		return fmt.Errorf("the server does not answer: %w\n%s", err, text)
	}
	return nil
}

// stop ends the server and removes its folder.
func (p *process) stop() {
	p.end("")
	if p.folder != "" {
		_ = os.RemoveAll(p.folder) // if the guard has not
	}
}

// end has the guard end the server, with a last word for it.
func (p *process) end(last string) {
	if p.guard == nil {
		return
	}
	_, _ = io.WriteString(p.leash, last)
	_ = p.leash.Close()
	_ = p.guard.Wait() // says how the server ended
	p.guard = nil
}

// command prepares one of PostgreSQL's programs, to run as the owner and with no one's environment.
func (p *process) command(program string, args ...string) *exec.Cmd {
	if !filepath.IsAbs(program) {
		program = filepath.Join(p.programs, program)
	}
	c := exec.Command(program, args...)
	c.Dir = p.folder // the owner may not be able to enter the test's
	c.Env = []string{"PATH=/usr/bin:/bin", "LC_ALL=C"}
	c.SysProcAttr = &syscall.SysProcAttr{Credential: p.owner}
	return c
}

// first is the database that every server has.
const first = "postgres"

// sql runs statements in a database, and returns the rows as text, with | between the columns.
func (p *process) sql(database, text string) (string, error) {
	psql := p.command("psql", "--no-psqlrc", "--quiet", "--no-align", "--tuples-only", "--dbname", p.url(database))
	psql.Stdin = strings.NewReader("\\set ON_ERROR_STOP 1\n" + text)
	out, err := psql.CombinedOutput()
	if err != nil {
		return "", errors.New(strings.TrimSpace(string(out)))
	}
	return strings.TrimSpace(string(out)), nil
}

func (p *process) url(database string) string {
	return fmt.Sprintf("postgres://postgres@127.0.0.1:%d/%s?sslmode=disable", p.port, database)
}

func (p *process) data() string { return filepath.Join(p.folder, "data") }

func (p *process) log() string { return filepath.Join(p.folder, "log") }

// poll calls try until it returns nil, and returns its last error when that takes too long.
func poll(try func() error) error {
	deadline := time.Now().Add(startTimeout)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		err := try()
		if err == nil {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("after %v: %w", startTimeout, err)
		}
		<-tick.C
	}
}

package pgtest

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// A Server is a server of one test alone, which may freeze it, kill it and start it again. Its
// methods fail the test rather than return errors, and are for the test's own goroutine.
type Server struct {
	t       testing.TB
	process *process
}

// StartServer runs a server with extra settings, such as "max_connections=5". It returns when the
// server answers.
func StartServer(t testing.TB, settings ...string) *Server {
	t.Helper()
	p, err := start(settings...)
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	s := &Server{t: t, process: p}
	t.Cleanup(func() {
		s.Cont() // what is frozen does not stop
		p.stop()
	})
	return s
}

// URL returns the URL of the server's only database.
func (s *Server) URL() string { return s.process.url(first) }

// SQL runs statements and returns the rows as text, with | between the columns.
func (s *Server) SQL(text string) string {
	s.t.Helper()
	out, err := s.process.sql(first, text)
	if err != nil {
		s.t.Fatalf("pgtest: %v", err)
	}
	return out
}

// Stop freezes the server: its connections stay open and nothing answers.
func (s *Server) Stop() { s.t.Helper(); s.signal(syscall.SIGSTOP) }

// Cont ends Stop. It does nothing to a server that was killed.
func (s *Server) Cont() {
	s.t.Helper()
	if s.process.guard != nil {
		s.signal(syscall.SIGCONT)
	}
}

// Kill ends the server at once, as a crash does. Killing it again does nothing.
func (s *Server) Kill() {
	s.t.Helper()
	if s.process.guard == nil {
		return
	}
	family := s.signal(syscall.SIGKILL)
	s.process.end("keep\n")
	for _, pid := range family {
		s.awaitEnd(pid) // while one lives, no new server would start in the folder
	}
}

// Restart starts the server on its old port, with what it had; one that runs is killed first.
func (s *Server) Restart() {
	s.t.Helper()
	s.Kill()
	if err := s.process.run(); err != nil {
		s.t.Fatalf("pgtest: %v", err)
	}
}

// signal reaches the server and its children, each of which answers one connection or does a duty of
// its own.
func (s *Server) signal(signal syscall.Signal) (family []string) {
	s.t.Helper()
	text, err := os.ReadFile(filepath.Join(s.process.data(), "postmaster.pid"))
	if err != nil {
		s.t.Fatalf("pgtest: %v", err)
	}
	parent, _, _ := strings.Cut(string(text), "\n")
	s.send(parent, syscall.SIGSTOP) // or it would make more children, or be gone before they are known
	children, err := os.ReadFile(fmt.Sprintf("/proc/%[1]s/task/%[1]s/children", parent))
	if err != nil {
		s.t.Fatalf("pgtest: %v", err)
	}
	family = append(strings.Fields(string(children)), parent)
	for _, pid := range family {
		s.send(pid, signal)
	}
	return family
}

func (s *Server) send(pid string, signal syscall.Signal) {
	s.t.Helper()
	n, err := strconv.Atoi(pid)
	if err == nil {
		err = syscall.Kill(n, signal)
	}
	if err != nil && !errors.Is(err, syscall.ESRCH) { // one that has just ended
		s.t.Fatalf("pgtest: %v: %v", signal, err)
	}
}

func (s *Server) awaitEnd(pid string) {
	s.t.Helper()
	err := poll(func() error {
		state, err := os.ReadFile("/proc/" + pid + "/stat")
		if errors.Is(err, fs.ErrNotExist) || strings.Contains(string(state), ") Z ") {
			return nil
		}
		return fmt.Errorf("process %s has not ended", pid)
	})
	if err != nil {
		s.t.Fatalf("pgtest: %v", err)
	}
}

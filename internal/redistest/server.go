// Package redistest starts real Redis servers for tests.
//
// A server listens on a free port of the loopback interface, keeps its files in the test's own
// directory, saves nothing, and is gone when the test ends. A missing redis-server fails the test
// and says how to install it; nothing is skipped. The package knows no Redis client library.
package redistest

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// startTimeout is generous: test machines are slow at times.
const startTimeout = 20 * time.Second

// A Server is one running redis-server. Its methods fail the test rather than return errors, and
// are for the test's own goroutine.
type Server struct {
	t       testing.TB
	port    int
	dir     string
	args    []string
	config  string // a configuration file, if it has one
	scheme  string
	command *exec.Cmd // nil while it is killed
}

// Start runs redis-server with extra arguments, one word each, such as "--maxmemory", "10mb", or
// "--user", "alice", "on", ">secret", "~*", "&*", "+@all". It returns when the server answers.
func Start(t testing.TB, args ...string) *Server {
	t.Helper()
	s := New(t, args...)
	s.Restart()
	return s
}

// New reserves a port and starts nothing: Restart does. It is for tests in which Redis comes late.
func New(t testing.TB, args ...string) *Server {
	t.Helper()
	s := &Server{t: t, port: freePort(t), dir: t.TempDir(), args: args, scheme: "redis"}
	t.Cleanup(s.Kill)
	return s
}

// Addr returns host:port.
func (s *Server) Addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)) }

// Port returns the port alone.
func (s *Server) Port() int { return s.port }

// URL returns redis://host:port, or rediss for a server of StartTLS.
func (s *Server) URL() string { return s.scheme + "://" + s.Addr() }

// Stop freezes the server: its connections stay open and nothing answers.
func (s *Server) Stop() { s.t.Helper(); s.signal(syscall.SIGSTOP) }

// Cont ends Stop.
func (s *Server) Cont() { s.t.Helper(); s.signal(syscall.SIGCONT) }

// Kill ends the server at once, frozen or not. Killing it again does nothing.
func (s *Server) Kill() {
	if s.command == nil {
		return
	}
	_ = s.command.Process.Kill()
	_ = s.command.Wait() // says that it was killed
	s.command = nil
}

// Restart starts the server on its old port, empty; one that runs is killed first.
func (s *Server) Restart() {
	s.t.Helper()
	s.Kill()
	path, err := exec.LookPath("redis-server")
	if err != nil {
		s.t.Fatal("redistest: no redis-server; install it: apt-get install redis-server")
	}
	log, err := os.Create(filepath.Join(s.dir, "redis.log"))
	if err != nil {
		s.t.Fatalf("redistest: %v", err)
	}
	defer func() { _ = log.Close() }()
	s.command = exec.Command(path, s.arguments()...)
	s.command.Dir = s.dir
	s.command.Stdout, s.command.Stderr = log, log
	if err := s.command.Start(); err != nil {
		s.command = nil
		s.t.Fatalf("redistest: start redis-server: %v", err)
	}
	s.awaitAnswer()
}

func (s *Server) arguments() []string {
	port := "--port"
	if s.scheme == "rediss" {
		port = "--tls-port"
	}
	var args []string
	if s.config != "" {
		args = append(args, s.config)
	}
	// Extra arguments come last, where they win.
	args = append(args, port, strconv.Itoa(s.port), "--bind", "127.0.0.1", "--dir", s.dir, "--save", "", "--appendonly", "no")
	return append(args, s.args...)
}

// awaitAnswer waits until the server speaks the protocol; even an error is an answer.
func (s *Server) awaitAnswer() {
	s.t.Helper()
	err := Poll(startTimeout, func() error {
		_, err := s.try("PING")
		var reply replyError
		if errors.As(err, &reply) {
			return nil
		}
		return err
	})
	if err != nil {
		text, _ := os.ReadFile(filepath.Join(s.dir, "redis.log"))
		s.t.Fatalf("redistest: redis-server does not answer: %v\n%s", err, text)
	}
}

func (s *Server) signal(signal syscall.Signal) {
	s.t.Helper()
	if err := s.command.Process.Signal(signal); err != nil {
		s.t.Fatalf("redistest: %v: %v", signal, err)
	}
}

// Poll calls try until it returns nil, and returns its last error when that takes longer than limit.
func Poll(limit time.Duration, try func() error) error {
	deadline := time.Now().Add(limit)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		err := try()
		if err == nil {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("after %v: %w", limit, err)
		}
		<-tick.C
	}
}

// freePort returns a port that nobody listens on. The kernel hands out others for a while, so two
// tests do not get the same one.
func freePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("redistest: %v", err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port
}

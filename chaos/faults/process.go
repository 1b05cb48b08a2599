package faults

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// startTimeout is generous: a Redis reads its log first.
const startTimeout = 30 * time.Second

// A process is a program that is started again after it was killed. Its methods are for one goroutine.
type process struct {
	name        string
	path        string
	args        []string
	environment string // one variable more, with its value; or empty
	log         string // a file that it appends what it prints to
	command     *exec.Cmd
}

func (p *process) start() error {
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	p.command = exec.Command(p.path, p.args...)
	p.command.Stdout, p.command.Stderr = log, log
	if p.environment != "" {
		p.command.Env = append(os.Environ(), p.environment)
	}
	if err := p.command.Start(); err != nil {
		return fmt.Errorf("start %s: %w", p.name, err)
	}
	return nil
}

// kill ends it at once, stopped or not, and returns when it is gone.
func (p *process) kill() {
	if p.command == nil {
		return
	}
	_ = p.command.Process.Kill()
	_ = p.command.Wait() // says that it was killed
	p.command = nil
}

func (p *process) pid() int { return p.command.Process.Pid }

func (p *process) signal(s syscall.Signal) error {
	if err := p.command.Process.Signal(s); err != nil {
		return fmt.Errorf("%v to %s: %w", s, p.name, err)
	}
	return nil
}

// errLate says that something has not happened in time.
var errLate = errors.New("too late")

// poll calls try until it returns nil, for so long.
func poll(limit time.Duration, try func() error) error {
	deadline := time.Now().Add(limit)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		err := try()
		switch {
		case err == nil:
			return nil
		case time.Now().After(deadline):
			return fmt.Errorf("%w, after %v: %w", errLate, limit, err)
		}
		<-tick.C
	}
}

// freeAddress is a port of the loopback interface that nobody listens on.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String(), nil
}

// tail is the end of what a process has printed.
func (p *process) tail() string {
	f, err := os.Open(p.log)
	if err != nil {
		return err.Error()
	}
	defer func() { _ = f.Close() }()
	if end, err := f.Seek(0, io.SeekEnd); err == nil {
		_, _ = f.Seek(max(0, end-2000), io.SeekStart)
	}
	text, _ := io.ReadAll(f)
	return string(text)
}

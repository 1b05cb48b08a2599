package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// graceful is how long a process may take to end after SIGTERM before it is killed.
const graceful = 3 * time.Second

// A process is a child that runs until stop. It dies with this program, however this program ends.
type process struct {
	name string
	cmd  *exec.Cmd
	log  string
	done chan struct{} // closed when it has ended
}

func start(ctx context.Context, dir, name, path string, args ...string) (*process, error) {
	log, err := os.Create(filepath.Join(dir, name+".log"))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Dir = dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	p := &process{name: name, cmd: cmd, log: log.Name(), done: make(chan struct{})}
	go func() {
		_ = cmd.Wait() // how it ended is in its log
		close(p.done)
	}()
	return p, nil
}

func (p *process) pid() int { return p.cmd.Process.Pid }

// ready waits until the process accepts connections on port.
func (p *process) ready(ctx context.Context, port int) error {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	for {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			_ = conn.Close()
			time.Sleep(300 * time.Millisecond) // what it does at its start is not measured
			return nil
		}
		select {
		case <-p.done:
			return fmt.Errorf("%s ended at once%s", p.name, p.lastWords())
		case <-ctx.Done():
			return fmt.Errorf("%s does not listen on port %d%s", p.name, port, p.lastWords())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// stop ends the process and returns when it has.
func (p *process) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(graceful):
		_ = p.cmd.Process.Kill()
		<-p.done
	}
}

// lastWords is the end of the process' log.
func (p *process) lastWords() string {
	log, err := os.ReadFile(p.log)
	log = bytes.TrimSpace(log)
	if err != nil || len(log) == 0 {
		return ""
	}
	return "; its log ends: " + string(log[max(0, len(log)-600):])
}

// output runs a program to its end and gives what it printed.
func output(ctx context.Context, path string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	var printed, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &printed, &said
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%w: %s", err, bytes.TrimSpace(said.Bytes()))
	}
	return strings.TrimSpace(printed.String() + said.String()), nil
}

func build(ctx context.Context, module, pkg, to string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-o", to, pkg)
	cmd.Dir = module
	if said, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build %s in %s: %w\n%s", pkg, module, err, said)
	}
	return nil
}

func startRedis(ctx context.Context, dir string) (*process, int, error) {
	path, err := exec.LookPath("redis-server")
	if err != nil {
		return nil, 0, fmt.Errorf("%w: install it, for example with apt-get install redis-server", err)
	}
	port, err := freePort()
	if err != nil {
		return nil, 0, err
	}
	p, err := start(ctx, dir, "redis", path, redisArgs(port, dir)...)
	if err != nil {
		return nil, 0, err
	}
	if err := p.ready(ctx, port); err != nil {
		p.stop()
		return nil, 0, err
	}
	return p, port, nil
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

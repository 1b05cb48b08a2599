package faults

import (
	"fmt"
	"os/exec"
	"syscall"
	"time"
)

// killGateway kills a node, and starts it again.
func (h *Harm) killGateway() error {
	g := h.anyGateway()
	h.progress(20)
	g.kill()
	h.hold(0, time.Second)
	return g.start()
}

// stopGateway has a node stand still, some times for so long that its clients give it up.
func (h *Harm) stopGateway() error {
	g := h.anyGateway()
	if err := g.signal(syscall.SIGSTOP); err != nil {
		return err
	}
	h.hold(500*time.Millisecond, 9*time.Second)
	return g.signal(syscall.SIGCONT)
}

// takeDescriptors leaves a node none for new connections while its clients want to come back.
func (h *Harm) takeDescriptors() error {
	g := h.anyGateway()
	if err := limitFiles(g.pid(), "16"); err != nil {
		return err
	}
	g.front.Cut()
	h.hold(time.Second, 3*time.Second)
	return limitFiles(g.pid(), "unlimited")
}

// limitFiles sets how many files a process may open. The hard limit stays what it was.
func limitFiles(pid int, n string) error {
	flag := "--nofile=" + n + ":"
	if n == "unlimited" {
		flag = fmt.Sprintf("--nofile=%d:", fileLimit())
	}
	if out, err := exec.Command("prlimit", "--pid", fmt.Sprint(pid), flag).CombinedOutput(); err != nil {
		return fmt.Errorf("prlimit: %w: %s", err, out)
	}
	return nil
}

// fileLimit is the most that this process may open, and its children too.
func fileLimit() uint64 {
	var l syscall.Rlimit
	_ = syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l) // it can not fail
	return l.Max
}

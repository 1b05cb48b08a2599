package redistest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// MasterName is what the sentinel calls its master.
const MasterName = "sluice"

// A Sentinel is a master, its replica, and one sentinel that promotes the replica about two seconds
// after the master has gone.
type Sentinel struct {
	Sentinel, Master, Replica *Server
}

// StartSentinel runs the three. It returns when the sentinel could fail over.
func StartSentinel(t testing.TB) *Sentinel {
	t.Helper()
	s := new(Sentinel)
	s.Master = Start(t, "--repl-diskless-sync-delay", "0")
	s.Replica = Start(t, "--replicaof", "127.0.0.1", strconv.Itoa(s.Master.port))
	s.until(t, "the replica follows", func() error {
		info, err := s.Replica.try("INFO", "replication")
		return found(info, "master_link_status:up", err)
	})
	s.Sentinel = New(t, "--sentinel")
	s.Sentinel.config = filepath.Join(s.Sentinel.dir, "sentinel.conf") // it insists on one, and writes to it
	text := fmt.Sprintf("sentinel monitor %[1]s 127.0.0.1 %[2]d 1\nsentinel down-after-milliseconds %[1]s 1000\nsentinel failover-timeout %[1]s 5000\n",
		MasterName, s.Master.port)
	if err := os.WriteFile(s.Sentinel.config, []byte(text), 0o600); err != nil {
		t.Fatalf("redistest: %v", err)
	}
	s.Sentinel.Restart()
	s.until(t, "the sentinel knows the replica", func() error {
		replicas, err := s.Sentinel.try("SENTINEL", "REPLICAS", MasterName)
		return found(replicas, "slave-priority\n100", err)
	})
	return s
}

// URL returns redis+sentinel:// with the sentinel's address and the master's name.
func (s *Sentinel) URL() string {
	return "redis+sentinel://" + s.Sentinel.Addr() + "/" + MasterName
}

func (s *Sentinel) until(t testing.TB, what string, try func() error) {
	t.Helper()
	if err := Poll(startTimeout, try); err != nil {
		t.Fatalf("redistest: waiting until %s: %v", what, err)
	}
}

func found(text, part string, err error) error {
	if err == nil && !strings.Contains(text, part) {
		err = errors.New(text)
	}
	return err
}

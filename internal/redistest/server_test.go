package redistest_test

import (
	"strings"
	"testing"

	"github.com/sluice-gateway/sluice/internal/redistest"
)

func TestAServerStartsEmptyAndRestartsOnItsPort(t *testing.T) {
	s := redistest.Start(t)
	s.Do("SET", "k", "v")
	addr := s.Addr()
	s.Restart()
	if s.Addr() != addr {
		t.Errorf("restarted at %s, was %s", s.Addr(), addr)
	}
	if got := s.Do("DBSIZE"); got != "0" {
		t.Errorf("%s keys survived", got)
	}
}

func TestExtraArgumentsReachTheServer(t *testing.T) {
	s := redistest.Start(t, "--maxmemory", "10mb", "--user", "alice", "on", ">secret", "~*", "&*", "+@all")
	if got := s.Do("CONFIG", "GET", "maxmemory"); got != "maxmemory\n10485760" {
		t.Errorf("maxmemory = %q", got)
	}
	if got := s.Do("ACL", "LIST"); !strings.Contains(got, "user alice on") {
		t.Errorf("no alice in %q", got)
	}
}

func TestTLS(t *testing.T) {
	s, _ := redistest.StartTLS(t)
	if got := s.Do("PING"); got != "PONG" || !strings.HasPrefix(s.URL(), "rediss://") {
		t.Errorf("%s answers %q", s.URL(), got)
	}
}

func TestClusterMovesASlot(t *testing.T) {
	c := redistest.StartCluster(t, 3)
	from := c.Owner("topic")
	to := (from + 1) % 3
	c.Move("topic", to)
	if got := c.Owner("topic"); got != to {
		t.Errorf("master %d has the slot, want %d", got, to)
	}
}

func TestSentinelKnowsItsMaster(t *testing.T) {
	s := redistest.StartSentinel(t)
	got := s.Sentinel.Do("SENTINEL", "GET-MASTER-ADDR-BY-NAME", redistest.MasterName)
	if want := strings.Replace(s.Master.Addr(), ":", "\n", 1); got != want {
		t.Errorf("master = %q, want %q", got, want)
	}
}

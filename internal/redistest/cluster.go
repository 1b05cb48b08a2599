package redistest

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
)

// slots is how many hash slots a Redis Cluster has.
const slots = 16384

// A Cluster is several masters that share the slots evenly.
type Cluster struct {
	Masters []*Server
}

// StartCluster runs a Redis Cluster of so many masters without replicas. It returns when every one
// of them finds the cluster healthy.
func StartCluster(t testing.TB, masters int, args ...string) *Cluster {
	t.Helper()
	c := new(Cluster)
	firstBus := ""
	for n := range masters {
		bus := strconv.Itoa(freePort(t)) // the usual one, port+10000, may be taken or out of range
		s := Start(t, append([]string{"--cluster-enabled", "yes", "--cluster-port", bus, "--cluster-node-timeout", "2000"}, args...)...)
		s.Do("CLUSTER", "SET-CONFIG-EPOCH", strconv.Itoa(n+1)) // or they would spend seconds agreeing on one
		s.Do("CLUSTER", "ADDSLOTSRANGE", strconv.Itoa(n*slots/masters), strconv.Itoa((n+1)*slots/masters-1))
		if n == 0 {
			firstBus = bus
		} else {
			s.Do("CLUSTER", "MEET", "127.0.0.1", strconv.Itoa(c.Masters[0].port), firstBus)
		}
		c.Masters = append(c.Masters, s)
	}
	for _, s := range c.Masters {
		if err := Poll(startTimeout, func() error { return healthy(s, masters) }); err != nil {
			t.Fatalf("redistest: cluster: %v", err)
		}
	}
	return c
}

func healthy(s *Server, masters int) error {
	info, err := s.try("CLUSTER", "INFO")
	if err != nil {
		return err
	}
	known := fmt.Sprintf("cluster_known_nodes:%d\r\n", masters)
	if !strings.Contains(info, "cluster_state:ok") || !strings.Contains(info, known) ||
		!strings.Contains(info, fmt.Sprintf("cluster_slots_ok:%d\r\n", slots)) {
		return fmt.Errorf("not healthy: %s", info)
	}
	return nil
}

// URL returns redis+cluster:// with the address of every master.
func (c *Cluster) URL() string {
	addresses := make([]string, len(c.Masters))
	for i, s := range c.Masters {
		addresses[i] = s.Addr()
	}
	return "redis+cluster://" + strings.Join(addresses, ",")
}

// Owner returns the index of the master that serves the slot of channel.
func (c *Cluster) Owner(channel string) int {
	slot := c.slot(channel)
	for i, s := range c.Masters {
		nodes := s.Do("CLUSTER", "NODES")
		for line := range strings.SplitSeq(nodes, "\n") {
			fields := strings.Fields(line)
			if len(fields) > 8 && strings.Contains(fields[2], "myself") && holds(fields[8:], slot) {
				return i
			}
		}
	}
	return -1
}

// Move gives the slot of channel to another master, as resharding does.
func (c *Cluster) Move(channel string, to int) {
	slot := strconv.Itoa(c.slot(channel))
	id := c.Masters[to].Do("CLUSTER", "MYID")
	// The new owner first, as redis-cli does, so that the slot is never without one.
	c.Masters[to].Do("CLUSTER", "SETSLOT", slot, "NODE", id)
	for i, s := range c.Masters {
		if i != to {
			s.Do("CLUSTER", "SETSLOT", slot, "NODE", id)
		}
	}
}

// Migrate gives the slot of some keys to another master, and moves the keys with it. All have one slot.
func (c *Cluster) Migrate(to int, keys ...string) {
	from := c.Owner(keys[0])
	source, target, slot := c.Masters[from], c.Masters[to], strconv.Itoa(c.slot(keys[0]))
	target.Do("CLUSTER", "SETSLOT", slot, "IMPORTING", source.Do("CLUSTER", "MYID"))
	source.Do("CLUSTER", "SETSLOT", slot, "MIGRATING", target.Do("CLUSTER", "MYID"))
	source.Do(append([]string{"MIGRATE", "127.0.0.1", strconv.Itoa(target.port), "", "0", "5000", "KEYS"}, keys...)...)
	c.Move(keys[0], to)
}

func (c *Cluster) slot(channel string) int {
	slot, _ := strconv.Atoi(c.Masters[0].Do("CLUSTER", "KEYSLOT", channel))
	return slot
}

// holds reports whether slot is in ranges such as "0-5460" and "7000".
func holds(ranges []string, slot int) bool {
	for _, text := range ranges {
		from, to, isRange := strings.Cut(text, "-")
		first, err := strconv.Atoi(from)
		last := first
		if isRange {
			last, _ = strconv.Atoi(to)
		}
		if err == nil && first <= slot && slot <= last {
			return true
		}
	}
	return false
}

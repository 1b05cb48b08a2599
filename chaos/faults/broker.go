package faults

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// killRedis kills the master under load, and starts it again with its append-only file.
func (h *Harm) killRedis() error {
	h.progress(20)
	h.redis.kill()
	h.hold(0, 500*time.Millisecond)
	return h.redis.start()
}

// stopRedis has the master stand still: its connections stay open, and nothing answers.
func (h *Harm) stopRedis() error {
	if err := h.redis.signal(syscall.SIGSTOP); err != nil {
		return err
	}
	h.hold(500*time.Millisecond, 5*time.Second)
	return h.redis.signal(syscall.SIGCONT)
}

// failOver kills the master when its replica has not heard the last of it, and makes the replica the master.
// What was the master becomes the replica's replica.
func (h *Harm) failOver() error {
	if err := h.replica.awaitLink(); err != nil {
		return err
	}
	defer h.sendAway()()
	h.lagBehind()
	h.progress(50)
	h.redis.kill()
	h.lag.Cut()
	if _, err := h.replica.do("REPLICAOF", "NO", "ONE"); err != nil {
		return err
	}
	h.redis, h.replica = h.replica, h.redis
	h.redis.of, h.replica.of = "", h.lag.Addr()
	for _, g := range h.gateways {
		g.back.Retarget(h.redis.addr)
		g.back.Cut()
	}
	h.lag.Retarget(h.redis.addr)
	h.lag.Heal()
	return h.replica.start()
}

// rollBack kills the master and starts it with files that are older than its last events.
func (h *Harm) rollBack() error {
	defer h.sendAway()()
	dump := filepath.Join(h.options.Data, "dump")
	if err := h.redis.dump(dump); err != nil {
		return err
	}
	h.progress(50)
	return h.redis.rollBack(dump)
}

// killPubSub ends all connections that subscribe.
func (h *Harm) killPubSub() error {
	for range 3 {
		if _, err := h.redis.do("CLIENT", "KILL", "TYPE", "pubsub"); err != nil {
			return err
		}
		h.hold(10*time.Millisecond, 300*time.Millisecond)
	}
	return nil
}

// overflowPubSub has Redis end all connections that subscribe, for they have more to read than it keeps.
func (h *Harm) overflowPubSub() error {
	const limit, probes = "client-output-buffer-limit", "sluice.probe."
	before, err := h.subscribers()
	if err != nil {
		return err
	}
	if _, err := h.redis.do("CONFIG", "SET", limit, "pubsub 16384 16384 1"); err != nil {
		return err
	}
	channels, err := h.redis.do("PUBSUB", "CHANNELS", probes+"*")
	for _, channel := range channels.texts() {
		if err == nil {
			_, err = h.redis.do("PUBLISH", channel, strings.Repeat("too much ", 1<<15))
		}
	}
	_, back := h.redis.do("CONFIG", "SET", limit, "pubsub 33554432 8388608 60")
	if err = errors.Join(err, back); err != nil {
		return err
	}
	return poll(5*time.Second, func() error {
		after, err := h.subscribers()
		if err == nil && slices.ContainsFunc(after, func(id string) bool { return slices.Contains(before, id) }) {
			err = fmt.Errorf("connections that subscribe have survived")
		}
		return err
	})
}

// subscribers are the ids of the connections that subscribe.
func (h *Harm) subscribers() (ids []string, err error) {
	a, err := h.redis.do("CLIENT", "LIST", "TYPE", "pubsub")
	for line := range strings.Lines(a.text) {
		id, _, _ := strings.Cut(line, " ")
		ids = append(ids, id)
	}
	return ids, err
}

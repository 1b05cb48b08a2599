package faults

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// A redis is a redis-server with an append-only file.
type redis struct {
	process
	addr, dir, fsync string
	of               string // host:port of its master; empty: it is one
}

// newRedis makes the folder of one, and starts nothing.
func newRedis(o Options, name string) (*redis, error) {
	path, err := exec.LookPath("redis-server")
	if err != nil {
		return nil, fmt.Errorf("there is no redis-server; install it: apt-get install redis-server")
	}
	r := &redis{dir: filepath.Join(o.Data, name), fsync: o.Fsync}
	if r.addr, err = freeAddress(); err != nil {
		return nil, err
	}
	r.process = process{name: name, path: path, log: filepath.Join(o.Dir, name+".log")}
	return r, os.MkdirAll(r.dir, 0o700)
}

// start returns when it has read its files and answers.
func (r *redis) start() error {
	_, port, _ := net.SplitHostPort(r.addr)
	r.args = []string{
		"--port", port, "--bind", "127.0.0.1", "--dir", r.dir, "--save", "", "--appendonly", "yes", "--appendfsync", r.fsync,
		"--maxmemory-policy", "noeviction", "--repl-diskless-sync-delay", "0", "--loglevel", "notice",
	}
	if r.of != "" {
		host, port, _ := net.SplitHostPort(r.of)
		r.args = append(r.args, "--replicaof", host, port)
	}
	if err := r.process.start(); err != nil {
		return err
	}
	err := poll(startTimeout, func() error { _, err := r.do("PING"); return err })
	if err != nil {
		return fmt.Errorf("%s does not answer: %w\n%s", r.name, err, r.tail())
	}
	return nil
}

func (r *redis) do(words ...string) (answer, error) { return ask(r.addr, words...) }

// awaitLink waits until a replica has what its master has.
func (r *redis) awaitLink() error {
	return poll(startTimeout, func() error {
		a, err := r.do("INFO", "replication")
		if err == nil && !strings.Contains(a.text, "master_link_status:up") {
			err = fmt.Errorf("%s is no replica yet", r.name)
		}
		return err
	})
}

// dump copies its files to a folder as they are at one moment.
func (r *redis) dump(to string) error {
	if err := r.signal(syscall.SIGSTOP); err != nil {
		return err
	}
	err := os.RemoveAll(to)
	if err == nil {
		err = os.CopyFS(to, os.DirFS(r.dir))
	}
	if again := r.signal(syscall.SIGCONT); err == nil {
		err = again
	}
	return err
}

// rollBack kills it and starts it with the files of a dump.
func (r *redis) rollBack(from string) error {
	r.kill()
	if err := os.RemoveAll(r.dir); err != nil {
		return err
	}
	if err := os.CopyFS(r.dir, os.DirFS(from)); err != nil {
		return err
	}
	return r.start()
}

package main

import (
	"fmt"
	"strconv"
)

// A server is one of the programs compared: where its source is and how it is started.
type server struct {
	name   string
	module string // directory of its Go module, seen from bench/
	pkg    string
	args   func(port, redisPort int) []string
}

// servers holds every command line of the bench.
var servers = []server{
	{
		name: "sluice", module: "..", pkg: "./cmd/sluice",
		args: func(port, redisPort int) []string {
			return []string{
				"--listen", "127.0.0.1:" + strconv.Itoa(port),
				"--redis", redisURL(redisPort),
				"--database", ":memory:",
				"--config", "",
			}
		},
	},
	{
		name: "peer", module: "peer", pkg: ".",
		args: func(port, redisPort int) []string {
			return []string{"-addr", "127.0.0.1:" + strconv.Itoa(port), "-redis", redisURL(redisPort)}
		},
	},
}

// redisArgs is an empty Redis that keeps nothing.
func redisArgs(port int, dir string) []string {
	return []string{
		"--port", strconv.Itoa(port), "--bind", "127.0.0.1", "--dir", dir,
		"--save", "", "--appendonly", "no", "--daemonize", "no",
	}
}

func redisURL(port int) string { return fmt.Sprintf("redis://127.0.0.1:%d", port) }

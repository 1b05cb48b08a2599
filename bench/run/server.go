package main

import (
	"fmt"
	"os"
	"strconv"
)

// A server is one of the programs compared: where its source is and how it is started.
type server struct {
	name   string
	module string // directory of its Go module, seen from bench/
	pkg    string
	pages  bool // whether it has pages to poll
	args   func(place) []string
}

// A place is what one run of a server is given.
type place struct {
	port     int
	operator int // port
	redis    int // port
	config   string
	database string
}

// servers holds every command line of the bench.
var servers = []server{
	{
		name: "sluice", module: "..", pkg: "./cmd/sluice", pages: true,
		args: func(at place) []string {
			return []string{
				"--listen", "127.0.0.1:" + strconv.Itoa(at.port),
				"--operator-listen", "127.0.0.1:" + strconv.Itoa(at.operator),
				"--redis", redisURL(at.redis),
				"--database", at.database,
				"--config", at.config,
			}
		},
	},
	{
		name: "peer", module: "peer", pkg: ".",
		args: func(at place) []string {
			return []string{"-addr", "127.0.0.1:" + strconv.Itoa(at.port), "-redis", redisURL(at.redis)}
		},
	},
}

// writeConfig writes the configuration of a server whose prices a key may change.
func writeConfig(path, key string) error {
	text := "keys:\n  - key: " + key + "\n    consumer: bench\n    scopes: [catalog:write]\n"
	return os.WriteFile(path, []byte(text), 0o600)
}

// redisArgs is an empty Redis that keeps nothing.
func redisArgs(port int, dir string) []string {
	return []string{
		"--port", strconv.Itoa(port), "--bind", "127.0.0.1", "--dir", dir,
		"--save", "", "--appendonly", "no", "--daemonize", "no",
	}
}

func redisURL(port int) string { return fmt.Sprintf("redis://127.0.0.1:%d", port) }

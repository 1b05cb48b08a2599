package redis

import (
	"context"
	_ "embed" // the scripts

	goredis "github.com/redis/go-redis/v9"
)

var (
	//go:embed publish.lua
	publishText string
	//go:embed start.lua
	startText string
	//go:embed read.lua
	readText string
	//go:embed compare.lua
	compareText string
)

// The scripts that know what a log is.
var (
	publishScript = goredis.NewScript(publishText)
	startScript   = goredis.NewScript(startText)
	readScript    = goredis.NewScript(readText)
	compareScript = goredis.NewScript(compareText)
)

// A script is one of them, or what has one run in its own way.
type script interface {
	Run(ctx context.Context, c goredis.Scripter, keys []string, args ...any) *goredis.Cmd
}

// A call is a script to be run where its topic's slot is.
type call struct {
	script script
	topic  string
	keys   []string
	args   []any
}

// logKeys are the keys of a topic's log, as publish.lua has them. In a Cluster they have the slot of the
// topic's channel.
func logKeys(topic, idempotencyKey string) []string {
	log := "sluice:log:{" + topic + "}"
	keys := []string{log + ":at", log}
	if idempotencyKey != "" {
		keys = append(keys, log+":key:"+idempotencyKey)
	}
	return keys
}

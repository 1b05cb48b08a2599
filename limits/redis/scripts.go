package redis

import (
	"context"
	_ "embed" // the scripts
	"errors"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

var (
	//go:embed prelude.lua
	prelude string
	//go:embed lease.lua
	leaseText string
	//go:embed report.lua
	reportText string
	//go:embed usage.lua
	usageText string
	//go:embed take.lua
	takeText string
)

// A script is what Redis runs for a class of calls.
type script struct {
	call string // its name for errors and Options.Observe
	*goredis.Script
}

// scripts are those of quotas: settle and giveBack are the same, called for other reasons.
type scripts struct{ lease, settle, giveBack, usage script }

func newScripts(prelude string) scripts {
	report := goredis.NewScript(prelude + reportText)
	return scripts{
		lease:    script{"lease", goredis.NewScript(prelude + leaseText)},
		settle:   script{"settle", report},
		giveBack: script{"return", report},
		usage:    script{"usage", goredis.NewScript(prelude + usageText)},
	}
}

func newTake(text string) script { return script{"take", goredis.NewScript(text)} }

// do runs a script within the timeout, and tells Options.Observe of it.
func (c *Counter) do(ctx context.Context, s script, keys []string, args ...any) *goredis.Cmd {
	begun := time.Now()
	limited, cancel := context.WithTimeout(ctx, c.options.Timeout)
	defer cancel()
	answer := s.Run(limited, c.client, keys, args...)
	if c.options.Observe != nil {
		c.options.Observe(s.call, time.Since(begun), failure(ctx, answer.Err()))
	}
	return answer
}

// failure is err if it is Redis', and not that the caller has left.
func failure(ctx context.Context, err error) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return nil
	}
	return err
}

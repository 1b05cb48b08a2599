package redis

import (
	_ "embed" // the scripts

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

type scripts struct{ lease, report, usage *goredis.Script }

func newScripts(prelude string) scripts {
	return scripts{
		lease:  goredis.NewScript(prelude + leaseText),
		report: goredis.NewScript(prelude + reportText),
		usage:  goredis.NewScript(prelude + usageText),
	}
}

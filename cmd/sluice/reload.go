package main

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/sluice-gateway/sluice/limits"
)

// look is how often the configuration file is looked at. What changes it may write it in several
// steps, so a change counts when the file is the same at two looks.
const look = time.Second

// watchPlans reads the configuration again on SIGHUP, and when its file has changed, and hands its
// plans on. What is wrong with it is logged, and everything stays. All other settings need a new
// process. It returns when ctx ends.
func watchPlans(ctx context.Context, c *Config, set func(*limits.Plans) error, log *slog.Logger) {
	hangUp := make(chan os.Signal, 1)
	signal.Notify(hangUp, syscall.SIGHUP)
	defer signal.Stop(hangUp)
	looks := time.NewTicker(look)
	defer looks.Stop()
	read := stamp(c.file)
	for before := read; ; {
		select {
		case <-ctx.Done():
			return
		case <-hangUp:
			read = stamp(c.file)
			reloadPlans(c, set, log)
		case <-looks.C:
			now := stamp(c.file)
			if now != read && now == before {
				read = now
				reloadPlans(c, set, log)
			}
			before = now
		}
	}
}

func reloadPlans(c *Config, set func(*limits.Plans) error, log *slog.Logger) {
	fresh, err := c.reload()
	var plans *limits.Plans
	if err == nil {
		plans, err = fresh.plans()
	}
	if err == nil {
		err = set(plans)
	}
	if err != nil {
		log.Error("the configuration was read again and is not valid: the plans stay as they were", "file", c.file, "error", err)
		return
	}
	log.Info("the plans were read again", "file", c.file, "plans", len(plans.All()))
}

// A fileStamp changes when a file does.
type fileStamp struct {
	modified time.Time
	size     int64
}

// stamp is the zero stamp for a file that is not there.
func stamp(path string) fileStamp {
	info, err := os.Stat(path)
	if err != nil {
		return fileStamp{}
	}
	return fileStamp{info.ModTime(), info.Size()}
}

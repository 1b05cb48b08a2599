package main

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/sluice-gateway/sluice/analytics/audit"
	"github.com/sluice-gateway/sluice/limits"
	"github.com/sluice-gateway/sluice/operation"
)

// look is how often the configuration file is looked at. What changes it may write it in several
// steps, so a change counts when the file is the same at two looks.
const look = time.Second

// A planWatch reads the configuration again on SIGHUP, and when its file has changed, and hands its plans
// on. What is wrong with it is logged, and everything stays. All other settings need a new process.
type planWatch struct {
	config *Config // whose plans hold
	set    func(*limits.Plans) error
	audit  *audit.Log
	log    *slog.Logger
}

// run returns when ctx ends.
func (w *planWatch) run(ctx context.Context) {
	hangUp := make(chan os.Signal, 1)
	signal.Notify(hangUp, syscall.SIGHUP)
	defer signal.Stop(hangUp)
	looks := time.NewTicker(look)
	defer looks.Stop()
	file := w.config.file
	read := stamp(file)
	for before := read; ; {
		select {
		case <-ctx.Done():
			return
		case <-hangUp:
			read = stamp(file)
			w.reload(ctx)
		case <-looks.C:
			now := stamp(file)
			if now != read && now == before {
				read = now
				w.reload(ctx)
			}
			before = now
		}
	}
}

func (w *planWatch) reload(ctx context.Context) {
	entry := audit.Entry{Action: "plans.reload", Object: w.config.file, Actor: audit.Actor{Via: viaConfig}}
	fresh, err := w.config.reload()
	var plans *limits.Plans
	if err == nil {
		plans, err = fresh.plans()
	}
	if err == nil {
		err = w.set(plans)
	}
	if err != nil {
		w.log.Error("the configuration was read again and is not valid: the plans stay as they were", "file", w.config.file, "error", err)
		entry.Result = operation.CodeBadUserInput
		w.audit.Note(ctx, entry)
		return
	}
	w.log.Info("the plans were read again", "file", w.config.file, "plans", len(plans.All()))
	entry.Changes = planChanges(w.config, fresh)
	w.config = fresh
	w.audit.Note(ctx, entry)
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

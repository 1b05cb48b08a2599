// Package complain logs troubles that last without filling the log.
package complain

import (
	"log/slog"
	"sync"
	"time"
)

// every is the time between two lines about one trouble.
const every = 10 * time.Second

// A Log writes the first line of a trouble at once, then at most one every ten seconds, with the
// number of those left out. The zero value is ready. It is safe for concurrent use.
type Log struct {
	mu    sync.Mutex // guards about
	about map[string]*trouble
}

type trouble struct {
	last  time.Time
	quiet int
}

// Warn logs a message, which names the trouble and is one of a few.
func (l *Log) Warn(to *slog.Logger, message string, args ...any) {
	if quiet, due := l.due(message); due {
		to.Warn(message, append(args, "unlogged", quiet)...)
	}
}

func (l *Log) due(message string) (quiet int, due bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.about == nil {
		l.about = make(map[string]*trouble)
	}
	about := l.about[message]
	if about == nil {
		about = new(trouble)
		l.about[message] = about
	}
	now := time.Now()
	if now.Sub(about.last) < every {
		about.quiet++
		return 0, false
	}
	quiet = about.quiet
	about.last, about.quiet = now, 0
	return quiet, true
}

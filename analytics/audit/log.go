package audit

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"
)

// Options say where entries go. The zero Options works.
type Options struct {
	// File is where entries are appended, one on each line. It is made, readable for its owner alone, if
	// there is none, and again when it was moved or removed, as logrotate does. Empty: they go to Log.
	File string

	// Log gets the entries where there is no file, whatever its least level is, and those that the file
	// does not take. Nil means slog.Default.
	Log *slog.Logger
}

// A Log is where entries go. Nil takes them and forgets them. Close ends it.
type Log struct {
	file   *file // nil: none
	log    *slog.Logger
	failed atomic.Uint64
}

// Open makes a log. It fails if there is a file that cannot be written.
func Open(o Options) (*Log, error) {
	l := &Log{log: o.Log}
	if l.log == nil {
		l.log = slog.Default()
	}
	if o.File == "" {
		return l, nil
	}
	var err error
	if l.file, err = openFile(o.File); err != nil {
		return nil, fmt.Errorf("audit: %w", err)
	}
	return l, nil
}

// Note writes an entry down. It does not care whether ctx has ended: the action is over, whoever asked
// for it may have left.
func (l *Log) Note(ctx context.Context, e Entry) {
	if l == nil {
		return
	}
	if e.Time.IsZero() {
		e.Time = time.Now()
	}
	e.Time = e.Time.UTC().Truncate(time.Millisecond)
	e.Result = cmp.Or(e.Result, OK)
	if l.file == nil {
		l.print(ctx, e)
		return
	}
	if err := l.append(e); err != nil {
		l.failed.Add(1)
		l.log.ErrorContext(ctx, "the audit log cannot be written: the entry stands in the next line", "file", l.file.path, "error", err)
		l.print(ctx, e)
	}
}

func (l *Log) append(e Entry) error {
	line, err := json.Marshal(e)
	if err != nil {
		return err
	}
	return l.file.append(append(line, '\n'))
}

// print writes an entry into the log, past its least level: who wants no news wants to know this.
func (l *Log) print(ctx context.Context, e Entry) {
	line := slog.NewRecord(e.Time, slog.LevelInfo, "audit", 0)
	line.AddAttrs(slog.Any("audit", e))
	_ = l.log.Handler().Handle(ctx, line) // nobody is left to be told
}

// Failed is how many entries the file did not take. They stand in the log.
func (l *Log) Failed() uint64 {
	if l == nil {
		return 0
	}
	return l.failed.Load()
}

// Close closes the file. What is noted after it goes to the log. It may be called twice.
func (l *Log) Close() error {
	if l == nil || l.file == nil {
		return nil
	}
	return l.file.close()
}

package ledger

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Options are what Open does not have to be told. The zero Options works.
type Options struct {
	// Node is the name of this process, from its start to its end: no other may have it. Empty: a
	// random one.
	Node string

	// Interval is how often a batch is made: a process that is killed loses what was added since the
	// latest one. 0 means 10 s.
	Interval time.Duration

	// SpoolSize is how many bytes of batches wait on disk for the store; beyond, usage waits in
	// memory. 0 means 256 MiB.
	SpoolSize int64

	// Keep is how long the store keeps hours and batches. 0 means for ever.
	Keep time.Duration

	// Log gets a line when something goes wrong and one when it is well again. Nil means slog.Default.
	Log *slog.Logger
}

func (o Options) withDefaults() Options {
	o.Node = cmp.Or(o.Node, rand.Text())
	o.Interval = cmp.Or(max(0, o.Interval), 10*time.Second)
	o.SpoolSize = cmp.Or(max(0, o.SpoolSize), 256<<20)
	o.Keep = max(0, o.Keep)
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return o
}

// ErrClosed is what a Ledger says that was closed.
var ErrClosed = errors.New("ledger: closed")

// A Ledger gathers the usage of one node. Close ends it.
type Ledger struct {
	store   Store
	options Options
	cancel  context.CancelFunc
	flushes chan chan error
	done    chan struct{} // closed when the goroutine has ended
	last    sync.Once     // what Close does
	lastErr error

	mu     sync.Mutex // guards what follows
	open   map[place]Usage
	closed bool
	health Health

	// The goroutine's alone, and at last Close's.
	own      *spool
	adopted  []*spool // of processes that are no more, in this folder
	held     []*Batch // made, and perhaps in the spool, perhaps not
	sequence int64
	pruned   time.Time
	told     string // what the log was told last
}

// Open begins to gather usage, with a spool in a folder, which it makes if there is none. What processes
// have left there that were killed goes into the store first. It starts a goroutine.
func Open(store Store, folder string, o Options) (*Ledger, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("ledger: spool: %w", err)
	}
	left, err := filepath.Glob(filepath.Join(escape(folder), "*"+spoolEnding))
	if err != nil {
		return nil, fmt.Errorf("ledger: spool: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	l := &Ledger{
		store: store, options: o.withDefaults(), cancel: cancel,
		flushes: make(chan chan error), done: make(chan struct{}), open: make(map[place]Usage),
	}
	for _, path := range left {
		s, err := adoptSpool(path)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("ledger: spool: %w", err), l.closeSpools())
		}
		if s != nil {
			l.adopted = append(l.adopted, s)
		}
	}
	if l.own, err = createSpool(folder); err != nil {
		return nil, errors.Join(fmt.Errorf("ledger: spool: %w", err), l.closeSpools())
	}
	go l.run(ctx)
	return l, nil
}

// Add adds usage to the hour that it is. It takes a lock and a map's entry: it is for whoever sums up
// first, not for every event. After Close it does nothing.
func (l *Ledger) Add(key Key, u Usage) {
	at := place{key, hourOf(time.Now())}
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.closed {
		l.open[at] = l.open[at].Plus(u)
	}
}

// Flush makes a batch now, and returns when it and all before it are in the store, or with the reason why
// they are not; they wait in the spool then.
func (l *Ledger) Flush(ctx context.Context) error {
	reply := make(chan error, 1)
	select {
	case l.flushes <- reply:
	case <-l.done:
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-reply:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close makes the last batch and returns when everything is in the store, or with the reason why it is
// not: then it is in the spool for the next process. It waits for the store as long as ctx says. Called
// again, it answers the same.
func (l *Ledger) Close(ctx context.Context) error {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	l.cancel()
	<-l.done
	l.last.Do(func() {
		err := l.turn(ctx)
		for errors.Is(err, ErrBehind) && ctx.Err() == nil {
			err = l.turn(ctx)
		}
		if err != nil {
			err = fmt.Errorf("ledger: %w", err)
		}
		l.lastErr = errors.Join(err, l.closeSpools())
	})
	return l.lastErr
}

func (l *Ledger) closeSpools() error {
	var errs []error
	for _, s := range l.adopted {
		errs = append(errs, s.close())
	}
	if l.own != nil {
		errs = append(errs, l.own.close())
	}
	return errors.Join(errs...)
}

// escape makes a folder's name one that Glob takes by its letters.
func escape(folder string) string {
	var name []rune
	for _, r := range folder {
		if r == '*' || r == '?' || r == '[' {
			name = append(name, '[', r, ']')
			continue
		}
		name = append(name, r)
	}
	return string(name)
}

package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// run makes batches until ctx ends.
func (l *Ledger) run(ctx context.Context) {
	defer close(l.done)
	next := time.NewTimer(0) // what others have left
	defer next.Stop()
	for {
		var began time.Time
		select {
		case <-next.C:
			began = time.Now()
			if err := l.turn(ctx); errors.Is(err, ErrBehind) {
				next.Reset(0)
				continue
			}
		case reply := <-l.flushes:
			began = time.Now()
			reply <- l.turn(ctx)
		case <-ctx.Done():
			return
		}
		// A store that takes its time is no reason to lose more.
		next.Reset(max(0, l.options.Interval-time.Since(began)))
	}
}

// turn takes what was added onto the disk, and what is there into the store.
func (l *Ledger) turn(ctx context.Context) error {
	spooled := l.spoolAll()
	disk, err := l.importAll(ctx)
	if spooled != nil && err == nil { // what was in the way is in the store: there is room for the rest
		if errors.Is(spooled, errFull) {
			spooled = nil
		}
		spooled = errors.Join(spooled, l.spoolAll())
		disk, err = l.importAll(ctx)
	}
	full := len(l.held) > 0 || errors.Is(spooled, errFull)
	if err == nil {
		err = l.prune(ctx)
	}
	err = errors.Join(spooled, disk, err)
	l.report(full, err)
	return err
}

var errFull = errors.New("the spool is full: usage waits in memory")

// spoolAll puts what was added onto the disk. Where that fails, the batches are held as they are: they may
// be on the disk all the same, and must not be there under another id. When the spool is full nothing was
// written, and they become usage that waits again.
func (l *Ledger) spoolAll() error {
	if err := l.spoolHeld(); err != nil {
		return err
	}
	l.mu.Lock()
	open := l.open
	l.open = make(map[place]Usage)
	l.mu.Unlock()
	l.held = l.cut(open)
	return l.spoolHeld()
}

func (l *Ledger) spoolHeld() error {
	for len(l.held) > 0 {
		err := l.spoolOne(l.held[0])
		if errors.Is(err, errFull) {
			l.reopen()
		}
		if err != nil {
			return err
		}
		l.held = l.held[1:]
	}
	return nil
}

func (l *Ledger) spoolOne(b *Batch) error {
	record, err := encode(b)
	if err != nil {
		return err
	}
	size := l.own.size + int64(len(record))
	for _, s := range l.adopted {
		size += s.size
	}
	if size > l.options.SpoolSize && !l.own.dirty { // what is dirty may hold this batch
		return errFull
	}
	if err := l.own.append(record); err != nil {
		return fmt.Errorf("spool: %w", err)
	}
	return nil
}

// reopen makes batches that were never written what they were made of.
func (l *Ledger) reopen() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, b := range l.held {
		for _, e := range b.Entries {
			at := place{e.Key, e.Hour}
			l.open[at] = l.open[at].Plus(e.Usage)
		}
	}
	l.sequence -= int64(len(l.held)) // nobody has seen their numbers
	l.held = nil
}

// ErrBehind reports that the store has not taken all batches yet; it goes on with the next.
var ErrBehind = errors.New("ledger: the store is behind the spool")

// importAll brings the spools into the store, and what no spool would take. It stops when the store fails,
// or when the next batch is due, with ErrBehind; a spool that the disk fails is left for the next time.
func (l *Ledger) importAll(ctx context.Context) (disk, err error) {
	due := time.Now().Add(l.options.Interval)
	left := l.adopted
	l.adopted = nil
	for i, s := range left {
		failed, err := l.importSpool(ctx, s, due)
		if err != nil {
			l.adopted = append(l.adopted, left[i:]...)
			return disk, err
		}
		if failed == nil {
			failed = s.remove()
		} else {
			l.adopted = append(l.adopted, s)
		}
		disk = errors.Join(disk, failed)
	}
	failed, err := l.importSpool(ctx, l.own, due)
	for err == nil && len(l.held) > 0 {
		if err = l.importBatch(ctx, l.held[0]); err == nil {
			l.held = l.held[1:]
		}
	}
	return errors.Join(disk, failed), err
}

// importSpool brings one spool into the store, and says what the disk and what the store has against it.
func (l *Ledger) importSpool(ctx context.Context, s *spool, due time.Time) (disk, err error) {
	for {
		b, end, damaged, err := s.next()
		if err != nil {
			return fmt.Errorf("spool: %w", err), nil
		}
		l.noteDamage(s, damaged)
		if b != nil {
			if err := l.importBatch(ctx, b); err != nil {
				return nil, err
			}
		}
		if err := s.done(end); err != nil {
			return fmt.Errorf("spool: %w", err), nil
		}
		if s.backlog() == 0 {
			return nil, nil
		}
		if time.Now().After(due) {
			return nil, ErrBehind
		}
	}
}

func (l *Ledger) importBatch(ctx context.Context, b *Batch) error {
	if _, err := l.store.Import(ctx, b); err != nil {
		return fmt.Errorf("batch %s: %w", b.ID, err)
	}
	return nil
}

// pruneEvery is how often what is older than Options.Keep is forgotten.
const pruneEvery = time.Hour

func (l *Ledger) prune(ctx context.Context) error {
	if l.options.Keep == 0 || time.Since(l.pruned) < pruneEvery {
		return nil
	}
	if err := l.store.Prune(ctx, hourOf(time.Now().Add(-l.options.Keep))); err != nil {
		return fmt.Errorf("prune: %w", err)
	}
	l.pruned = time.Now()
	return nil
}

package ledger

import (
	"context"
	"errors"
	"time"
)

// Health says how a Ledger is.
type Health struct {
	Err      error     `json:"-"`                     // why the latest batch is not in the store; nil: it is
	Reason   string    `json:"error,omitempty"`       // Err's text
	Full     bool      `json:"full"`                  // the spool and the store take no more, and usage waits in memory: a killed process would lose it
	Waiting  int       `json:"waiting"`               // keys and hours in memory
	Backlog  int64     `json:"backlogBytes"`          // bytes in the spool that the store does not have yet
	Damaged  int64     `json:"damagedBytes"`          // bytes in spools that were no batch: torn by a kill, or rotten
	Imported time.Time `json:"lastImported,omitzero"` // when the store last had everything; zero: not yet
}

// Health returns how the ledger was at its latest turn.
func (l *Ledger) Health() Health {
	l.mu.Lock()
	defer l.mu.Unlock()
	h := l.health
	h.Waiting += len(l.open)
	if h.Err != nil {
		h.Reason = h.Err.Error()
	}
	return h
}

// Full reports Health's Full: a plan may stop its consumers then. It takes a lock for a moment.
func (l *Ledger) Full() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.health.Full
}

// report notes how a turn has ended. The log is told when that changes.
func (l *Ledger) report(full bool, err error) {
	backlog, waiting := l.own.backlog(), 0
	for _, s := range l.adopted {
		backlog += s.backlog()
	}
	for _, b := range l.held {
		waiting += len(b.Entries)
	}
	l.mu.Lock()
	l.health.Err, l.health.Full = err, full
	l.health.Backlog, l.health.Waiting = backlog, waiting
	if err == nil {
		l.health.Imported = time.Now().UTC()
	}
	l.mu.Unlock()
	l.tell(full, err)
}

func (l *Ledger) tell(full bool, err error) {
	if errors.Is(err, context.Canceled) {
		return // Close tries again
	}
	state := ""
	switch {
	case full:
		state = "usage waits in memory"
	case err != nil && !errors.Is(err, ErrBehind):
		state = "the store or the spool fails"
	}
	if state == l.told {
		return
	}
	l.told = state
	if state == "" {
		l.options.Log.Info("usage ledger: all is well again")
		return
	}
	l.options.Log.Error("usage ledger: "+state, "err", err)
}

func (l *Ledger) noteDamage(s *spool, damaged int64) {
	if damaged == 0 {
		return
	}
	l.mu.Lock()
	l.health.Damaged += damaged
	l.mu.Unlock()
	l.options.Log.Warn("usage ledger: part of a spool is no batch, as after a kill", "file", s.file.Name(), "bytes", damaged)
}

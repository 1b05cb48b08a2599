package redis

import (
	"context"
	"errors"
	"sync"
	"time"
)

// errShut is why a log cannot be read although Redis answers.
var errShut = errors.New("redis has just come back, and its logs are being compared")

// A gate keeps logs from being read while nobody knows whether their server has come back with less than it
// had: it is shut as soon as a link to it is lost, and open when there is one, which would tell, and the logs
// were compared. It is safe for concurrent use.
type gate struct {
	ready chan struct{} // holds one: there is a link, and the gate is shut

	mu     sync.Mutex // guards what follows
	links  int        // that are up
	falls  uint64     // how often a link was lost
	isOpen bool
	opened chan struct{} // closed while the gate is open
	back   chan struct{} // closed when another link is up
	cancel func()        // ends the comparing, which is for nothing when a link is lost
}

func newGate() *gate {
	return &gate{ready: make(chan struct{}, 1), opened: make(chan struct{}), back: make(chan struct{}), cancel: func() {}}
}

// rose says that a link is up.
func (g *gate) rose() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.links++
	close(g.back)
	g.back = make(chan struct{})
	g.callLocked()
}

// callLocked has the logs compared.
func (g *gate) callLocked() {
	if g.links == 0 || g.isOpen {
		return
	}
	select {
	case g.ready <- struct{}{}:
	default:
	}
}

// fell says that a link which was up is lost.
func (g *gate) fell() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.links--
	g.falls++
	g.cancel()
	if g.isOpen {
		g.isOpen, g.opened = false, make(chan struct{})
	}
	g.callLocked() // the others may be sound
}

// another says whether a link is up, and what is closed when one more is: there is no need to wait any longer
// with the next.
func (g *gate) another() (up bool, more <-chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.links > 0, g.back
}

// run has the logs compared whenever there is a link, and opens the gate, until ctx is done. The context of
// compare is done when a link is lost. While the gate is open run calls beat in every interval.
func (g *gate) run(ctx context.Context, compare func(context.Context) error, beat func(context.Context), interval time.Duration) {
	ticks := time.NewTicker(interval)
	defer ticks.Stop()
	for failures := 0; ; {
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
			if _, open := g.state(); open {
				beat(ctx)
			}
			continue
		case <-g.ready:
		}
		if g.try(ctx, compare) {
			failures = 0
			continue
		}
		if !pause(ctx, backoff(failures)) {
			return
		}
		failures++
		g.mu.Lock()
		g.callLocked()
		g.mu.Unlock()
	}
}

// try opens the gate when compare has succeeded and no link was lost meanwhile. It reports whether there is
// nothing to try again before it is called again.
func (g *gate) try(ctx context.Context, compare func(context.Context) error) bool {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	g.mu.Lock()
	falls, up := g.falls, g.links > 0
	g.cancel = cancel
	g.mu.Unlock()
	if !up {
		return true
	}
	err := compare(ctx)
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.falls != falls:
		return true
	case err != nil:
		return false
	case !g.isOpen:
		g.isOpen = true
		close(g.opened)
	}
	return true
}

func (g *gate) state() (falls uint64, open bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.falls, g.isOpen
}

// during calls read while the gate is open, for which it waits as long as patience. What was read when a link
// was lost may be of a log that nobody has compared, and is read again. A nil gate is open.
func (g *gate) during(ctx context.Context, patience time.Duration, read func() error) error {
	if g == nil {
		return read()
	}
	for {
		falls, err := g.wait(ctx, patience)
		if err != nil {
			return err
		}
		err = read()
		if now, _ := g.state(); now == falls || err != nil && !isGap(err) {
			return err
		}
	}
}

// wait returns when the gate is open, and how often a link was lost until then.
func (g *gate) wait(ctx context.Context, patience time.Duration) (falls uint64, err error) {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for {
		g.mu.Lock()
		falls, isOpen, opened := g.falls, g.isOpen, g.opened
		g.mu.Unlock()
		if isOpen {
			return falls, nil
		}
		select {
		case <-opened:
		case <-ctx.Done():
			return 0, context.Cause(ctx)
		case <-timer.C:
			return 0, errShut
		}
	}
}

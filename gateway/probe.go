package gateway

import (
	"context"
	"sync"
	"time"
)

const (
	// probeEvery is how often the back ends are asked whether they work.
	probeEvery = 5 * time.Second
	// probePatience is how long one may take to answer.
	probePatience = 2 * time.Second
)

// A probe knows which of the back ends work, as of a few seconds ago. It owns one goroutine, from newProbe
// to close.
type probe struct {
	checks  map[string]func(context.Context) error
	cancel  context.CancelFunc
	running sync.WaitGroup

	mu     sync.Mutex // guards states
	states map[string]check
}

func newProbe(checks map[string]func(context.Context) error) *probe {
	ctx, cancel := context.WithCancel(context.Background())
	p := &probe{checks: checks, cancel: cancel, states: make(map[string]check)}
	p.running.Go(func() { p.run(ctx) })
	return p
}

func (p *probe) close() {
	p.cancel()
	p.running.Wait()
}

func (p *probe) run(ctx context.Context) {
	every := time.NewTicker(probeEvery)
	defer every.Stop()
	for {
		for name, works := range p.checks {
			p.look(ctx, name, works)
		}
		select {
		case <-every.C:
		case <-ctx.Done():
			return
		}
	}
}

func (p *probe) look(ctx context.Context, name string, works func(context.Context) error) {
	patience, cancel := context.WithTimeout(ctx, probePatience)
	err := works(patience)
	cancel()
	if ctx.Err() != nil {
		return
	}
	now := check{OK: err == nil, Since: time.Now().UTC()}
	if err != nil {
		now.Reason = err.Error()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if before, known := p.states[name]; known && before.OK == now.OK {
		now.Since = before.Since
	}
	p.states[name] = now
}

// state is what is known of a back end; known is false until it was asked.
func (p *probe) state(name string) (c check, known bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c, known = p.states[name]
	return c, known
}

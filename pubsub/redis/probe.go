package redis

import (
	"context"
	"fmt"
	"strconv"
	"time"
)

// A prober proves, again and again, that what is published still arrives on a connection. PING does
// not: after a fail-over a connection may answer it and deliver nothing (centrifugo#1189).
type prober struct {
	link    *link
	channel string
	echoes  chan string // holds one: the newest probe that came back
	proven  time.Time   // when the first one did; to be read when run has returned
}

// run returns when the connection is deaf, or ctx is done.
func (p *prober) run(ctx context.Context) error {
	// Confirmations come in the order of the commands, and the probe's was the last of those that
	// the connection began with: then everything that was wanted is subscribed.
	if confirmed := p.link.ledger.await(p.channel); confirmed != nil {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-confirmed:
			if err != nil {
				return err
			}
		}
	}
	for number := 0; ; number++ {
		if err := p.round(ctx, strconv.Itoa(number)); err != nil {
			return err
		}
		if p.proven.IsZero() {
			p.proven = time.Now()
		}
		p.link.rose()
		if !pause(ctx, p.link.options.ProbeInterval) {
			return ctx.Err()
		}
	}
}

// round publishes one probe and waits for it. A publish that fails is tried again: the connection
// under test may be sound while another one is made.
func (p *prober) round(ctx context.Context, probe string) error {
	window, cancel := context.WithTimeout(ctx, p.link.options.probeWindow())
	defer cancel()
	var failure error
	for window.Err() == nil {
		if failure = p.link.server.publish(window, p.channel, []byte(probe)); failure == nil {
			break
		}
		pause(window, minBackoff)
	}
	for {
		select {
		case echo := <-p.echoes:
			if echo == probe {
				return nil
			}
		case <-window.Done():
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if failure != nil {
				return fmt.Errorf("publish a probe: %w", failure)
			}
			return fmt.Errorf("the connection is deaf: a probe did not come back within %v", p.link.options.probeWindow())
		}
	}
}

// echo takes a probe that came back. The reader calls it and must not wait.
func (p *prober) echo(probe string) {
	select {
	case <-p.echoes: // an older one that nobody waited for
	default:
	}
	p.echoes <- probe
}

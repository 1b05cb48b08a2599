package share

import (
	"context"
	"time"
)

// A clock limits how long each step of a group may take. A step that ends in time leaves its
// context and its timer to the next one: making them anew would be a twentieth of the step.
type clock struct {
	ctx   context.Context
	timer *time.Timer
}

// start returns the context of the next step. It ends after limit, or with base.
func (c *clock) start(base context.Context, limit time.Duration) context.Context {
	if c.timer != nil {
		c.timer.Reset(limit)
		return c.ctx
	}
	ctx, cancel := context.WithCancelCause(base)
	c.ctx = ctx
	c.timer = time.AfterFunc(limit, func() { cancel(context.DeadlineExceeded) })
	return ctx
}

// stop ends the step's time. A step that took too long has ended its context, so the next one gets
// another.
func (c *clock) stop() {
	if !c.timer.Stop() {
		c.ctx, c.timer = nil, nil
	}
}

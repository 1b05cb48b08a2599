package rollup

// mostInStep is how many series have their own place in a minute, an hour or a day of a node: as many as
// its recorder keeps at a time. Clients choose some of the names, and days are kept for good.
const mostInStep = 2000

// reserved is which part of the places is for names that clients cannot choose: one of so many.
const reserved = 8

// A census knows which names have a place in the current step.
type census struct {
	most  int
	at    place
	known map[handle]struct{}
}

// own is how many places there are for names that clients have chosen.
func (c *census) own() int { return c.most - c.most/reserved }

// name is the first of a series' names that has a place in a step, or gets one. The crowd's needs none.
func (c *census) name(at place, of *names) handle {
	if at != c.at {
		c.at = at
		clear(c.known)
	}
	switch {
	case c.takes(of.own, c.own()):
		return of.own
	case c.takes(of.common, c.most):
		return of.common
	}
	return of.crowd
}

// takes reports whether a name has a place, or gets one, for fewer than so many have.
func (c *census) takes(name handle, most int) bool {
	if _, known := c.known[name]; known {
		return true
	}
	if len(c.known) >= most {
		return false
	}
	c.known[name] = struct{}{}
	return true
}

package rollup

// mostInStep is how many series have their own place in a minute, an hour or a day of a node: as many as
// its recorder keeps at a time. Clients choose some of the names, and days are kept for good.
const mostInStep = 2000

// A census knows which series have a place in the current step.
type census struct {
	most  int
	at    place
	known map[handle]struct{}
}

// takes reports whether a series has its own place, or gets one.
func (c *census) takes(at place, series handle) bool {
	if at != c.at {
		c.at = at
		clear(c.known)
	}
	if _, known := c.known[series]; known {
		return true
	}
	if len(c.known) >= c.most {
		return false
	}
	c.known[series] = struct{}{}
	return true
}

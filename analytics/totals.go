package analytics

// A Class is what of an operation's labels clients cannot make up: there are as many as the schema and the
// operator have made.
type Class struct {
	Kind, Field, Transport string // as in Labels; empty for a request that was refused before it was known
	Operation              string // one that Know was told of, or Other
}

// mostKnown is how many operations are known by name.
const mostKnown = 100

// Know tells of operations that the operator has deployed. Their names stand in classes and are the last
// to give way in labels. Of more than 100, those that come later are not taken. It is called before
// anything is counted.
func (r *Recorder) Know(operations ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.known == nil {
		r.known = make(map[string]bool, len(operations))
	}
	for _, name := range operations {
		if name != "" && len(r.known) < mostKnown {
			r.known[name] = true
		}
	}
}

// Classes are the sums of all series by class. No sum ever falls: series that gave way are included.
func (r *Recorder) Classes() map[Class]Counts {
	r.Settle()
	r.mu.RLock()
	defer r.mu.RUnlock()
	sums := make(map[Class]Counts, len(r.old))
	for class, c := range r.old {
		var sum Counts // not c: it has the map of endings that stays here
		sum.add(c)
		sums[class] = sum
	}
	for labels, s := range r.all {
		class := r.classLocked(labels)
		sum := sums[class]
		sum.add(s.Counts())
		sums[class] = sum
	}
	return sums
}

func (r *Recorder) classLocked(l Labels) Class {
	class := Class{Kind: l.Kind, Field: l.Field, Transport: l.Transport, Operation: Other}
	if r.known[l.Operation] {
		class.Operation = l.Operation
	}
	return class
}

// Totals are the sums of all series, those that gave way included.
func (r *Recorder) Totals() Counts {
	var sum Counts
	for _, c := range r.Classes() {
		sum.add(c)
	}
	return sum
}

// Stats say how well a Recorder can tell operations apart.
type Stats struct {
	Kept    int    `json:"kept"`    // series, now
	Begun   uint64 `json:"begun"`   // series that there ever were
	Crowded uint64 `json:"crowded"` // operations that were counted without their own names
}

// Stats returns the counts of this moment.
func (r *Recorder) Stats() Stats {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return Stats{Kept: len(r.all), Begun: r.begun.Load(), Crowded: r.crowded.Load()}
}

func (c *Counts) add(o Counts) {
	c.Started += o.Started
	c.Ended += o.Ended
	c.Refused += o.Refused
	c.Events += o.Events
	c.Bytes += o.Bytes
	c.Failed += o.Failed
	c.ConnectedMillis += o.ConnectedMillis
	for i := range c.Dropped {
		c.Dropped[i] += o.Dropped[i]
	}
	if c.Endings == nil {
		c.Endings = make(map[string]uint64)
	}
	for code, n := range o.Endings {
		c.Endings[code] += n
	}
}

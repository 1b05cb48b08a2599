package main

import "time"

// A write is one change of a product's price, and who has yet to see it.
type write struct {
	number   int64
	waiting  int        // clients whose page shows the product and who have not seen it
	answered time.Time  // when its mutation was; zero: not yet
	last     time.Time  // when the last client so far saw it
	latency  *histogram // that its delay goes to; nil: it is not measured
}

// shown notes that one client sees the write.
func (w *write) shown(now time.Time) {
	w.waiting--
	w.last = now
	w.settle()
}

// answer notes that the mutation was answered: some may have seen the write before.
func (w *write) answer(now time.Time) {
	w.answered = now
	w.settle()
}

// settle measures from the mutation's answer to the last client, when there are both.
func (w *write) settle() {
	if w.waiting == 0 && !w.answered.IsZero() && w.latency != nil {
		w.latency.add(w.last.Sub(w.answered))
	}
}

package tail

// handOver hands over what is in the sequence, unless somebody else does so already, who then does this
// too. It does not wait.
func (t *Tail) handOver() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.handing {
		t.handOverLocked()
	}
}

// handAllOver returns when everything that is in the sequence is handed over.
func (t *Tail) handAllOver() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for t.handing {
		t.handed.Wait()
	}
	t.handOverLocked()
}

// handOverLocked lets the lock go while it calls others.
func (t *Tail) handOverLocked() {
	t.handing = true
	for len(t.out) > 0 {
		steps := t.out
		t.out, t.spare = t.spare, nil
		t.mu.Unlock()
		for _, s := range steps {
			s.take(t.hooks)
		}
		clear(steps)
		t.mu.Lock()
		t.spare = steps[:0]
	}
	t.handing = false
	t.handed.Broadcast()
}

func (s step) take(h Hooks) {
	if s.join == nil {
		h.Hand(s.event)
		return
	}
	s.join.seat(s.join.at)
	s.join.taken = true
	close(s.join.done)
}

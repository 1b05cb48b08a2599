package live

import "sync"

// runs make results: application code, which may take its time, and so must have no worker that others
// wait for. Groups wait in a queue, in which each is at most once. A worker ends when the queue is empty.
type runs struct {
	most int // workers

	mu      sync.Mutex // guards what follows; nothing else is locked with it held
	queue   []*Group
	working int
	workers sync.WaitGroup
}

// submit has a group run.
func (r *runs) submit(g *Group) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.queue = append(r.queue, g)
	if r.working < r.most {
		r.working++
		r.workers.Go(r.work)
	}
}

func (r *runs) work() {
	for g := r.next(); g != nil; g = r.next() {
		g.run()
	}
}

// next is the group whose turn it is, or nil: then the worker is none any more.
func (r *runs) next() *Group {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.queue) == 0 {
		r.queue = nil
		r.working--
		return nil
	}
	g := r.queue[0]
	r.queue[0] = nil
	r.queue = r.queue[1:]
	return g
}

// wait returns when nothing runs or waits any more. Nothing may be submitted then.
func (r *runs) wait() { r.workers.Wait() }

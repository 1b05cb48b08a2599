// Package work runs short tasks on a few goroutines whose stacks stay warm.
//
// Groups step and sockets flush as tasks: thousands of them need no goroutine of their own, and a
// task that waits in the queue gathers more to do at once. A task that does not return harms nobody
// else: the pool adds a worker while all of its own are stuck. The queue is bounded by its users,
// who submit a task again only after it has begun to run.
package work

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// A Task is run by a worker. Run should return within milliseconds and leave what remains to
// another submission.
type Task interface {
	Run()
}

// MaxWorkers bounds the workers of a pool, those that are stuck included.
const MaxWorkers = 1000

// stuckAfter is how long no task may have ended, with others waiting, before a worker is added.
const stuckAfter = 50 * time.Millisecond

// A Pool runs tasks in the order of their submission. It is safe for concurrent use.
type Pool struct {
	ended   atomic.Uint64 // tasks that returned
	base    int
	stop    chan struct{}
	workers sync.WaitGroup

	mu      sync.Mutex // guards what follows
	wake    *sync.Cond
	queue   []Task
	first   int // index of the next task in queue
	running int // workers
	idle    int // of them, those that wait for a task
	closed  bool
}

// NewPool starts a pool with one worker for each processor. Close stops it.
func NewPool() *Pool {
	p := &Pool{base: max(2, runtime.GOMAXPROCS(0)), stop: make(chan struct{})}
	p.wake = sync.NewCond(&p.mu)
	p.running = p.base
	for range p.base {
		p.workers.Go(p.work)
	}
	p.workers.Go(p.watch)
	return p
}

// Submit queues a task. After Close it does nothing.
func (p *Pool) Submit(t Task) {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return
	}
	if p.first > len(p.queue)/2 && len(p.queue) == cap(p.queue) {
		n := copy(p.queue, p.queue[p.first:])
		clear(p.queue[n:])
		p.queue, p.first = p.queue[:n], 0
	}
	p.queue = append(p.queue, t)
	wake := p.idle > 0
	p.mu.Unlock()
	if wake {
		p.wake.Signal()
	}
}

// Close lets the tasks that run come to their end, forgets those that wait, and returns when no
// worker is left. It may be called twice.
func (p *Pool) Close() {
	p.mu.Lock()
	if !p.closed {
		p.closed = true
		close(p.stop)
	}
	p.queue, p.first = nil, 0
	p.mu.Unlock()
	p.wake.Broadcast()
	p.workers.Wait()
}

// Waiting is the number of tasks in the queue.
func (p *Pool) Waiting() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.queue) - p.first
}

func (p *Pool) work() {
	for {
		t := p.next()
		if t == nil {
			return
		}
		t.Run()
		p.ended.Add(1)
	}
}

// next waits for a task. It returns nil when the worker must end: the pool closed, or nothing is
// left to do for a worker that was added while others were stuck.
func (p *Pool) next() Task {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.first == len(p.queue) && !p.closed {
		p.queue, p.first = p.queue[:0], 0
		if p.running > p.base {
			p.running--
			return nil
		}
		p.idle++
		p.wake.Wait()
		p.idle--
	}
	if p.closed {
		return nil
	}
	t := p.queue[p.first]
	p.queue[p.first] = nil
	p.first++
	return t
}

// watch adds a worker whenever tasks wait and none has ended for a while.
func (p *Pool) watch() {
	tick := time.NewTicker(stuckAfter)
	defer tick.Stop()
	var before uint64
	for {
		select {
		case <-p.stop:
			return
		case <-tick.C:
		}
		now := p.ended.Load()
		if now == before {
			p.relieve()
		}
		before = now
	}
}

func (p *Pool) relieve() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || p.first == len(p.queue) || p.idle > 0 || p.running >= MaxWorkers {
		return
	}
	p.running++
	p.workers.Go(p.work)
}

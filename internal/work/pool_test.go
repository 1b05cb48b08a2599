package work

import (
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type taskFunc func()

func (f taskFunc) Run() { f() }

func TestEveryTaskRunsOnce(t *testing.T) {
	p := NewPool()
	defer p.Close()
	var ran atomic.Int64
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 1000 {
				all.Add(1)
				p.Submit(taskFunc(func() { ran.Add(1); all.Done() }))
			}
		})
	}
	all.Wait()
	if n := ran.Load(); n != 8000 {
		t.Fatalf("%d tasks ran, want 8000", n)
	}
}

func TestStuckTasksDelayNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPool()
		release := make(chan struct{})
		for range 20 {
			p.Submit(taskFunc(func() { <-release }))
		}
		ran := make(chan struct{})
		p.Submit(taskFunc(func() { close(ran) }))
		<-ran // with 20 workers stuck, one was added for it
		close(release)
		p.Close()
	})
}

func TestAddedWorkersLeaveWhenIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPool()
		release := make(chan struct{})
		var all sync.WaitGroup
		for range 20 {
			all.Add(1)
			p.Submit(taskFunc(func() { defer all.Done(); <-release }))
		}
		ran := make(chan struct{})
		p.Submit(taskFunc(func() { close(ran) }))
		<-ran
		close(release)
		all.Wait()
		synctest.Wait()
		p.mu.Lock()
		running := p.running
		p.mu.Unlock()
		if running != p.base {
			t.Errorf("%d workers after the storm, want %d", running, p.base)
		}
		p.Close()
	})
}

func TestSubmitAfterCloseDoesNothing(t *testing.T) {
	p := NewPool()
	p.Close()
	p.Close()
	p.Submit(taskFunc(func() { t.Error("a task ran after Close") }))
	if n := p.Waiting(); n != 0 {
		t.Errorf("%d tasks wait after Close", n)
	}
}

func BenchmarkSubmit(b *testing.B) {
	p := NewPool()
	defer p.Close()
	var all sync.WaitGroup
	task := taskFunc(func() { all.Done() })
	b.ReportAllocs()
	for b.Loop() {
		all.Add(1)
		p.Submit(task)
	}
	all.Wait()
}

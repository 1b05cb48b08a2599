package main

import (
	"fmt"
	"net"
	"os"
	"testing"
	"time"
)

// newTestEngine gives an engine whose publications go nowhere.
func newTestEngine(window int) *engine {
	_, sink := net.Pipe()
	return &engine{loop: new(loop), publisher: &publisher{conn: sink}, latency: new(histogram), window: window}
}

func (e *engine) receive(t *testing.T, s *subscriber, revision int64) {
	t.Helper()
	if err := e.message(s, fmt.Appendf(nil, `{"revision":%d,"note":"t1"}`, revision), 2); err != nil {
		t.Fatal(err)
	}
}

func TestTheClosedLoopKeepsItsWindow(t *testing.T) {
	e := newTestEngine(2)
	topic := &topic{product: "p", members: 2}
	a, b := &subscriber{topic: topic}, &subscriber{topic: topic}
	topic.next()
	topic.next()
	e.receive(t, a, 1)
	e.receive(t, a, 2)
	if topic.published != 2 || topic.inFlight() != 2 {
		t.Fatalf("one member is behind: published %d, in flight %d", topic.published, topic.inFlight())
	}
	e.receive(t, b, 1)
	if topic.published != 3 {
		t.Errorf("an event completed: published %d, want 3", topic.published)
	}
	e.receive(t, b, 2)
	if topic.published != 4 || topic.inFlight() != 2 {
		t.Errorf("published %d, in flight %d, want 4 and 2", topic.published, topic.inFlight())
	}
}

func TestGapsAndRepeatsAreCounted(t *testing.T) {
	e := newTestEngine(0)
	topic := &topic{product: "p", members: 1}
	s := &subscriber{topic: topic}
	for range 6 {
		topic.next()
	}
	for _, revision := range []int64{1, 4, 4, 3, 5, 99} {
		e.receive(t, s, revision)
	}
	if e.lost != 2 || e.duplicated != 3 || e.deliveries != 6 || topic.done != 5 {
		t.Errorf("lost %d, duplicated %d, deliveries %d, done %d", e.lost, e.duplicated, e.deliveries, topic.done)
	}
}

func TestASessionThatEndsIsNotWaitedFor(t *testing.T) {
	e := newTestEngine(2)
	topic := &topic{product: "p", members: 2}
	a, b := &subscriber{topic: topic}, &subscriber{topic: topic, engine: e}
	topic.next()
	topic.next()
	e.receive(t, a, 1)
	e.receive(t, a, 2)
	e.lose(&conn{fd: -1, client: b}, errClosed)
	if topic.published != 4 || topic.members != 1 || e.closed != 1 {
		t.Errorf("published %d, members %d, closed %d", topic.published, topic.members, e.closed)
	}
	e.receive(t, a, 3)
	if topic.published != 5 {
		t.Errorf("the one that is left does not complete events: published %d", topic.published)
	}
}

func TestHistogramIsWithinOnePercent(t *testing.T) {
	var h histogram
	for i := range 10_000 {
		h.add(time.Duration(i) * time.Microsecond)
	}
	for q, want := range map[float64]time.Duration{0.5: 5 * time.Millisecond, 0.99: 9900 * time.Microsecond, 1: 9999 * time.Microsecond} {
		if got := h.quantile(q); got < want || float64(got) > 1.01*float64(want) {
			t.Errorf("quantile %v: got %v, want %v", q, got, want)
		}
	}
	for v := uint64(1); v < 1<<62; v = v*3 + 1 {
		if i := bucket(v); upper(i) < v || i > 0 && upper(i-1) >= v {
			t.Errorf("%d falls into bucket %d, which ends at %d", v, i, upper(i))
		}
	}
}

func TestScenariosAreValid(t *testing.T) {
	for name, sc := range scenarios {
		if err := sc.validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAProcessHasCPUAndMemory(t *testing.T) {
	if _, err := cpuOf(os.Getpid()); err != nil {
		t.Error(err)
	}
	if kib, err := residentKiB(os.Getpid()); err != nil || kib < 1000 {
		t.Errorf("%d KiB, %v", kib, err)
	}
	if cpu, err := machineCPU(); err != nil || cpu <= ownCPU() {
		t.Errorf("the machine worked %v, this process %v: %v", cpu, ownCPU(), err)
	}
	if _, err := cpuOf(1 << 30); err == nil {
		t.Error("a process that is not there has CPU time")
	}
}

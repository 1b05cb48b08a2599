package main

import (
	"fmt"
	"testing"
	"time"
)

// newTestCrowd gives a crowd that visits one page, whose connections lead nowhere.
func newTestCrowd(visitors int) (*crowd, []*visitor) {
	c := newCrowd(new(loop), "/", "", 1)
	c.latency = new(histogram)
	c.pages[0].members = visitors
	var all []*visitor
	for range visitors {
		all = append(all, &visitor{crowd: c, page: c.pages[0]})
	}
	return c, all
}

func (v *visitor) sees(t *testing.T, newest int64) {
	t.Helper()
	if err := v.result(fmt.Appendf(nil, `{"data":{"products":{"nodes":[{"id":"1","price":%q}]}}}`, priceOf(newest))); err != nil {
		t.Fatal(err)
	}
}

// written is a write to the page that was sent.
func (c *crowd) written() *write {
	w := &write{number: int64(len(c.writes) + 1), waiting: c.pages[0].members, latency: c.latency}
	c.writes = append(c.writes, w)
	c.pages[0].writes = append(c.pages[0].writes, w)
	return w
}

func TestAWriteIsSeenWhenTheLastVisitorSeesIt(t *testing.T) {
	c, visitors := newTestCrowd(2)
	a, b := visitors[0], visitors[1]
	a.sees(t, 0)
	b.sees(t, 0)
	c.written().answer(time.Now())
	c.written().answer(time.Now())
	a.sees(t, 2)
	if c.unseen() != 2 || c.latency.total != 0 {
		t.Fatalf("one visitor saw both: %d unseen, %d timed", c.unseen(), c.latency.total)
	}
	b.sees(t, 1)
	b.sees(t, 1)
	b.sees(t, 2)
	if c.unseen() != 0 || c.latency.total != 2 {
		t.Errorf("everybody saw both: %d unseen, %d timed", c.unseen(), c.latency.total)
	}
	if c.present != 2 || c.results != 6 || c.differing != 3 || c.stale != 0 || c.newest != 2 {
		t.Errorf("%d present, %d results, %d differing, %d stale, newest %d", c.present, c.results, c.differing, c.stale, c.newest)
	}
}

func TestAWriteThatIsSeenBeforeItsAnswerTookNoTime(t *testing.T) {
	c, visitors := newTestCrowd(1)
	w := c.written()
	visitors[0].sees(t, 1)
	if c.latency.total != 0 {
		t.Fatal("timed before the mutation was answered")
	}
	w.answer(time.Now().Add(time.Second))
	if c.latency.total != 1 || c.latency.max != 0 {
		t.Errorf("%d timed, at most %v", c.latency.total, c.latency.max)
	}
}

func TestAWriteOfTheWarmUpIsNotTimed(t *testing.T) {
	c, visitors := newTestCrowd(1)
	measured := c.latency
	c.latency = nil
	c.written().answer(time.Now())
	c.latency = measured
	visitors[0].sees(t, 1)
	if c.latency.total != 0 || c.unseen() != 0 {
		t.Errorf("%d timed, %d unseen", c.latency.total, c.unseen())
	}
}

func TestResultsThatGoBackAreStale(t *testing.T) {
	c, visitors := newTestCrowd(1)
	c.written()
	c.written()
	visitors[0].sees(t, 2)
	visitors[0].sees(t, 1)
	if c.stale != 1 || c.unseen() != 0 {
		t.Errorf("%d stale, %d unseen", c.stale, c.unseen())
	}
}

func TestARefusalEndsTheRun(t *testing.T) {
	_, visitors := newTestCrowd(1)
	if err := visitors[0].result([]byte(`{"errors":[{"message":"slow down"}]}`)); err == nil {
		t.Error("no error")
	}
}

func TestEveryPollerAsksOnceInEachInterval(t *testing.T) {
	c, _ := newTestCrowd(0)
	for range 3 {
		c.pollers = append(c.pollers, new(poller))
	}
	c.began = time.Unix(1000, 0)
	c.phases = []time.Duration{100 * time.Millisecond, 150 * time.Millisecond, 900 * time.Millisecond}
	for poll, want := range []time.Duration{100, 150, 900, 1100, 1150, 1900, 2100} {
		if got := c.pollAt(poll).Sub(c.began); got != want*time.Millisecond {
			t.Errorf("poll %d: after %v, want %v", poll, got, want*time.Millisecond)
		}
	}
}

func TestPageScenariosAreValid(t *testing.T) {
	for name, sc := range pageScenarios {
		if err := sc.validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, ok := scenarios[name]; ok {
			t.Errorf("%s is the name of two scenarios", name)
		}
	}
	for name, sc := range map[string]pageScenario{
		"more pages than there are": {visitors: 1000, pages: most + 1, every: time.Second},
		"fewer visitors than pages": {visitors: 9, pages: 10, every: time.Second},
		"a negative throttle":       {visitors: 1, pages: 1, throttle: -1, every: time.Second},
		"no time between writes":    {visitors: 1, pages: 1},
	} {
		if sc.validate() == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

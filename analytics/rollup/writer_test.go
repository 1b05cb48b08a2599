package rollup

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-gateway/sluice/analytics"
)

func TestCloseSaysWhatIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, recorder := newMemory(), analytics.NewRecorder(analytics.Options{})
		r := start(m, recorder, Options{})
		m.set(true)
		deliver(begin(recorder, prices), 7)
		for range 2 {
			if err := r.Close(t.Context()); !errors.Is(err, errAway) {
				t.Errorf("the error is %v", err)
			}
		}
	})
}

// A connection that is lost when a transaction ends leaves it open whether the batch is in the store.
func TestABatchOfUncertainFateCountsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, recorder := newMemory(), analytics.NewRecorder(analytics.Options{})
		m.fails = func() (bool, bool) { return false, m.attempts%3 != 0 }
		r := start(m, recorder, Options{})
		op := begin(recorder, prices)
		for range 40 {
			deliver(op, 1)
			time.Sleep(700 * time.Millisecond)
		}
		m.set(false)
		end(t, r)
		for _, step := range Steps {
			if got := m.ever(step); got.Events != 40 || got.Started != 1 {
				t.Errorf("by %s: %+v, want 40 events", step, got)
			}
		}
		if m.attempts <= len(m.batches) {
			t.Errorf("%d attempts for %d batches", m.attempts, len(m.batches))
		}
	})
}

func TestAStoreThatHangsHoldsNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, recorder := newMemory(), analytics.NewRecorder(analytics.Options{})
		m.hangs = make(chan struct{})
		r := start(m, recorder, Options{})
		op := begin(recorder, prices)
		begun := time.Now()
		time.Sleep(time.Second / 2)
		for range 20 {
			deliver(op, 1)
			time.Sleep(time.Second)
		}
		if h := r.Health(); h.Waiting == 0 {
			t.Errorf("the health is %+v", h)
		}
		close(m.hangs)
		end(t, r)
		for n := range 20 {
			if got := m.at(Second, begun.Add(time.Duration(n)*time.Second))[prices]; got == nil || got.Counts.Events != 1 {
				t.Errorf("second %d has %+v", n, got)
			}
		}
	})
}

func TestWhileTheStoreIsAwayTheOldestSecondsAreDroppedFirst(t *testing.T) {
	for _, c := range []struct {
		name    string
		waiting int
		away    time.Duration
		seconds int64 // that are kept
	}{
		{"for a short time nothing is", 0, 9 * time.Minute, 540},
		{"after ten minutes the oldest are", 0, 15 * time.Minute, 600},
		{"of more rows than may wait the oldest are", 100, 5 * time.Minute, 93}, // five minutes, an hour and a day wait, too
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m, recorder := newMemory(), analytics.NewRecorder(analytics.Options{})
				m.set(true)
				r := start(m, recorder, Options{Waiting: c.waiting})
				op := begin(recorder, prices)
				seconds := int64(c.away / time.Second)
				for range seconds {
					time.Sleep(time.Second / 2)
					deliver(op, 1)
					time.Sleep(time.Second / 2)
				}
				synctest.Wait()
				if h := r.Health(); !errors.Is(h.Err, errAway) {
					t.Errorf("the health is %+v", h)
				}
				m.set(false)
				dropped := r.Health().Dropped
				end(t, r)
				for _, step := range []Step{Minute, Hour, Day} {
					if got := m.ever(step).Events; got != seconds {
						t.Errorf("by %s: %d events, want %d", step, got, seconds)
					}
				}
				got := m.ever(Second).Events // the first batch is held as it is
				if got < c.seconds || got > c.seconds+4 || got+dropped != seconds {
					t.Errorf("by second: %d events, and %d rows dropped, want %d", got, dropped, c.seconds)
				}
			})
		})
	}
}

func TestALongOutageDropsMinutesAndKeepsDays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, recorder := newMemory(), analytics.NewRecorder(analytics.Options{})
		m.set(true)
		r := start(m, recorder, Options{Waiting: 50})
		op := begin(recorder, prices)
		time.Sleep(time.Second / 2) // between two looks: in the middle of one more may wait
		for range 2 * 60 {
			deliver(op, 1)
			time.Sleep(time.Minute)
		}
		m.set(false)
		if h := r.Health(); h.Waiting > 50+5 {
			t.Errorf("%d rows wait", h.Waiting)
		}
		end(t, r)
		if got := m.ever(Day).Events; got != 120 {
			t.Errorf("the day has %d events, want 120", got)
		}
		if got := m.ever(Minute).Events; got < 40 || got >= 50 {
			t.Errorf("%d minutes were kept", got)
		}
	})
}

// After a day the store may have forgotten what the node has added.
func TestABatchIsNotTriedForADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, recorder := newMemory(), analytics.NewRecorder(analytics.Options{})
		m.fails = func() (bool, bool) { return m.attempts > 1, true } // the first is added, and nobody knows
		r := start(m, recorder, Options{})
		op := begin(recorder, prices)
		deliver(op, 1)
		op.End("")
		time.Sleep(13 * time.Hour)
		m.mu.Lock()
		clear(m.latest)
		m.mu.Unlock()
		m.set(false)
		end(t, r)
		if got := m.ever(Day); got.Events != 1 {
			t.Errorf("%d events, want 1", got.Events)
		}
	})
}

func TestOldStepsAreForgottenEveryMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		r := start(m, analytics.NewRecorder(analytics.Options{}), Options{})
		time.Sleep(10*time.Minute + 30*time.Second)
		end(t, r)
		if n := len(m.pruned); n < 10 || n > 11 {
			t.Errorf("%d times in ten minutes", n)
		}
		if len(m.batches) != 0 {
			t.Errorf("%d batches of nothing", len(m.batches))
		}
	})
}

// Of two processes by mistake of one name, or one whose clock was set back, the older one's were lost.
func TestWhatProcessesOfOneNameCountIsAllInTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		var rollers []*Roller
		var operations []*analytics.Record
		for range 3 {
			recorder := analytics.NewRecorder(analytics.Options{})
			rollers = append(rollers, start(m, recorder, Options{Node: "the same"}))
			operations = append(operations, begin(recorder, prices))
			time.Sleep(1500 * time.Millisecond)
		}
		for range 10 {
			for _, op := range operations {
				deliver(op, 1)
			}
			time.Sleep(time.Second)
		}
		for _, r := range rollers { // the oldest first
			end(t, r)
		}
		for _, step := range Steps {
			if got := m.ever(step); got.Events != 30 || got.Started != 3 {
				t.Errorf("by %s: %+v, want 30 events of 3 operations", step, got)
			}
		}
	})
}

func TestARestartedNodeAddsToWhatItHasCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		for range 3 {
			recorder := analytics.NewRecorder(analytics.Options{})
			r := start(m, recorder, Options{Node: "the same"})
			deliver(begin(recorder, prices), 1)
			time.Sleep(time.Second)
			end(t, r)
		}
		if got := m.ever(Day); got.Events != 3 {
			t.Errorf("%d events, want 3", got.Events)
		}
	})
}

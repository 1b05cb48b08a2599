package rollup

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-gateway/sluice/analytics"
)

func TestWhatIsCountedIsInEveryStepAfterTwoSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, recorder := newMemory(), analytics.NewRecorder(analytics.Options{})
		r := start(m, recorder, Options{Node: "n1"})
		begun := time.Now() // a full second
		op := begin(recorder, prices)
		deliver(op, 3)
		time.Sleep(1500 * time.Millisecond)
		deliver(op, 2)
		recorder.Refused(prices, "COST_LIMIT")
		op.Drop(1, analytics.DropSlow)
		op.Fail()
		op.End("INTERNAL")
		time.Sleep(600 * time.Millisecond)
		synctest.Wait()
		first := Counts{Started: 1, Events: 3, Bytes: 30, ConnectedMillis: 1000}
		second := Counts{Ended: 1, Refused: 1, Events: 2, Bytes: 20, Failed: 1, ConnectedMillis: 500}
		second.Dropped[analytics.DropSlow] = 1
		if got := m.at(Second, begun)[prices]; got == nil || got.Counts != first {
			t.Errorf("the first second: %+v", got)
		}
		if got := m.at(Second, begun.Add(time.Second))[prices]; got == nil || got.Counts != second {
			t.Errorf("the second one: %+v", got)
		}
		for _, step := range []Step{Minute, Hour, Day} {
			got := m.at(step, begun)[prices]
			if got == nil || got.Counts != first.Plus(second) || !maps.Equal(got.Endings, map[string]int64{"COST_LIMIT": 1, "INTERNAL": 1}) {
				t.Errorf("the %s: %+v", step, got)
			}
		}
		if len(m.batches) != 1 || !strings.HasPrefix(m.batches[0].Node, "n1.") {
			t.Errorf("%d batches, the first of %s", len(m.batches), m.batches[0].Node)
		}
		if h := r.Health(); h.Err != nil || h.Waiting != 0 || h.Dropped != 0 || h.Written.IsZero() {
			t.Errorf("the health is %+v", h)
		}
		end(t, r)
	})
}

func TestCloseWritesTheLastSecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, recorder := newMemory(), analytics.NewRecorder(analytics.Options{})
		r := start(m, recorder, Options{})
		time.Sleep(3400 * time.Millisecond)
		deliver(begin(recorder, prices), 7)
		end(t, r)
		end(t, r)
		if got := m.at(Second, time.Now())[prices]; got == nil || got.Counts.Events != 7 {
			t.Errorf("the second of the end has %+v", got)
		}
	})
}

func TestWhatASeriesHadThatGaveWayIsNotLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, recorder := newMemory(), analytics.NewRecorder(analytics.Options{Series: 8, Idle: 1100 * time.Millisecond})
		r := start(m, recorder, Options{})
		for i := range 300 {
			l := prices
			l.Client = fmt.Sprint(i)
			op := begin(recorder, l)
			deliver(op, 2)
			op.End("INTERNAL")
			time.Sleep(290 * time.Millisecond)
		}
		// The same labels again are another series, which counts from 0.
		for range 3 {
			op := begin(recorder, prices)
			deliver(op, 100)
			op.End("")
			time.Sleep(5 * time.Second)
		}
		end(t, r)
		want := recorder.Totals()
		for _, step := range Steps {
			if got := m.ever(step); got.Events != int64(want.Events) || got.Ended != int64(want.Ended) {
				t.Errorf("by %s: %d events of %d operations, want %d of %d", step, got.Events, got.Ended, want.Events, want.Ended)
			}
		}
	})
}

func TestThousandsOfSeriesAreBoundedAndAddUp(t *testing.T) {
	for _, c := range []struct {
		name              string
		series, consumers int
		second, longer    told
	}{
		{"few have their own place", 250, 100, told{250, 0, 0}, told{250, 0, 0}},
		{"of many the consumers still have", 2000, 100, told{263, 37, 1}, told{1750, 100, 0}},
		{"of more, too", 2500, 100, told{263, 37, 1}, told{1750, 100, 0}},
		{"of many consumers the first still have", 3000, 3000, told{263, 37, 1}, told{1750, 250, 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m, recorder := newMemory(), analytics.NewRecorder(analytics.Options{Series: 10_000})
				r := start(m, recorder, Options{})
				begun := time.Now()
				operations := make([]offers, c.series)
				for i := range operations {
					l := prices
					l.Operation, l.Consumer = fmt.Sprint(i), fmt.Sprint(i%c.consumers)
					begin(recorder, l).CountedBy(&operations[i])
				}
				time.Sleep(time.Second / 2)
				for range 5 {
					for i := range operations { // of those with as many it would be chance who have their own places
						operations[i].Add(1 + uint64(i))
					}
					time.Sleep(time.Second)
				}
				end(t, r)
				for step, want := range map[Step]told{Second: c.second, Minute: c.longer, Hour: c.longer, Day: c.longer} {
					if got := toldApart(m.at(step, begun)); got != want {
						t.Errorf("a %s has %+v, want %+v", step, got, want)
					}
				}
				for l, e := range m.at(Second, begun.Add(time.Second)) { // those with most events have their own places
					if l.Operation != analytics.Other && e.Counts.Events <= int64(c.series-c.second.own) {
						t.Errorf("%s with %d events has its own place", l.Operation, e.Counts.Events)
					}
				}
				want := recorder.Totals()
				for _, step := range Steps {
					if got := m.ever(step); got.Events != int64(want.Events) || got.Bytes != int64(want.Bytes) || got.Started != int64(c.series) {
						t.Errorf("by %s: %+v, want %+v", step, got, want)
					}
				}
			})
		})
	}
}

// offers are events that somebody else counts, of 10 bytes each.
type offers struct{ atomic.Uint64 }

func (o *offers) Offered() (events, bytes uint64) {
	events = o.Load()
	return events, 10 * events
}

// told is how many names are told apart, by how much these tell.
type told struct{ own, common, crowd int }

func toldApart(entries map[analytics.Labels]*Entry) (n told) {
	for l := range entries {
		switch l {
		case crowd(l):
			n.crowd++
		case common(l):
			n.common++
		default:
			n.own++
		}
	}
	return n
}

func TestNamesThatStrangersMakeUpCostNoConsumerItsFigures(t *testing.T) {
	refused := func(recorder *analytics.Recorder, l analytics.Labels) { recorder.Refused(l, "UNAUTHENTICATED") }
	busy := func(recorder *analytics.Recorder, l analytics.Labels) {
		op := begin(recorder, l)
		deliver(op, 200)
		op.End("")
	}
	for _, c := range []struct {
		name  string
		does  func(*analytics.Recorder, analytics.Labels)
		pause time.Duration // of the strangers after each of their rounds
	}{
		{"before it", refused, 3500 * time.Millisecond},
		{"in the same second, with more events", busy, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m, recorder := newMemory(), analytics.NewRecorder(analytics.Options{Series: 5000, Idle: time.Second})
				r := start(m, recorder, Options{})
				begun := time.Now()
				for round := range 2 {
					for i := range 1500 {
						c.does(recorder, analytics.Labels{Operation: "x", Transport: "http", Client: "c", Version: fmt.Sprint(round, " ", i)})
					}
					time.Sleep(c.pause)
				}
				op := begin(recorder, prices)
				deliver(op, 100)
				op.End("")
				time.Sleep(1100 * time.Millisecond)
				end(t, r)
				want := recorder.Totals()
				for _, step := range Steps {
					if got := m.of(step, prices.Consumer); got.Events != 100 || got.Started != 1 {
						t.Errorf("by %s: the consumer has %+v, want 100 events", step, got)
					}
					if got := m.ever(step); got.Events != int64(want.Events) || got.Started != int64(want.Started) || got.Refused != int64(want.Refused) {
						t.Errorf("by %s: %+v in all, want %+v", step, got, want)
					}
					most := mostInStep
					if step == Second {
						most = 300
					}
					if n := len(m.at(step, begun)); n > most {
						t.Errorf("a %s has %d series", step, n)
					}
				}
			})
		})
	}
}

// Whatever happens, every step has the sum of the shorter ones in it, and all have what the recorder has.
func TestTheSumsOfAllStepsAreEqual(t *testing.T) {
	for range 2 {
		seed := rand.Uint64()
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { sumsAreEqual(t, rand.New(rand.NewPCG(seed, 0))) })
		})
	}
}

func sumsAreEqual(t *testing.T, random *rand.Rand) {
	time.Sleep(23*time.Hour + 40*time.Minute) // the next day is near
	m, recorder := newMemory(), analytics.NewRecorder(analytics.Options{Series: 30, Idle: time.Minute})
	failing := rand.New(rand.NewPCG(random.Uint64(), 0)) // it is asked by another goroutine
	m.fails = func() (bool, bool) { return failing.IntN(10) == 0, failing.IntN(10) == 0 }
	r := start(m, recorder, Options{Series: 8})
	var running []*analytics.Record
	for began := time.Now(); time.Since(began) < time.Hour; {
		switch random.IntN(6) {
		case 0, 1:
			l := prices
			l.Operation, l.Consumer = fmt.Sprint(random.IntN(20)), fmt.Sprint(random.IntN(4))
			running = append(running, begin(recorder, l))
		case 2, 3:
			for _, op := range running {
				deliver(op, random.IntN(9))
			}
		case 4:
			recorder.Refused(prices, fmt.Sprint("CODE_", random.IntN(5)))
		case 5:
			if n := len(running); n > 0 {
				running[n-1].Drop(2, analytics.Drop(random.IntN(int(analytics.Drops))))
				running[n-1].End([]string{"", "INTERNAL"}[random.IntN(2)])
				running = running[:n-1]
			}
		}
		time.Sleep(time.Duration(random.ExpFloat64() * float64(20*time.Second)))
	}
	synctest.Wait()
	m.set(false)
	end(t, r)
	want := recorder.Totals()
	for i, step := range Steps {
		got, endings := m.total(step, time.Time{}, time.Now().Add(48*time.Hour))
		if got.Events != int64(want.Events) || got.Bytes != int64(want.Bytes) || got.Started != int64(want.Started) ||
			got.Ended != int64(want.Ended) || got.Refused != int64(want.Refused) || got.Drops() == 0 || endings["CODE_1"] != int64(want.Endings["CODE_1"]) {
			t.Errorf("by %s: %+v, want %+v", step, got, want)
		}
		if off := want.ConnectedMillis - got.ConnectedMillis; off < 0 || off > 80 { // a millisecond for each series
			t.Errorf("by %s: %d ms of connected time are missing", step, off)
		}
		if i == 0 {
			continue
		}
		for at := range m.entries {
			if at.step != step {
				continue
			}
			long, codes := m.total(step, at.time(), at.time().Add(step.Length()))
			short, parts := m.total(Steps[i-1], at.time(), at.time().Add(step.Length()))
			if long != short || !maps.Equal(codes, parts) {
				t.Errorf("the %s at %v has %+v, its parts have %+v", step, at.time(), long, short)
			}
		}
	}
}

func BenchmarkLook(b *testing.B) {
	for _, n := range []int{300, 2000} {
		b.Run(fmt.Sprint(n, " active series"), func(b *testing.B) {
			recorder := analytics.NewRecorder(analytics.Options{Series: 10_000})
			operations := make([]*analytics.Record, n)
			for i := range operations {
				l := prices
				l.Operation, l.Consumer = fmt.Sprint(i), fmt.Sprint(i%100)
				operations[i] = begin(recorder, l)
			}
			to := &pending{sheets: make(map[place]*sheet)}
			l := newLooker(recorder, Options{}.withDefaults(), to)
			b.ReportAllocs()
			for b.Loop() {
				for _, op := range operations {
					op.Deliver(100)
				}
				l.look()
				to.take()
			}
		})
	}
}

package rollup

import (
	"cmp"
	"slices"
	"time"

	"github.com/sluice-gateway/sluice/analytics"
)

// mostFields is how many fields have their own latencies in a second: each is some thirty rows.
const mostFields = 50

// A looker takes the differences between one look and the next. It is its goroutine's alone.
type looker struct {
	recorder  *analytics.Recorder
	latencies func() map[string]*analytics.Latency
	gauges    func() map[string]int64
	to        *pending

	last   time.Time // when it looked
	looks  int
	series map[*analytics.Series]*track
	fields map[*analytics.Latency]*timed
	census [len(Steps)]census
	gains  []gain // of one look
}

// A track is what was taken of a series.
type track struct {
	names names
	told  analytics.Counts
	seen  int // in which look
}

// A gain is what is new of a series.
type gain struct {
	of      *track
	counts  Counts
	endings map[string]int64
}

// A timed is what was taken of a latency.
type timed struct {
	field string
	told  analytics.Sketch
	seen  int
}

func newLooker(recorder *analytics.Recorder, o Options, to *pending) *looker {
	l := &looker{
		recorder: recorder, latencies: o.Latencies, gauges: o.Gauges, to: to, last: time.Now(),
		series: make(map[*analytics.Series]*track), fields: make(map[*analytics.Latency]*timed),
	}
	for i, step := range Steps {
		l.census[i] = census{most: mostInStep, known: make(map[handle]struct{})}
		if step == Second {
			l.census[i].most = o.Series
		}
	}
	return l
}

// look takes everything that is new, and adds it to the second in which the middle of the time since the
// last look was: looks come a little after a second has ended, or late.
func (l *looker) look() {
	now := time.Now()
	passed := now.Sub(l.last).Truncate(time.Millisecond)
	l.last = l.last.Add(passed) // the rest belongs to the next
	l.looks++
	middle := now.Add(-passed / 2)
	l.lookAtSeries(middle)
	l.lookAtLatencies(middle)
	l.lookAtGauges(now, passed)
}

func (l *looker) lookAtSeries(at time.Time) {
	l.gains = l.gains[:0]
	for _, s := range l.recorder.All() {
		t := l.series[s]
		if t == nil {
			t = &track{names: namesOf(s.Labels())}
			l.series[s] = t
		}
		t.seen = l.looks
		l.take(t, s)
	}
	for s, t := range l.series {
		if t.seen != l.looks { // it gave way, perhaps with something that was new
			l.take(t, s)
			delete(l.series, s)
		}
	}
	if len(l.gains) > l.census[0].own() { // those with most come first, and have their own places
		slices.SortFunc(l.gains, func(a, b gain) int {
			return cmp.Or(cmp.Compare(b.counts.Events, a.counts.Events), cmp.Compare(b.counts.Started, a.counts.Started),
				cmp.Compare(b.counts.Refused, a.counts.Refused))
		})
	}
	for i, step := range Steps {
		place := placeOf(step, at)
		for j := range l.gains {
			g := &l.gains[j]
			l.to.count(place, l.census[i].name(place, &g.of.names), g)
		}
	}
}

func (l *looker) take(t *track, s *analytics.Series) {
	counts, endings := since(&t.told, s.Counts())
	if counts != (Counts{}) || endings != nil {
		l.gains = append(l.gains, gain{t, counts, endings})
	}
}

func (l *looker) lookAtLatencies(at time.Time) {
	if l.latencies == nil {
		return
	}
	var fresh []Timing
	take := func(t *timed, of *analytics.Latency) {
		now := of.Counts()
		if s := now.Since(t.told); len(s) > 0 {
			fresh = append(fresh, Timing{Field: t.field, Sketch: s})
		}
		t.told = now
	}
	for field, latency := range l.latencies() {
		t := l.fields[latency]
		if t == nil {
			t = &timed{field: clean(field)}
			l.fields[latency] = t
		}
		t.seen = l.looks
		take(t, latency)
	}
	for latency, t := range l.fields {
		if t.seen != l.looks {
			take(t, latency)
			delete(l.fields, latency)
		}
	}
	if len(fresh) > mostFields {
		slices.SortFunc(fresh, func(a, b Timing) int { return cmp.Compare(b.Sketch.Total(), a.Sketch.Total()) })
		for i := range fresh[mostFields:] {
			fresh[mostFields+i].Field = analytics.Other
		}
	}
	for _, step := range Steps {
		for _, t := range fresh {
			l.to.time(placeOf(step, at), t.Field, t.Sketch)
		}
	}
}

// lookAtGauges takes gauges to have stood where they stand for the time that has passed, in each second
// for its part.
func (l *looker) lookAtGauges(now time.Time, passed time.Duration) {
	if l.gauges == nil {
		return
	}
	passed = min(passed, longestWait) // the process was stopped
	for name, value := range l.gauges() {
		if value == 0 {
			continue
		}
		for from := now.Add(-passed); from.Before(now); {
			to := from.Truncate(time.Second).Add(time.Second)
			if to.After(now) {
				to = now
			}
			millis := to.UnixMilli() - from.UnixMilli()
			for _, step := range Steps {
				l.to.level(placeOf(step, from), clean(name), value*millis)
			}
			from = to
		}
	}
}

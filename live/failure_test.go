package live

import (
	"slices"
	"testing"
	"time"
)

// seconds are durations of so many.
func seconds(n ...int) (all []time.Duration) {
	for _, s := range n {
		all = append(all, time.Duration(s)*time.Second)
	}
	return all
}

func TestFailedRunsAreRepeatedEverLessOften(t *testing.T) {
	for _, tt := range []struct {
		name     string
		interval time.Duration
		want     []time.Duration
	}{
		{"after a second, then twice as long each time", 100 * time.Millisecond, seconds(1, 2, 4, 8, 16, 30, 30, 30)},
		{"but no more often than the interval says", 5 * time.Second, seconds(5, 5, 5, 8, 16, 30, 30, 30)},
		{"where the interval is longest, after that", time.Minute, seconds(60, 60, 60, 60, 60, 60, 60, 60)},
	} {
		for _, failure := range []string{"errors", "panics"} {
			t.Run(tt.name+", of "+failure, func(t *testing.T) {
				bubble(t, func(t *testing.T, g *Groups) {
					q := &query{interval: tt.interval, answer: "null", fails: failure == "errors", panics: failure == "panics"}
					join(t, g, q)
					for len(q.waits()) < len(tt.want) {
						pass(100 * time.Millisecond)
						g.InvalidateAll() // hurries nothing
					}
					if got := q.waits(); !slices.Equal(got, tt.want) {
						t.Errorf("the waits are %v, want %v", got, tt.want)
					}
				})
			})
		}
	}
}

func TestFailuresThatLastForLongWaitNoLonger(t *testing.T) {
	bubble(t, func(t *testing.T, g *Groups) {
		q := &query{interval: time.Second, answer: "null", fails: true}
		join(t, g, q)
		pass(40 * time.Minute)
		if waits := q.waits(); waits[len(waits)-1] != maxBackoff {
			t.Errorf("the last wait is %v", waits[len(waits)-1])
		}
	})
}

func TestAFailedResultIsToldOnceAndThenTheGoodOneAgain(t *testing.T) {
	bubble(t, func(t *testing.T, g *Groups) {
		q := &query{interval: time.Second, poll: time.Hour, answer: "1", keys: []string{"a", "b"}}
		r, _ := join(t, g, q)
		pass(5 * time.Second)
		q.set(func() { q.fails, q.answer, q.keys = true, "oops", []string{"c"} })
		g.Invalidate("a")
		pass(time.Minute)
		wantGot(t, r, "1", "oops")
		if s := g.Stats(); s.Keys != 3 {
			t.Errorf("%d keys, want those from before and those of the failure", s.Keys)
		}
		late, _ := join(t, g, q)
		pass(0)
		wantGot(t, late, "oops")
		q.set(func() { q.answer = "another" })
		pass(maxBackoff)
		wantGot(t, r, "another")
		q.set(func() { q.fails, q.answer, q.keys = false, "1", []string{"a"} })
		pass(maxBackoff)
		wantGot(t, r, "1")
		wantGot(t, late, "another", "1")
		if s := g.Stats(); s.Keys != 1 || s.Failures < 5 {
			t.Errorf("%+v", s)
		}
		// The next failure is the first again.
		pass(5 * time.Second)
		before := q.runs()
		q.set(func() { q.fails, q.answer = true, "oops" })
		g.Invalidate("a")
		pass(1500 * time.Millisecond)
		if got := q.runs() - before; got != 2 {
			t.Errorf("%d runs in 1.5 s after a new failure, want 2", got)
		}
	})
}

func TestAChangeWhileItFailsIsNotForgotten(t *testing.T) {
	bubble(t, func(t *testing.T, g *Groups) {
		q := &query{interval: time.Second, answer: "1", keys: []string{"a"}}
		join(t, g, q)
		pass(5 * time.Second)
		q.set(func() { q.panics = true })
		g.Invalidate("a")
		pass(0)
		q.set(func() { q.panics, q.answer = false, "2" })
		// What there is was made before the change.
		r, _ := join(t, g, q)
		pass(0)
		wantGot(t, r, "2")
		wantRuns(t, q, 3)
	})
}

func TestThoseWhoLeaveWhileItPanicsAreForgotten(t *testing.T) {
	bubble(t, func(t *testing.T, g *Groups) {
		q := &query{interval: time.Second, answer: "1", panics: true}
		r, _ := join(t, g, q)
		for range 1000 {
			_, m := join(t, g, q)
			m.Leave()
			pass(10 * time.Millisecond)
		}
		if n := remembered(g, Key{1}); n != 1 {
			t.Errorf("%d members are remembered, want 1", n)
		}
		q.set(func() { q.panics = false })
		pass(maxBackoff)
		wantGot(t, r, "1")
	})
}

func TestThoseWhoLeaveWhileItIsStuckAreForgotten(t *testing.T) {
	bubble(t, func(t *testing.T, g *Groups) {
		q := &query{interval: time.Second, answer: "1", takes: 10 * time.Second}
		r, _ := join(t, g, q)
		for range 1000 {
			_, m := join(t, g, q)
			m.Leave()
		}
		if n := remembered(g, Key{1}); n != 1 {
			t.Errorf("%d members are remembered, want 1", n)
		}
		pass(10 * time.Second)
		wantGot(t, r, "1")
	})
}

// panicking is a member that panics, each time.
type panicking struct{ recorder }

func (p *panicking) Next(v *Version) {
	p.recorder.Next(v)
	panic("a member of a test panics")
}

func TestAMemberThatPanicsHarmsNobody(t *testing.T) {
	bubble(t, func(t *testing.T, g *Groups) {
		q := &query{interval: time.Second, answer: "1", keys: []string{"a"}}
		p := new(panicking)
		if _, err := g.Join(Key{1}, q.spec, p, false); err != nil {
			t.Fatal(err)
		}
		r, _ := join(t, g, q)
		pass(5 * time.Second)
		q.answers("2")
		g.Invalidate("a")
		pass(0)
		wantGot(t, r, "1", "2")
		wantGot(t, &p.recorder, "1", "2")
	})
}

func TestAPatchWhoseMakingPanicsIsNone(t *testing.T) {
	bubble(t, func(t *testing.T, g *Groups) {
		q := &query{interval: time.Second, answer: "1", keys: []string{"a"}}
		r := new(recorder)
		if _, err := g.Join(Key{1}, q.spec, r, true); err != nil {
			t.Fatal(err)
		}
		g.byKey[Key{1}].differ.find = func(_, _ []byte) []byte { panic("a comparison of a test panics") }
		pass(5 * time.Second)
		q.answers("2")
		g.Invalidate("a")
		pass(0)
		if len(r.got) != 2 || r.got[1].Patch() != nil {
			t.Errorf("%d versions", len(r.got))
		}
		wantGot(t, r, "1", "2")
	})
}

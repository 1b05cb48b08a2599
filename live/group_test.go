package live

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"
)

// What a member gets first is not older than its joining; that is paid with a run only where it must be.
func TestALateJoiner(t *testing.T) {
	for _, tt := range []struct {
		name   string
		first  time.Duration // how long the first run takes
		before func(g *Groups, q *query)
		want   []string
		after  time.Duration // the joining
		runs   int
	}{
		{
			"gets the current result at once", 0, func(*Groups, *query) { pass(100 * time.Millisecond) },
			[]string{"1"},
			0, 1,
		},
		{"gets it whatever has changed that it was not made from", 0, func(g *Groups, _ *query) {
			pass(100 * time.Millisecond)
			g.Invalidate("b")
		}, []string{"1"}, 0, 1},
		{"needs a run that the interval delays for the others", 0, func(g *Groups, q *query) {
			pass(100 * time.Millisecond)
			q.answers("2")
			g.Invalidate("a")
		}, []string{"2"}, 0, 2},
		{"needs a run that shows no difference", 0, func(g *Groups, _ *query) {
			pass(100 * time.Millisecond)
			g.Invalidate("a")
		}, []string{"1"}, 0, 2},
		{
			"takes what is being made", time.Second, func(*Groups, *query) { pass(400 * time.Millisecond) },
			[]string{"1"},
			600 * time.Millisecond, 1,
		},
		{"waits for the run after one that an invalidation of everything overtakes", time.Second, func(g *Groups, q *query) {
			pass(400 * time.Millisecond)
			q.set(func() { q.answer, q.takes = "2", 0 })
			g.InvalidateAll()
		}, []string{"2"}, 600 * time.Millisecond, 2},
		{"waits for the run after one that tells afterwards what changed", time.Second, func(g *Groups, q *query) {
			pass(400 * time.Millisecond)
			q.set(func() { q.answer, q.takes = "2", 0 })
			g.Invalidate("a")
		}, []string{"2"}, 600 * time.Millisecond, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, g *Groups) {
				q := &query{interval: 10 * time.Second, answer: "1", keys: []string{"a"}, takes: tt.first}
				join(t, g, q)
				tt.before(g, q)
				joined := time.Now()
				r, _ := join(t, g, q)
				pass(5 * time.Second)
				if len(r.at) > 0 && r.at[0].Sub(joined) != tt.after {
					t.Errorf("after %v, want %v", r.at[0].Sub(joined), tt.after)
				}
				wantGot(t, r, tt.want...)
				wantRuns(t, q, tt.runs)
			})
		})
	}
}

func TestAnInvalidationHoldsThoughAnotherOneWasFirstAndIsSlow(t *testing.T) {
	bubble(t, func(t *testing.T, g *Groups) {
		q := &query{interval: 10 * time.Second, answer: "1", keys: []string{"a", "b"}}
		join(t, g, q)
		pass(time.Second)
		q.answers("2")
		g.index.find([]string{"a"}) // the slow one has yet to tell the group
		g.Invalidate("b")
		r, _ := join(t, g, q)
		pass(0)
		wantGot(t, r, "2")
		wantRuns(t, q, 2)
	})
}

func TestAMemberFromBeforeGetsWhatIsOvertaken(t *testing.T) {
	bubble(t, func(t *testing.T, g *Groups) {
		q := &query{interval: 10 * time.Second, answer: "1", keys: []string{"a"}, takes: time.Second}
		early, _ := join(t, g, q)
		pass(400 * time.Millisecond)
		q.answers("2")
		g.Invalidate("a")
		pass(600 * time.Millisecond)
		wantGot(t, early, "1")
		pass(8 * time.Second)
		wantRuns(t, q, 1)
		pass(2 * time.Second)
		wantGot(t, early, "2")
	})
}

func TestAJoinerThatLeavesHurriesNobody(t *testing.T) {
	bubble(t, func(t *testing.T, g *Groups) {
		q := &query{interval: 10 * time.Second, answer: "1", keys: []string{"a"}, takes: time.Second}
		join(t, g, q)
		pass(400 * time.Millisecond)
		_, m := join(t, g, q)
		m.Leave()
		g.Invalidate("a")
		pass(5 * time.Second)
		wantRuns(t, q, 1)
	})
}

func TestABurstIsCoalesced(t *testing.T) {
	bubble(t, func(t *testing.T, g *Groups) {
		q := &query{interval: time.Second, answer: "0", keys: []string{"a"}}
		r, _ := join(t, g, q)
		pass(5 * time.Second)
		begin := time.Now()
		for i := range 350 { // 3.5 s
			q.answers(string(rune('a' + i%26)))
			g.Invalidate("a")
			pass(10 * time.Millisecond)
		}
		q.answers("last")
		g.Invalidate("a")
		pass(10 * time.Second)
		if got := q.began[1].Sub(begin); got != 0 {
			t.Errorf("the first change is told after %v", got)
		}
		for _, wait := range q.waits()[1:] {
			if wait != time.Second {
				t.Errorf("%v between two runs, want 1s", wait)
			}
		}
		wantRuns(t, q, 6) // at first, at 0, 1, 2, 3 and 4 s
		if got := r.data(); got[len(got)-1] != "last" {
			t.Errorf("the last of %q is not the last", got)
		}
	})
}

func TestWhatOvertakesARun(t *testing.T) {
	for _, tt := range []struct {
		name       string
		keys, then []string // of the first run that succeeds, and of the second
		invalidate func(g *Groups)
		runs       int
	}{
		{"a key that is known before", []string{"a"}, []string{"a"}, func(g *Groups) { g.Invalidate("a") }, 3},
		{"a key that only the run tells", []string{"a"}, []string{"b"}, func(g *Groups) { g.Invalidate("x", "b") }, 3},
		{"nothing that it was not made from", []string{"a"}, []string{"b"}, func(g *Groups) { g.Invalidate("c") }, 2},
		{"any of more keys than are remembered", nil, nil, func(g *Groups) {
			for i := range logged + 1 {
				g.Invalidate(string(rune(1000 + i)))
			}
		}, 3},
		{"none of as many as are remembered", nil, nil, func(g *Groups) {
			for i := range logged {
				g.Invalidate(string(rune(1000 + i)))
			}
		}, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, g *Groups) {
				q := &query{interval: time.Second, answer: "1", keys: append(tt.keys, "start")}
				join(t, g, q)
				pass(5 * time.Second)
				q.set(func() { q.takes, q.keys = 100*time.Millisecond, tt.then })
				g.Invalidate("start")
				pass(50 * time.Millisecond)
				tt.invalidate(g)
				pass(10 * time.Second)
				wantRuns(t, q, tt.runs)
				if s := g.Stats(); s.Keys != len(tt.then) {
					t.Errorf("%d keys, want %d", s.Keys, len(tt.then))
				}
			})
		})
	}
}

func TestAnUnchangedResultIsHandedToNobody(t *testing.T) {
	bubble(t, func(t *testing.T, g *Groups) {
		q := &query{interval: time.Second, answer: "1", keys: []string{"a"}}
		r, _ := join(t, g, q)
		pass(5 * time.Second)
		g.Invalidate("a")
		late, _ := join(t, g, q)
		pass(5 * time.Second)
		wantRuns(t, q, 2)
		wantGot(t, r, "1")
		wantGot(t, late, "1")
		if s := g.Stats(); s.Unchanged != 1 || s.Deliveries != 2 {
			t.Errorf("%+v", s)
		}
	})
}

func TestVersions(t *testing.T) {
	bubble(t, func(t *testing.T, g *Groups) {
		q := &query{interval: time.Second, answer: `{"a":0,"b":"quite a lot that stays as it is, and more of it"}`, keys: []string{"a"}}
		plain, _ := join(t, g, q)
		pass(5 * time.Second)
		change := func(a string) {
			q.answers(`{"a":` + a + `,"b":"quite a lot that stays as it is, and more of it"}`)
			g.Invalidate("a")
			pass(5 * time.Second)
		}
		change("1")
		patched := new(recorder)
		m, err := g.Join(Key{1}, q.spec, patched, true)
		if err != nil {
			t.Fatal(err)
		}
		pass(0)
		change("2")
		q.set(func() { q.fails = true })
		change("3")
		q.set(func() { q.fails = false })
		change("4")
		change("5")
		m.Leave()
		change("6")
		want := []string{"", "", `[{"value":2,"op":"replace","path":"/a"}]`, "", "", `[{"value":5,"op":"replace","path":"/a"}]`, ""}
		for i, v := range plain.got {
			if v.Number() != uint64(i+1) {
				t.Errorf("version %d has number %d", i+1, v.Number())
			}
			if got := string(v.Patch()); got != want[i] {
				t.Errorf("version %d has patch %s, want %s", i+1, got, want[i])
			}
			if (v.Data() == nil) != (i == 3) {
				t.Errorf("version %d has data %s", i+1, v.Data())
			}
			if want := `{"data":` + string(v.print) + "}"; string(v.Body()) != want {
				t.Errorf("version %d has body %s, want %s", i+1, v.Body(), want)
			}
		}
		if len(plain.got) != len(want) || !slices.Equal(patched.got, plain.got[1:6]) {
			t.Errorf("%d and %d versions", len(plain.got), len(patched.got))
		}
	})
}

func TestARunHasATime(t *testing.T) {
	bubble(t, func(t *testing.T, g *Groups) {
		q := &query{interval: time.Second, poll: 2 * time.Hour, answer: "1", takes: time.Hour}
		join(t, g, q)
		pass(29 * time.Second)
		if running, _ := q.now(); running != 1 {
			t.Fatal("it ended early")
		}
		pass(time.Second)
		if running, err := q.now(); running != 0 || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%d run, the last ended with %v", running, err)
		}
	})
}

func TestRunsAlthoughNothingWasInvalidated(t *testing.T) {
	for _, tt := range []struct {
		name           string
		interval, poll time.Duration
		least, most    time.Duration
	}{
		{"from time to time", time.Second, 0, 27 * time.Second, 33 * time.Second},
		{"as often as is told", time.Second, 5 * time.Second, 5 * time.Second, 5 * time.Second},
		{"as seldom as is told", time.Second, 2 * time.Minute, 2 * time.Minute, 2 * time.Minute},
		{"no more often than the interval says", 10 * time.Second, 5 * time.Second, 10 * time.Second, 10 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, g *Groups) {
				q := &query{interval: tt.interval, poll: tt.poll, answer: "1"}
				r, _ := join(t, g, q)
				pass(20 * tt.most)
				waits := q.waits()
				if len(waits) < 19 || slices.Min(waits) < tt.least || slices.Max(waits) > tt.most {
					t.Errorf("the waits are %v", waits)
				}
				if tt.least < tt.most && slices.Max(waits)-slices.Min(waits) < (tt.most-tt.least)/2 {
					t.Errorf("they differ too little: %v", waits)
				}
				wantGot(t, r, "1")
				q.answers("2")
				pass(tt.most)
				wantGot(t, r, "2")
			})
		})
	}
}

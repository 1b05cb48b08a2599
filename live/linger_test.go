package live

import (
	"testing"
	"time"
)

func TestAGroupWithoutMembers(t *testing.T) {
	for _, tt := range []struct {
		name  string
		after func(g *Groups, q *query) // the last member has left
		want  string                    // what somebody who joins then gets
		runs  int
	}{
		{"remembers its result for a while", func(*Groups, *query) { pass(1900 * time.Millisecond) }, "1", 1},
		{"is forgotten after a while", func(_ *Groups, q *query) { q.answers("2"); pass(2100 * time.Millisecond) }, "2", 2},
		{"does not run", func(g *Groups, _ *query) { g.Invalidate("a"); pass(1900 * time.Millisecond) }, "1", 2},
		{"remembers that its result is old", func(g *Groups, q *query) {
			q.answers("2")
			g.Invalidate("a")
			pass(1900 * time.Millisecond)
		}, "2", 2},
		{"remembers nothing that it should have polled", func(_ *Groups, q *query) {
			q.answers("2")
			pass(1800 * time.Millisecond)
		}, "2", 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, g *Groups) {
				q := &query{interval: time.Second, answer: "1", keys: []string{"a"}}
				if tt.name == "remembers nothing that it should have polled" {
					q.poll = 1500 * time.Millisecond
				}
				_, m := join(t, g, q)
				pass(100 * time.Millisecond)
				m.Leave()
				m.Leave()
				tt.after(g, q)
				r, _ := join(t, g, q)
				pass(0)
				wantGot(t, r, tt.want)
				wantRuns(t, q, tt.runs)
				if s := g.Stats(); s.Groups != 1 || s.Members != 1 || s.Keys != 1 {
					t.Errorf("%+v", s)
				}
				pass(time.Second) // the first lingering would have ended
				q.answers("3")
				g.Invalidate("a")
				pass(time.Second)
				wantGot(t, r, "3")
			})
		})
	}
}

func TestAJoinerTakesWhatIsBeingMadeThoughTheOthersHaveLeft(t *testing.T) {
	bubble(t, func(t *testing.T, g *Groups) {
		q := &query{interval: time.Second, answer: "1", takes: 5 * time.Second}
		_, m := join(t, g, q)
		pass(2 * time.Second)
		m.Leave()
		pass(time.Second)
		r, _ := join(t, g, q)
		pass(2 * time.Second)
		wantGot(t, r, "1")
		wantRuns(t, q, 1)
	})
}

func TestAGroupLingersFromWhenItsLastMemberLeft(t *testing.T) {
	bubble(t, func(t *testing.T, g *Groups) {
		q := &query{interval: time.Second, answer: "1"}
		_, first := join(t, g, q)
		first.Leave()
		pass(1900 * time.Millisecond)
		_, second := join(t, g, q)
		second.Leave()
		pass(1900 * time.Millisecond)
		if s := g.Stats(); s.Groups != 1 {
			t.Errorf("%d groups, want 1", s.Groups)
		}
		pass(200 * time.Millisecond)
		wantNothing(t, g)
	})
}

func TestWhoeverJoinsJustWhenTheLingeringEndsHasAGroup(t *testing.T) {
	bubble(t, func(t *testing.T, g *Groups) {
		q := &query{interval: time.Second, answer: "1", keys: []string{"a"}}
		join(t, g, q)
		r, _ := join(t, g, q)
		g.byKey[Key{1}].retire() // as a timer does that could not be stopped any more
		pass(5 * time.Second)
		q.answers("2")
		g.Invalidate("a")
		pass(0)
		wantGot(t, r, "1", "2")
		if s := g.Stats(); s.Groups != 1 || s.Members != 2 {
			t.Errorf("%+v", s)
		}
	})
}

func TestNothingIsLeftOfAGroup(t *testing.T) {
	for _, tt := range []struct {
		name  string
		query *query
		stay  time.Duration
	}{
		{"that had a result", &query{answer: "1"}, time.Second},
		{"whose only member left at once", &query{answer: "1"}, 0},
		{"that failed", &query{answer: "1", fails: true}, time.Second},
		{"that panicked", &query{answer: "1", panics: true}, time.Second},
		{"that was running", &query{answer: "1", takes: 10 * time.Second}, time.Second},
		{"that told a key twice", &query{answer: "1", keys: []string{"a", "a", "b", "a"}}, time.Minute},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, g *Groups) {
				q := tt.query
				q.interval, q.keys = time.Second, append(q.keys, "a", "b")
				_, m := join(t, g, q)
				_, other := join(t, g, q)
				pass(tt.stay)
				other.Leave()
				m.Leave()
				pass(time.Second)
				if s := g.Stats(); s.Groups != 1 || s.Members != 0 {
					t.Fatalf("it does not linger: %+v", s)
				}
				pass(10 * time.Second)
				wantNothing(t, g)
				runs := q.runs()
				g.Invalidate("a")
				pass(time.Minute)
				wantRuns(t, q, runs)
			})
		})
	}
}

func TestAGroupThatIsForgottenWhileItRunsGivesWayToAnother(t *testing.T) {
	bubble(t, func(t *testing.T, g *Groups) {
		slow := &query{interval: time.Second, answer: "1", keys: []string{"a"}, takes: 10 * time.Second}
		gone, m := join(t, g, slow)
		pass(time.Second)
		m.Leave()
		pass(3 * time.Second)
		q := &query{interval: time.Second, answer: "2", keys: []string{"a"}}
		r, _ := join(t, g, q)
		pass(10 * time.Second)
		wantGot(t, gone)
		wantGot(t, r, "2")
		q.answers("3")
		g.Invalidate("a")
		pass(0)
		wantGot(t, r, "3")
		if s := g.Stats(); s.Groups != 1 || s.Keys != 1 {
			t.Errorf("%+v", s)
		}
	})
}

package live

import (
	"slices"
	"testing"
	"time"
)

// An object changes all the time, and others join and leave: that is no reason for a member to get more.
func TestOthersWhoJoinDoNotBreakAMembersInterval(t *testing.T) {
	bubble(t, func(t *testing.T, g *Groups) {
		q := &query{interval: time.Minute, answer: "0", keys: []string{"a"}}
		r, _ := join(t, g, q)
		pass(time.Second)
		for i := range 200 { // 2 s
			q.answers(string(rune('a' + i%26)))
			g.Invalidate("a")
			_, m := join(t, g, q)
			pass(10*time.Millisecond - 1)
			m.Leave()
		}
		wantGot(t, r, "0")
		wantRuns(t, q, 1+int(2*time.Second/defaults.Hurry)) // newcomers of the last 100 ms wait
		q.answers("last")
		g.Invalidate("a")
		pass(time.Minute)
		wantGot(t, r, "last")
		pass(time.Minute)
		wantGot(t, r)
	})
}

func TestNewcomersShareAHurriedRun(t *testing.T) {
	bubble(t, func(t *testing.T, g *Groups) {
		q := &query{interval: 10 * time.Second, answer: "1", keys: []string{"a"}}
		join(t, g, q)
		pass(time.Second)
		g.Invalidate("a")
		first, _ := join(t, g, q)
		pass(0)
		wantGot(t, first, "1")
		g.Invalidate("a")
		q.answers("2")
		second, _ := join(t, g, q)
		pass(60 * time.Millisecond)
		third, _ := join(t, g, q)
		wantRuns(t, q, 2)
		pass(40 * time.Millisecond)
		wantRuns(t, q, 3)
		wantGot(t, second, "2")
		wantGot(t, third, "2")
		wantGot(t, first)
		want := []time.Duration{time.Second, defaults.Hurry}
		if got := q.waits(); !slices.Equal(got, want) {
			t.Errorf("the waits are %v, want %v", got, want)
		}
	})
}

func TestWhatAHurriedRunGivesTheOthers(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(g *Groups, q *query) // after the hurried run of 2 s
		early  []string                  // what a member from before gets, at 10 s
		late   []string                  // and the newcomer, by 12 s
	}{
		{"its result, when the interval is over", func(*Groups, *query) {}, []string{"2"}, nil},
		{"what has changed since, when the interval is over", func(g *Groups, q *query) {
			q.answers("3")
			g.Invalidate("a")
		}, []string{"3"}, []string{"3"}},
		{"nothing, if what they have became true again", func(g *Groups, q *query) {
			q.answers("1")
			g.Invalidate("a")
			pass(2 * time.Second)
			m, err := g.Join(Key{1}, q.spec, new(recorder), false)
			if err != nil {
				panic(err)
			}
			defer m.Leave()
			pass(0)
		}, nil, []string{"1"}},
		{"the last that was made, if the next takes long", func(g *Groups, q *query) {
			q.set(func() { q.answer, q.takes = "3", 5*time.Second })
			g.Invalidate("a")
		}, []string{"2"}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, g *Groups) {
				q := &query{interval: 10 * time.Second, answer: "1", keys: []string{"a"}}
				began := time.Now()
				early, _ := join(t, g, q)
				pass(2 * time.Second)
				wantGot(t, early, "1")
				q.answers("2")
				g.Invalidate("a")
				newcomer, _ := join(t, g, q)
				pass(0)
				wantGot(t, newcomer, "2")
				tt.change(g, q)
				pass(time.Until(began.Add(10*time.Second - 1)))
				wantGot(t, early)
				pass(1 + defaults.Hurry)
				wantGot(t, early, tt.early...)
				wantGot(t, newcomer)
				pass(2*time.Second - defaults.Hurry)
				wantGot(t, newcomer, tt.late...)
			})
		})
	}
}

func TestAnIntervalWinsAgainstTheReconcile(t *testing.T) {
	for _, tt := range []struct {
		name       string
		invalidate bool
	}{{"of what is old", true}, {"of what is not known to be", false}} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, g *Groups) {
				q := &query{interval: 24 * time.Hour, answer: "1", keys: []string{"a"}}
				r, _ := join(t, g, q)
				pass(time.Second)
				q.answers("2")
				if tt.invalidate {
					g.Invalidate("a")
				}
				pass(24*time.Hour - 2*time.Second)
				wantGot(t, r, "1")
				wantRuns(t, q, 1)
				pass(time.Second)
				wantGot(t, r, "2")
			})
		})
	}
}

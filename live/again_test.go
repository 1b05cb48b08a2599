package live

import (
	"testing"
	"time"
)

// forgetful is a member that loses a result on its way, and says so at once.
type forgetful struct {
	recorder

	membership *Membership
	loses      int
}

func (f *forgetful) Next(v *Version) {
	f.recorder.Next(v)
	if f.loses > 0 {
		f.loses--
		f.membership.Again()
	}
}

func TestAMemberThatHasLostTheResultGetsItAgain(t *testing.T) {
	for _, tt := range []struct {
		name string
		do   func(g *Groups, q *query, m *Membership)
		want []string
		runs int
	}{
		{"the same if nothing has changed", func(_ *Groups, _ *query, m *Membership) { m.Again() }, []string{"1"}, 1},
		{"once, however often it says so before", func(_ *Groups, _ *query, m *Membership) {
			m.Again()
			m.Again()
		}, []string{"1"}, 1},
		{"what is current by then", func(g *Groups, q *query, m *Membership) {
			q.answers("2")
			g.Invalidate("a")
			join(t, g, q) // hurries
			pass(0)
			m.Again()
		}, []string{"2"}, 2},
		{"without a run", func(g *Groups, q *query, m *Membership) {
			q.answers("2")
			g.Invalidate("a")
			m.Again()
		}, []string{"1"}, 1},
		{"whoever else waits for a run", func(g *Groups, q *query, m *Membership) {
			q.set(func() { q.answer, q.takes = "2", 10*time.Second })
			g.Invalidate("a")
			join(t, g, q)
			pass(0)
			m.Again()
		}, []string{"1"}, 2},
		{"nothing after it has left", func(_ *Groups, _ *query, m *Membership) {
			m.Leave()
			m.Again()
		}, nil, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, g *Groups) {
				q := &query{interval: time.Minute, answer: "1", keys: []string{"a"}}
				other, _ := join(t, g, q)
				r, m := join(t, g, q)
				pass(5 * time.Second)
				wantGot(t, r, "1")
				wantGot(t, other, "1")
				tt.do(g, q, m)
				pass(time.Second)
				wantGot(t, r, tt.want...)
				wantGot(t, other)
				wantRuns(t, q, tt.runs)
			})
		})
	}
}

func TestAMemberMaySayFromWithinThatItHasLostTheResult(t *testing.T) {
	bubble(t, func(t *testing.T, g *Groups) {
		q := &query{interval: time.Second, answer: "1", keys: []string{"a"}, takes: time.Second}
		f := &forgetful{loses: 3}
		var err error
		if f.membership, err = g.Join(Key{1}, q.spec, f, false); err != nil {
			t.Fatal(err)
		}
		f.membership.Again() // it gets its first anyway
		pass(5 * time.Second)
		wantGot(t, &f.recorder, "1", "1", "1", "1")
		q.answers("2")
		g.Invalidate("a")
		pass(5 * time.Second)
		wantGot(t, &f.recorder, "2")
		g.Close()
		f.membership.Again()
	})
}

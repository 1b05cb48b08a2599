package live

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

func TestOneRunServesAllMembers(t *testing.T) {
	bubble(t, func(t *testing.T, g *Groups) {
		q := &query{interval: time.Second, answer: "1", keys: []string{"a", "b"}}
		var members []*recorder
		for range 10 {
			r, _ := join(t, g, q)
			members = append(members, r)
		}
		pass(5 * time.Second)
		q.answers("2")
		g.Invalidate("b", "c", "a")
		pass(5 * time.Second)
		g.Invalidate("c")
		pass(5 * time.Second)
		wantRuns(t, q, 2)
		for _, r := range members {
			wantGot(t, r, "1", "2")
		}
		if s := g.Stats(); s.Groups != 1 || s.Members != 10 || s.Keys != 2 || s.Runs != 2 || s.Deliveries != 20 || s.Invalidations != 4 {
			t.Errorf("%+v", s)
		}
	})
}

func TestTenThousandMembersOfTenGroups(t *testing.T) {
	bubble(t, func(t *testing.T, g *Groups) {
		var queries []*query
		var members [][]*recorder
		for i := range 10 {
			q := &query{interval: time.Second, answer: "1", keys: []string{fmt.Sprint("key ", i)}}
			var of []*recorder
			for range 1000 {
				r := new(recorder)
				if _, err := g.Join(Key{byte(i)}, q.spec, r, false); err != nil {
					t.Fatal(err)
				}
				of = append(of, r)
			}
			queries, members = append(queries, q), append(members, of)
		}
		pass(2 * time.Second)
		before := g.Stats()
		if before.Groups != 10 || before.Members != 10_000 || before.Runs != 10 || before.Deliveries != 10_000 {
			t.Fatalf("%+v", before)
		}
		g.Invalidate("unrelated")
		pass(2 * time.Second)
		if s := g.Stats(); s.Runs != before.Runs || s.Deliveries != before.Deliveries {
			t.Fatalf("an unrelated key: %+v", s)
		}
		queries[3].answers("2")
		g.Invalidate("key 3")
		pass(2 * time.Second)
		if s := g.Stats(); s.Runs != before.Runs+1 || s.Deliveries != before.Deliveries+1000 {
			t.Fatalf("a key of one group: %+v", s)
		}
		for i, of := range members {
			for _, r := range of {
				if i == 3 {
					wantGot(t, r, "1", "2")
				} else {
					wantGot(t, r, "1")
				}
			}
		}
	})
}

func TestInvalidateAll(t *testing.T) {
	bubble(t, func(t *testing.T, g *Groups) {
		q := &query{interval: time.Second, answer: "1"}
		r, _ := join(t, g, q)
		pass(5 * time.Second)
		q.answers("2")
		g.InvalidateAll()
		pass(0)
		wantGot(t, r, "1", "2")
	})
}

func TestInvalidateAllDuringARun(t *testing.T) {
	bubble(t, func(t *testing.T, g *Groups) {
		q := &query{interval: time.Second, answer: "1", takes: 3 * time.Second}
		r, _ := join(t, g, q)
		pass(time.Second)
		q.answers("2")
		g.InvalidateAll()
		pass(5 * time.Second)
		wantGot(t, r, "1", "2")
		wantRuns(t, q, 2)
	})
}

// leaver is a member that wants one result and no more.
type leaver struct {
	recorder

	membership *Membership
}

func (l *leaver) Next(v *Version) {
	l.recorder.Next(v)
	l.membership.Leave()
}

func TestAMemberMayLeaveFromWithin(t *testing.T) {
	bubble(t, func(t *testing.T, g *Groups) {
		q := &query{interval: time.Second, answer: "1", keys: []string{"a"}, takes: time.Second}
		l := new(leaver)
		var err error
		if l.membership, err = g.Join(Key{1}, q.spec, l, false); err != nil {
			t.Fatal(err)
		}
		r, _ := join(t, g, q)
		pass(5 * time.Second)
		q.answers("2")
		g.Invalidate("a")
		pass(5 * time.Second)
		wantGot(t, &l.recorder, "1")
		wantGot(t, r, "1", "2")
	})
}

func TestClose(t *testing.T) {
	bubble(t, func(t *testing.T, g *Groups) {
		idle := &query{interval: time.Second, answer: "1", keys: []string{"a"}}
		r, m := join(t, g, idle)
		left := new(recorder)
		lingering, err := g.Join(Key{2}, idle.spec, left, false)
		if err != nil {
			t.Fatal(err)
		}
		running := &query{interval: time.Second, answer: "1", takes: time.Hour, keys: []string{"b"}}
		waiting := new(recorder)
		if _, err := g.Join(Key{3}, running.spec, waiting, false); err != nil {
			t.Fatal(err)
		}
		pass(5 * time.Second)
		lingering.Leave()
		idle.answers("2")
		g.Close()
		g.Close()
		g.Invalidate("a", "b")
		g.InvalidateAll()
		m.Leave()
		m.Leave()
		if _, err := g.Join(Key{1}, idle.spec, r, false); !errors.Is(err, ErrClosed) {
			t.Errorf("a Join after Close: %v", err)
		}
		synctest.Wait()
		if n, err := running.now(); n != 0 || err == nil {
			t.Errorf("%d runs go on, the last ended with %v", n, err)
		}
		wantNothing(t, g)
		pass(time.Hour)
		wantGot(t, r, "1")
		wantGot(t, left, "1")
		wantGot(t, waiting)
		wantNothing(t, g)
		if idle.runs() != 2 || running.runs() != 1 {
			t.Errorf("%d and %d runs, want 2 and 1", idle.runs(), running.runs())
		}
	})
}

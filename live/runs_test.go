package live

import (
	"errors"
	"testing"
	"time"
)

// task is what others have the pool do.
type task struct{ done chan struct{} }

func (t task) Run() { close(t.done) }

// stuck are some groups whose runs take a minute, on what is invalidated as "a" from then on.
func stuck(t *testing.T, g *Groups, count int) *query {
	t.Helper()
	q := &query{interval: time.Second, answer: "1", keys: []string{"a"}}
	for i := range count {
		if _, err := g.Join(Key{2, byte(i), byte(i >> 8)}, q.spec, new(recorder), false); err != nil {
			t.Fatal(err)
		}
	}
	pass(5 * time.Second)
	wantRuns(t, q, count)
	q.set(func() { q.takes = time.Minute })
	g.Invalidate("a")
	pass(0)
	return q
}

func TestRunsThatAreStuckDelayNobodyElse(t *testing.T) {
	bubble(t, func(t *testing.T, g *Groups) {
		q := stuck(t, g, 200)
		if running, _ := q.now(); running != 16 {
			t.Errorf("%d runs at a time, want 16", running)
		}
		began := time.Now()
		other := task{make(chan struct{})}
		g.pool.Submit(other)
		<-other.done
		if waited := time.Since(began); waited != 0 {
			t.Errorf("another task waits for %v", waited)
		}
		pass(defaults.Timeout)
		wantRuns(t, q, 200+32)
	})
}

func TestAGroupWhoseRunWaitsForItsTurnGivesWhatItHas(t *testing.T) {
	bubble(t, func(t *testing.T, g *Groups) {
		q := &query{interval: time.Second, answer: "1", poll: 7 * time.Second}
		join(t, g, q)
		stuck(t, g, 16)
		pass(5 * time.Second) // the poll is due
		r, _ := join(t, g, q)
		pass(0)
		wantGot(t, r, "1")
		wantRuns(t, q, 1)
		q.answers("2")
		g.InvalidateAll()
		needy, _ := join(t, g, q)
		pass(time.Second)
		wantGot(t, needy)
		pass(defaults.Timeout)
		wantGot(t, needy, "2")
		wantGot(t, r, "2")
	})
}

func TestARunThatNobodyNeedsAnyMoreWhenItsTurnComesIsNone(t *testing.T) {
	for _, tt := range []struct {
		name   string
		others bool // the group has another member, for whom the interval delays the run
		linger time.Duration
		runs   int
	}{
		{"where others are", true, time.Minute, 1},
		{"where nobody is", false, time.Minute, 0},
		{"where the group has ended", false, time.Second, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, g *Groups) {
				g.options.Linger = tt.linger
				q := &query{interval: 24 * time.Hour, answer: "1"}
				if tt.others {
					join(t, g, q)
				}
				slow := stuck(t, g, 16)
				slow.set(func() { slow.takes = 0 })
				g.InvalidateAll()
				_, m := join(t, g, q)
				pass(time.Second)
				m.Leave()
				pass(defaults.Timeout + time.Second)
				wantRuns(t, q, tt.runs)
				if running, _ := slow.now(); running != 0 {
					t.Errorf("%d runs are stuck still", running)
				}
			})
		})
	}
}

func TestThereIsNoWorkerWithoutRuns(t *testing.T) {
	bubble(t, func(t *testing.T, g *Groups) {
		q := stuck(t, g, 20)
		if g.making.working != 16 {
			t.Errorf("%d workers, want 16", g.making.working)
		}
		q.set(func() { q.takes = 0 })
		pass(defaults.Timeout + time.Second)
		if g.making.working != 0 || len(g.making.queue) != 0 {
			t.Errorf("%d workers and %d groups that wait, want none", g.making.working, len(g.making.queue))
		}
	})
}

func TestCloseWaitsForRuns(t *testing.T) {
	bubble(t, func(t *testing.T, g *Groups) {
		q := stuck(t, g, 40)
		g.Close()
		if running, err := q.now(); running != 0 || err == nil {
			t.Errorf("%d runs go on, the last ended with %v", running, err)
		}
		wantRuns(t, q, 40+16)
		wantNothing(t, g)
	})
}

func TestThereMayBeSoManyGroups(t *testing.T) {
	bubble(t, func(t *testing.T, g *Groups) {
		g.options.Most = 2
		q := &query{interval: time.Second, answer: "1"}
		joins := func(key byte) (*Membership, error) { return g.Join(Key{key}, q.spec, new(recorder), false) }
		var first []*Membership
		for _, key := range []byte{1, 2, 1, 2} {
			m, err := joins(key)
			if err != nil {
				t.Fatal(err)
			}
			if key == 1 {
				first = append(first, m)
			}
		}
		if _, err := joins(3); !errors.Is(err, ErrFull) {
			t.Errorf("the third: %v", err)
		}
		for _, m := range first {
			m.Leave()
		}
		pass(3 * time.Second)
		if _, err := joins(3); err != nil {
			t.Errorf("the third after the first has gone: %v", err)
		}
	})
}

package live

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/sluice-gateway/sluice/internal/work"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// bubble runs a test in a time of its own.
func bubble(t *testing.T, test func(t *testing.T, g *Groups)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		pool := work.NewPool()
		defer pool.Close()
		g := NewGroups(pool, Options{Log: slog.New(slog.DiscardHandler)})
		defer g.Close()
		test(t, g)
	})
}

// pass lets time pass, and everything that is due happen.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// A query is what a group of a test runs. It reads when a run begins.
type query struct {
	interval, poll time.Duration

	mu      sync.Mutex // guards what follows
	answer  string     // JSON
	keys    []string
	fails   bool
	panics  bool
	takes   time.Duration
	began   []time.Time
	running int
	ended   error // of the context, when the last run ended
}

// set changes what a query reads, or how it runs.
func (q *query) set(change func()) {
	q.mu.Lock()
	defer q.mu.Unlock()
	change()
}

func (q *query) answers(answer string) { q.set(func() { q.answer = answer }) }

func (q *query) spec() Spec { return Spec{Run: q.run, Interval: q.interval, Poll: q.poll} }

func (q *query) run(ctx context.Context) Result {
	q.mu.Lock()
	q.began = append(q.began, time.Now())
	q.running++
	r := Result{Body: []byte(`{"data":` + q.answer + `}`), Print: []byte(q.answer), Keys: q.keys, Failed: q.fails}
	if !q.fails {
		r.Data = []byte(q.answer)
	}
	takes, panics := q.takes, q.panics
	q.mu.Unlock()
	if takes > 0 {
		select {
		case <-time.After(takes):
		case <-ctx.Done():
		}
	}
	q.mu.Lock()
	q.running--
	q.ended = ctx.Err()
	q.mu.Unlock()
	if panics {
		panic("a query of a test panics")
	}
	return r
}

// runs is how many began.
func (q *query) runs() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.began)
}

// now is how many runs are under way, and what the last one's context said when it ended.
func (q *query) now() (running int, ended error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.running, q.ended
}

// waits are the times between the runs.
func (q *query) waits() (waits []time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for i := 1; i < len(q.began); i++ {
		waits = append(waits, q.began[i].Sub(q.began[i-1]))
	}
	return waits
}

// A recorder is a member that keeps what it gets.
type recorder struct {
	mu  sync.Mutex // guards what follows
	got []*Version
	at  []time.Time
}

func (r *recorder) Next(v *Version) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.got = append(r.got, v)
	r.at = append(r.at, time.Now())
}

// data is what a member got since it was asked last.
func (r *recorder) data() (all []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, v := range r.got {
		all = append(all, string(v.print))
	}
	r.got, r.at = nil, nil
	return all
}

// join makes a new member.
func join(t *testing.T, g *Groups, q *query) (*recorder, *Membership) {
	t.Helper()
	r := new(recorder)
	m, err := g.Join(Key{1}, q.spec, r, false)
	if err != nil {
		t.Fatal(err)
	}
	return r, m
}

// remembered is how many members a group knows.
func remembered(g *Groups, key Key) (n int) {
	group := g.byKey[key]
	group.mu.Lock()
	defer group.mu.Unlock()
	for _, l := range []line{group.fresh, group.served} {
		for m := l.first; m != nil; m = m.behind {
			n++
		}
	}
	return n
}

// wantGot checks what a member got since it was asked last.
func wantGot(t *testing.T, r *recorder, want ...string) {
	t.Helper()
	got := r.data()
	if len(got) != len(want) {
		t.Fatalf("a member got %q, want %q", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("a member got %q, want %q", got, want)
		}
	}
}

func wantRuns(t *testing.T, q *query, want int) {
	t.Helper()
	if got := q.runs(); got != want {
		t.Fatalf("%d runs, want %d", got, want)
	}
}

// wantNothing checks that nothing is left of any group.
func wantNothing(t *testing.T, g *Groups) {
	t.Helper()
	if s := g.Stats(); s.Groups != 0 || s.Members != 0 || s.Keys != 0 || len(g.index.running) != 0 {
		t.Fatalf("left: %+v, %d runs", s, len(g.index.running))
	}
}

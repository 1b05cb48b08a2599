package live

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-gateway/sluice/internal/work"
)

const (
	schedules  = 300
	steps      = 200
	objects    = 12
	lists      = 4
	maxRunTime = 700 * time.Millisecond
)

var defaults = Options{}.withDefaults()

// A model is what the queries of a schedule read: lists of objects. Everything has a number that rises
// with each write.
type model struct {
	mu      sync.Mutex // guards what follows
	objects [objects]int
	lists   [lists]struct {
		number  int
		objects []int
	}
	told map[string]int // of each key, the number that was invalidated last
}

func objectKey(i int) string { return fmt.Sprint("object:", i) }

func listKey(i int) string { return fmt.Sprint("list:", i) }

// write changes something, and returns its key and number.
func (m *model) write(r *rand.Rand) (key string, number int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if r.IntN(3) > 0 {
		i := r.IntN(objects)
		m.objects[i]++
		return objectKey(i), m.objects[i]
	}
	i := r.IntN(lists)
	list := &m.lists[i]
	list.number++
	if n := len(list.objects); n > 0 && r.IntN(2) == 0 {
		at := r.IntN(n)
		list.objects = append(list.objects[:at:at], list.objects[at+1:]...)
	} else {
		list.objects = append(list.objects[:n:n], r.IntN(objects))
	}
	return listKey(i), list.number
}

// tell notes that a key was invalidated.
func (m *model) tell(key string, number int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.told[key] = max(m.told[key], number)
}

// whatWasTold is what results must show from now on.
func (m *model) whatWasTold() map[string]int {
	m.mu.Lock()
	defer m.mu.Unlock()
	told := make(map[string]int, len(m.told))
	for key, number := range m.told {
		told[key] = number
	}
	return told
}

// An element is something that a query read.
type element struct {
	Key    string `json:"key"`
	Number int    `json:"number"`
}

// read reads a list, and then its objects one after the other; pause stands between any two.
func (m *model) read(list int, pause func()) (read []element) {
	m.mu.Lock()
	number, members := m.lists[list].number, m.lists[list].objects
	m.mu.Unlock()
	read = append(read, element{listKey(list), number})
	for _, i := range members {
		pause()
		m.mu.Lock()
		read = append(read, element{objectKey(i), m.objects[i]})
		m.mu.Unlock()
	}
	return read
}

// A watched is a query of a schedule, and what all its runs tell.
type watched struct {
	t        *testing.T
	model    *model
	list     int
	interval time.Duration
	settled  bool // no run takes time, fails, or panics any more; guarded by mu

	mu    sync.Mutex // guards what follows
	rand  *rand.Rand
	runs  int
	joins int
}

func (w *watched) spec() Spec {
	var mu sync.Mutex
	running := 0
	return Spec{Interval: w.interval, Run: func(context.Context) Result {
		mu.Lock()
		running++
		if running > 1 {
			w.t.Error("two runs of a group at a time")
		}
		mu.Unlock()
		defer func() {
			mu.Lock()
			running--
			mu.Unlock()
		}()
		return w.run()
	}}
}

func (w *watched) run() Result {
	w.mu.Lock()
	w.runs++
	settled, chance, left := w.settled, w.rand.IntN(20), time.Duration(w.rand.Int64N(int64(maxRunTime)))
	w.mu.Unlock()
	read := w.model.read(w.list, func() {
		if !settled {
			time.Sleep(left / 2)
			left -= left / 2
		}
	})
	if !settled && chance == 0 {
		panic("a query of a schedule panics")
	}
	var keys []string
	for _, e := range read {
		keys = append(keys, e.Key)
	}
	if !settled && chance == 1 {
		return Result{Body: []byte("failed"), Print: []byte("failed"), Failed: true, Keys: keys[:1]}
	}
	data, err := json.Marshal(read)
	if err != nil {
		w.t.Error(err)
	}
	return Result{Body: data, Data: data, Print: data, Keys: keys}
}

// A watcher is a member that checks what it gets.
type watcher struct {
	t          *testing.T
	query      *watched
	membership *Membership
	patched    bool
	least      map[string]int // what the first result must show

	mu       sync.Mutex // guards what follows
	last     *Version
	replayed []byte // what the patches made
	patches  int
}

func (w *watcher) Next(v *Version) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.last != nil && (v.Number() <= w.last.Number() || bytes.Equal(v.Body(), w.last.Body())) {
		w.t.Errorf("version %d after %d: %s after %s", v.Number(), w.last.Number(), v.Body(), w.last.Body())
	}
	if w.last != nil && time.Since(w.last.began) < w.query.interval {
		w.t.Errorf("a result %v after the last, of an interval of %v", time.Since(w.last.began), w.query.interval)
	}
	switch {
	case w.last == nil:
		w.checkFirst(v)
		w.replayed = v.Data()
	case v.Patch() != nil && v.Number() == w.last.Number()+1:
		w.patches++
		w.replayed = applied(w.t, w.replayed, v.Patch())
		if !equalJSON(w.t, w.replayed, v.Data()) {
			w.t.Errorf("patches lead to %s, not to %s", w.replayed, v.Data())
		}
	default:
		w.replayed = v.Data()
	}
	w.last = v
}

// checkFirst checks that a member gets nothing that was known to be old when it joined.
func (w *watcher) checkFirst(v *Version) {
	if v.Data() == nil {
		return // failed
	}
	var read []element
	if err := json.Unmarshal(v.Data(), &read); err != nil {
		w.t.Error(err)
	}
	for _, e := range read {
		if e.Number < w.least[e.Key] {
			w.t.Errorf("somebody joined when %s was known to be %d, and got %d", e.Key, w.least[e.Key], e.Number)
		}
	}
}

// A schedule is what happens to some queries.
type schedule struct {
	t       *testing.T
	rand    *rand.Rand
	groups  *Groups
	model   *model
	queries []*watched
	members []*watcher
	loses   bool // invalidations
	began   time.Time
}

func TestSchedules(t *testing.T) {
	var deliveries, overtaken uint64
	patches := 0
	for seed := range uint64(schedules) {
		synctest.Test(t, func(t *testing.T) {
			pool := work.NewPool()
			defer pool.Close()
			options := Options{Log: slog.New(slog.DiscardHandler)}
			loses := seed%2 > 0
			if !loses {
				options.Reconcile = 24 * time.Hour // nothing must depend on it
			}
			s := &schedule{
				t: t, rand: rand.New(rand.NewPCG(seed, 1)), model: &model{told: make(map[string]int)},
				groups: NewGroups(pool, options), loses: loses, began: time.Now(),
			}
			defer s.groups.Close()
			s.run()
			stats := s.groups.Stats()
			deliveries, overtaken = deliveries+stats.Deliveries, overtaken+stats.Overtaken
			for _, m := range s.members {
				patches += m.patches
			}
			s.end()
		})
		if t.Failed() {
			t.Fatalf("schedule %d", seed)
		}
	}
	t.Logf("%d deliveries, %d patches of members that stayed, %d runs overtaken", deliveries, patches, overtaken)
}

func (s *schedule) run() {
	for i := range lists {
		s.queries = append(s.queries, &watched{
			t: s.t, model: s.model, list: i, rand: rand.New(rand.NewPCG(s.rand.Uint64(), 1)),
			interval: []time.Duration{100 * time.Millisecond, time.Second, 5 * time.Second}[s.rand.IntN(3)],
		})
	}
	for range steps {
		s.step()
	}
	for _, q := range s.queries {
		q.mu.Lock()
		q.settled = true
		q.mu.Unlock()
	}
	// The last run may have failed and wait for its turn, and then the next one for a lost invalidation.
	pass(maxRunTime + maxBackoff + 33*time.Second + 5*time.Second)
	for _, m := range s.members {
		s.check(m)
	}
	for _, q := range s.queries {
		hurried := min(q.joins, int(time.Since(s.began)/defaults.Hurry)+1)
		if most := int(time.Since(s.began)/q.interval) + 1 + hurried; q.runs > most {
			s.t.Errorf("%d runs, of an interval of %v and %d joins", q.runs, q.interval, q.joins)
		}
	}
}

func (s *schedule) step() {
	switch n := s.rand.IntN(20); {
	case n < 8:
		key, number := s.model.write(s.rand)
		if !s.loses || s.rand.IntN(4) > 0 {
			s.groups.Invalidate(key)
			s.model.tell(key, number)
		}
	case n < 11:
		s.join()
	case n < 13 && len(s.members) > 0:
		i := s.rand.IntN(len(s.members))
		s.members[i].membership.Leave()
		s.members = append(s.members[:i], s.members[i+1:]...)
	case n < 14 && s.rand.IntN(10) == 0:
		s.groups.InvalidateAll()
	default:
		time.Sleep(time.Duration(s.rand.Int64N(int64([]time.Duration{time.Millisecond, 200 * time.Millisecond, 2 * time.Second, 4 * time.Second}[s.rand.IntN(4)]))))
	}
}

func (s *schedule) join() {
	q := s.queries[s.rand.IntN(lists)]
	q.joins++
	m := &watcher{t: s.t, query: q, patched: s.rand.IntN(2) == 0, least: s.model.whatWasTold()}
	membership, err := s.groups.Join(Key{byte(q.list)}, q.spec, m, m.patched)
	if err != nil {
		s.t.Fatal(err)
	}
	m.membership = membership
	s.members = append(s.members, m)
}

// check checks that a member has what a query would get now.
func (s *schedule) check(m *watcher) {
	want, err := json.Marshal(s.model.read(m.query.list, func() {}))
	if err != nil {
		s.t.Fatal(err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.last == nil || !bytes.Equal(m.last.Body(), want) {
		s.t.Errorf("a member of query %d ends on %v, want %s", m.query.list, m.last, want)
		return
	}
	if !equalJSON(s.t, m.replayed, want) {
		s.t.Errorf("patches end on %s, want %s", m.replayed, want)
	}
}

func (s *schedule) end() {
	for _, m := range s.members {
		m.membership.Leave()
	}
	pass(3 * time.Second)
	wantNothing(s.t, s.groups)
}

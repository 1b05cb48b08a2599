package live

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/internal/work"
)

// counting is a member that tells when each of many has got a result.
type counting struct {
	left int
	done chan struct{}
}

func (c *counting) Next(*Version) {
	if c.left--; c.left == 0 {
		c.done <- struct{}{}
	}
}

// crowd is one group of some members, who all get a new result with each call of next.
func crowd(t testing.TB, members int) (next func()) {
	pool := work.NewPool()
	g := NewGroups(pool, Options{Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	t.Cleanup(func() {
		g.Close()
		pool.Close()
	})
	c := &counting{left: members, done: make(chan struct{})}
	keys, runs := []string{"a"}, 0
	spec := func() Spec {
		return Spec{Run: func(context.Context) Result {
			runs++
			text := strconv.AppendInt(nil, int64(runs), 10)
			return Result{Body: text, Data: text, Print: text, Keys: keys}
		}}
	}
	for range members {
		if _, err := g.Join(Key{}, spec, c, false); err != nil {
			t.Fatal(err)
		}
	}
	<-c.done
	return func() {
		c.left = members
		g.Invalidate("a")
		<-c.done
	}
}

func BenchmarkRun(b *testing.B) {
	for _, members := range []int{1, 1000} {
		b.Run(fmt.Sprintf("members=%d", members), func(b *testing.B) {
			next := crowd(b, members)
			b.ReportAllocs()
			for b.Loop() {
				next()
			}
		})
	}
}

// hot is 10,000 groups that have a key each and one in common, and that all have run.
func hot(b *testing.B) *Groups {
	pool := work.NewPool()
	g := NewGroups(pool, Options{})
	b.Cleanup(func() {
		g.Close()
		pool.Close()
	})
	text := []byte("1")
	for i := range 10_000 {
		keys := []string{fmt.Sprint("object:", i), "all"}
		spec := func() Spec {
			return Spec{Interval: 24 * time.Hour, Run: func(context.Context) Result {
				return Result{Body: text, Data: text, Print: text, Keys: keys}
			}}
		}
		if _, err := g.Join(Key{byte(i), byte(i >> 8)}, spec, new(recorder), false); err != nil {
			b.Fatal(err)
		}
	}
	until(b, func() bool { return g.Stats().Deliveries == 10_000 })
	return g
}

func BenchmarkInvalidate(b *testing.B) {
	g := hot(b)
	b.Run("first/concerns=10000", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			b.StopTimer()
			renew(g)
			b.StartTimer()
			g.Invalidate("all")
		}
	})
	for _, tt := range []struct{ name, key string }{
		{"concerns=0", "object:none"}, {"concerns=1", "object:5000"}, {"concerns=10000", "all"},
	} {
		b.Run("again/"+tt.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				g.Invalidate(tt.key)
			}
		})
	}
}

// renew has the index take every group for new, as a run does.
func renew(g *Groups) {
	for _, group := range g.byKey {
		g.index.begin(group)
		group.places, _ = g.index.end(group, group.places, keysOf(group.places), false)
		group.mu.Lock()
		group.valid, group.wakes = group.begun, time.Time{}
		group.mu.Unlock()
	}
}

// An object of a list changes, or goes.
func BenchmarkPatch(b *testing.B) {
	list := func(first, count, changed int) []byte {
		text := []byte("[")
		for i := first; i < first+count; i++ {
			n := i
			if i == changed {
				n = 0
			}
			text = fmt.Appendf(text, `{"id":"product %d","name":"the name of it","price":{"value":%d,"currency":"EUR"}},`, i, n)
		}
		text[len(text)-1] = ']'
		return text
	}
	from := list(1, 100, 0)
	for _, tt := range []struct {
		name string
		to   []byte
	}{{"changed", list(1, 100, 50)}, {"gone", list(2, 99, 0)}} {
		b.Run(fmt.Sprintf("%s/bytes=%d", tt.name, len(tt.to)), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if patch(from, tt.to) == nil {
					b.Fatal("none")
				}
			}
		})
	}
}

// What the limits of a comparison allow at most.
func BenchmarkLargestPatch(b *testing.B) {
	objects := func(count, bump int) []byte {
		text := []byte("[")
		for i := range count {
			text = fmt.Appendf(text, `{"id":"product %d","name":"the name of it","price":{"value":%d,"currency":"EUR"}},`, i+bump, i+bump)
		}
		text[len(text)-1] = ']'
		return text
	}
	long := strings.Repeat("long ", 100)
	for _, tt := range []struct {
		name     string
		from, to []byte
	}{
		{"by place", objects(820, 0), objects(820, 5000)},
		{"moved", objects(155, 0), objects(155, 1)},
		{"moved and all new", objects(155, 0), objects(155, 5000)},
		{"moved numbers", []byte(numbers(1, maxMoved)), []byte(numbers(2, maxMoved))},
		{"numbers", []byte(numbers(1, maxValues-1)), []byte(numbers(20000, maxValues-1))},
		{"a long text", []byte(`["` + strings.Repeat(long, 255) + `",1]`), []byte(`["` + strings.Repeat(long, 255) + `",2]`)},
	} {
		b.Run(tt.name, func(b *testing.B) {
			b.SetBytes(int64(len(tt.from)))
			for b.Loop() {
				patch(tt.from, tt.to)
			}
		})
	}
}

package replication

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// terminate closes the reader's connection, as an operator does.
const terminate = `SELECT pg_terminate_backend(active_pid, 5000) FROM pg_replication_slots WHERE active`

// active waits for one of the nodes to read, and returns it first.
func active(t *testing.T, nodes ...*node) (reads *node, waits []*node) {
	t.Helper()
	until(t, "a node reads", func() bool {
		return slices.ContainsFunc(nodes, func(n *node) bool { return n.Status().Active })
	})
	for _, n := range nodes {
		if reads == nil && n.Status().Active {
			reads = n
			continue
		}
		waits = append(waits, n)
	}
	return reads, waits
}

func TestOfTwoNodesOneReadsAndTheOtherFollows(t *testing.T) {
	server, _, first := ready(t)
	second := start(t, server.URL(), first.log)
	until(t, "the second node sees the first", func() bool { return second.Status().Reading() })
	if second.Status().Active {
		t.Fatal("two nodes read")
	}
	server.SQL(`UPDATE products SET stock = 6 WHERE id = 1`)
	first.log.expect(t, "product 1: 10.00/5/1 > 10.00/6/1")

	ended := time.Now()
	first.end()
	server.SQL(`UPDATE products SET stock = 7 WHERE id = 1`)
	first.log.expect(t, "product 1: 10.00/5/1 > 10.00/6/1", "product 1: 10.00/6/1 > 10.00/7/1")
	if s := second.Status(); !s.Active || s.Reason != "" {
		t.Errorf("the status is %+v", s)
	}
	t.Logf("the other node had it %v after the first was stopped", time.Since(ended).Round(time.Millisecond))
}

func TestAConnectionThatIsTerminatedLosesNothing(t *testing.T) {
	server, _, n := ready(t)
	server.SQL(terminate + `; UPDATE products SET stock = 6 WHERE id = 1`)
	n.log.expect(t, "product 1: 10.00/5/1 > 10.00/6/1")
}

// A writer commits one change after the other and counts them.
type writer struct {
	stop    context.CancelFunc
	writing sync.WaitGroup
	commits int
	err     error
}

func write(t *testing.T, dsn string) *writer {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	w := &writer{stop: stop}
	w.writing.Go(func() {
		defer func() { _ = conn.Close(context.Background()) }()
		for ctx.Err() == nil {
			// It is committed or not, but never unknown: nothing cuts it short.
			if _, w.err = conn.Exec(context.Background(), `UPDATE products SET stock = stock + 1 WHERE id = 1`); w.err != nil {
				return
			}
			w.commits++
			pause(ctx, 2*time.Millisecond)
		}
	})
	t.Cleanup(func() { w.end() })
	return w
}

func (w *writer) end() int {
	w.stop()
	w.writing.Wait()
	return w.commits
}

func TestNothingIsMissedWhileReadersDieAgainAndAgain(t *testing.T) {
	server, _, first := ready(t)
	told := first.log
	nodes := []*node{first, start(t, server.URL(), told)}
	w := write(t, server.URL())
	for death := range 20 {
		reads, waits := active(t, nodes...)
		before, _ := told.state()
		told.until(t, "it reads on", func(now []string) bool { return len(now) > len(before)+5 })
		if death%2 == 0 {
			server.SQL(terminate)
			continue
		}
		reads.end()
		nodes = append(waits, start(t, server.URL(), told))
	}
	commits := w.end()
	if w.err != nil || commits < 100 {
		t.Fatalf("%d commits: %v", commits, w.err)
	}
	last := step(commits - 1)
	got := told.until(t, last, func(told []string) bool { return slices.Contains(told, last) })
	again := checkSteps(t, got, commits)
	t.Logf("%d commits, %d of them told again", commits, again)
}

// step is the change of one commit.
func step(n int) string { return fmt.Sprintf("product 1: 10.00/%d/1 > 10.00/%d/1", n+5, n+6) }

// checkSteps fails unless every commit was told, the first time in order. It returns how many more were
// told.
func checkSteps(t *testing.T, told []string, commits int) (again int) {
	t.Helper()
	next := 0
	for _, change := range told {
		switch {
		case next < commits && change == step(next):
			next++
		case strings.HasPrefix(change, "product 1:"):
			again++
		default:
			t.Errorf("told was %s", change)
		}
	}
	if next != commits {
		t.Errorf("%d of %d commits were told in order", next, commits)
	}
	return again
}

func TestNothingIsToldAgainAfterANodeThatIsStopped(t *testing.T) {
	server, _, n := ready(t)
	w := write(t, server.URL())
	for range 5 {
		before, _ := n.log.state()
		n.log.until(t, "it reads on", func(now []string) bool { return len(now) > len(before)+20 })
		n.end()
		n = start(t, server.URL(), n.log)
	}
	commits := w.end()
	last := step(commits - 1)
	got := n.log.until(t, last, func(told []string) bool { return slices.Contains(told, last) })
	if again := checkSteps(t, got, commits); again > 0 {
		t.Errorf("%d of %d were told again", again, commits)
	}
}

func TestAServerThatCrashesIsReadOnWhenItIsBack(t *testing.T) {
	server, _, n := ready(t)
	server.SQL(`UPDATE products SET stock = 6 WHERE id = 1`)
	n.log.until(t, "the first", func(told []string) bool { return len(told) > 0 })
	server.Restart()
	server.SQL(`UPDATE products SET stock = 7 WHERE id = 1`)
	const last = "product 1: 10.00/6/1 > 10.00/7/1"
	n.log.until(t, last, func(told []string) bool { return slices.Contains(told, last) })
}

func TestWhatCannotBeHandedOnWaits(t *testing.T) {
	server, _, n := ready(t)
	n.log.fail(errAway)
	server.SQL(`UPDATE products SET stock = 6 WHERE id = 1; UPDATE products SET stock = 7 WHERE id = 1`)
	until(t, "the status says why", func() bool { return n.Status().Reason == errAway.Error() })

	// The server hears from the reader meanwhile.
	reply := func() string { return server.SQL(`SELECT reply_time FROM pg_stat_replication`) }
	before := reply()
	until(t, "the reader reports", func() bool { return reply() != before })

	// Another node has it when this one gives up.
	n.end()
	n.log.fail(nil)
	if told, _ := n.log.state(); len(told) > 0 {
		t.Fatalf("told was %q", told)
	}
	second := start(t, server.URL(), n.log)
	n.log.expect(t, "product 1: 10.00/5/1 > 10.00/6/1", "product 1: 10.00/6/1 > 10.00/7/1")
	until(t, "no reason is left", func() bool { return second.Status().Reason == "" })

	// The same node has it when it succeeds.
	n.log.forget()
	n.log.fail(errAway)
	server.SQL(`UPDATE products SET stock = 8 WHERE id = 1`)
	tried := n.log.tries()
	until(t, "it tries again", func() bool { return n.log.tries() > tried+2 })
	n.log.fail(nil)
	n.log.expect(t, "product 1: 10.00/7/1 > 10.00/8/1")
}

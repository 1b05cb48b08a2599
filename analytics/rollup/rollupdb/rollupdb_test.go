package rollupdb

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sluice-gateway/sluice/analytics"
	"github.com/sluice-gateway/sluice/analytics/ledger/ledgerdb"
	"github.com/sluice-gateway/sluice/analytics/rollup"
	"github.com/sluice-gateway/sluice/analytics/rollup/rolluptest"
	"github.com/sluice-gateway/sluice/internal/database"
	"github.com/sluice-gateway/sluice/internal/pgtest"
)

// everyDatabase runs a test on a new database of every kind that may be opened more than once.
func everyDatabase(t *testing.T, test func(t *testing.T, dsn string)) {
	t.Run("in a file", func(t *testing.T) { test(t, filepath.Join(t.TempDir(), "rollup.db")) })
	t.Run("in PostgreSQL", func(t *testing.T) { test(t, pgtest.Start(t)) })
}

func open(t testing.TB, dsn string) *Store {
	t.Helper()
	s, err := Open(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestMain(m *testing.M) {
	if childMain() {
		return
	}
	goleak.VerifyTestMain(m)
}

func TestContract(t *testing.T) {
	for name, dsn := range map[string]func(*testing.T) string{
		"in memory":     func(*testing.T) string { return database.Memory },
		"in a file":     func(t *testing.T) string { return filepath.Join(t.TempDir(), "rollup.db") },
		"in PostgreSQL": func(t *testing.T) string { return pgtest.Start(t) },
	} {
		t.Run(name, func(t *testing.T) {
			rolluptest.Run(t, func(t *testing.T) rolluptest.Store { return open(t, dsn(t)) })
		})
	}
}

var labelled = analytics.Labels{Kind: "subscription", Operation: "Prices", Consumer: "shop"}

func TestTheSumsStandBesideTheLedger(t *testing.T) {
	everyDatabase(t, func(t *testing.T, dsn string) {
		var all sync.WaitGroup
		for range 2 {
			all.Go(func() {
				usage, err := ledgerdb.Open(t.Context(), dsn)
				if err != nil {
					t.Error(err)
					return
				}
				_ = usage.Close()
			})
			all.Go(func() {
				sums, err := Open(t.Context(), dsn)
				if err != nil {
					t.Error(err)
					return
				}
				_ = sums.Close()
			})
		}
		all.Wait()
		s := open(t, dsn)
		if err := s.Add(t.Context(), rolluptest.Batch("a", 1, rolluptest.Entry(rollup.Hour, 0, labelled, 1))); err != nil {
			t.Error(err)
		}
	})
}

func TestMigrationsGoDownAndUp(t *testing.T) {
	everyDatabase(t, func(t *testing.T, dsn string) {
		m, err := open(t, dsn).db.Migrations()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := m.DownTo(t.Context(), 0); err != nil {
			t.Fatalf("down: %v", err)
		}
		if _, err := m.Up(t.Context()); err != nil {
			t.Fatalf("up again: %v", err)
		}
	})
}

func TestADatabaseThatIsAwayIsUnavailable(t *testing.T) {
	server := pgtest.StartServer(t)
	s := open(t, server.URL())
	b := rolluptest.Batch("a", 1, rolluptest.Entry(rollup.Hour, 0, labelled, 1))
	q := rollup.Query{Step: rollup.Hour, From: rolluptest.Noon, To: rolluptest.Noon.Add(time.Hour)}
	server.Kill()
	_, err := s.Series(t.Context(), q)
	for _, err := range []error{err, s.Add(t.Context(), b), s.Prune(t.Context(), rolluptest.Noon, rollup.Keep{})} {
		if !errors.Is(err, ErrUnavailable) {
			t.Errorf("the error is %v, want ErrUnavailable", err)
		}
	}
	server.Restart()
	if err := s.Add(t.Context(), b); err != nil {
		t.Errorf("after the outage: %v", err)
	}
	if sum := rolluptest.Sum(t, s, q); sum.Events != 1 {
		t.Errorf("%d events, want 1", sum.Events)
	}
}

func TestOpenNamesTheDatabaseWithoutItsPassword(t *testing.T) {
	_, err := Open(t.Context(), "postgres://ann:hunter2@127.0.0.1:1/shop?sslmode=disable")
	if err == nil || !strings.Contains(err.Error(), "postgres://ann@127.0.0.1:1/shop") || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("the error is %v", err)
	}
}

func TestEveryNodeComputesTheSameIDs(t *testing.T) {
	if id := idOf(analytics.Labels{}); id != 8743117649653651951 {
		t.Errorf("of nothing: %d", id)
	}
	if id := idOf(labelled); id != 8546873692009996435 {
		t.Errorf("of labels: %d", id)
	}
	seen := make(map[int64]analytics.Labels)
	var l analytics.Labels
	for i := range labelsOf(&l) {
		for _, names := range [][2]string{{"a", "bc"}, {"ab", "c"}, {"abc", ""}, {"", "abc"}} {
			l = analytics.Labels{}
			*labelsOf(&l)[i] = names[0]
			*labelsOf(&l)[(i+1)%len(labels)] = names[1]
			if other, used := seen[idOf(l)]; used && other != l {
				t.Errorf("%+v and %+v have the same id", other, l)
			}
			seen[idOf(l)] = l
		}
	}
}

// count is how many rows a table has.
func count(t *testing.T, s *Store, table string) (n int) {
	t.Helper()
	if err := s.db.Query(t.Context(), `SELECT count(*) FROM `+table, func(r database.Row) error { return r.Scan(&n) }); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestSeriesThatNothingIsLeftOfAreForgotten(t *testing.T) {
	everyDatabase(t, func(t *testing.T, dsn string) {
		s := open(t, dsn)
		const names = pruneRows + 500
		b := rolluptest.Batch("a", 1)
		for i := range names {
			l := labelled
			l.Operation = fmt.Sprint(i)
			b.Entries = append(b.Entries, rolluptest.Entry(rollup.Minute, 0, l, 1))
		}
		b.Entries = append(b.Entries, rolluptest.Entry(rollup.Day, 0, labelled, 1))
		if err := s.Add(t.Context(), b); err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			name  string
			later time.Duration
			want  int
		}{
			{"minutes are kept", 47 * time.Hour, names + 1},
			{"the rest of the series is looked at", 49 * time.Hour, pruneRows + 1},
			{"and then the first again", 49 * time.Hour, 1},
			{"the day stays for good", 10_000 * time.Hour, 1},
		} {
			if err := s.Prune(t.Context(), rolluptest.Noon.Add(c.later), rollup.Keep{}); err != nil {
				t.Fatal(err)
			}
			if n := count(t, s, "rollup_series"); n > c.want || c.want-n > 1 { // the day's may be among the first
				t.Errorf("%s: %d series, want %d", c.name, n, c.want)
			}
		}
		// A series that comes again is written again, for its hour is another one.
		again := rolluptest.Batch("a", 2, rolluptest.Entry(rollup.Day, 100, labelled, 1), rolluptest.Entry(rollup.Day, 100, b.Entries[0].Labels, 1))
		if err := s.Add(t.Context(), again); err != nil {
			t.Fatal(err)
		}
		if n := count(t, s, "rollup_series"); n != 2 {
			t.Errorf("%d series, want 2", n)
		}
	})
}

// PostgreSQL knows how many rows there are, and chooses itself.
func TestQueriesOfSQLiteWalkAnIndex(t *testing.T) {
	s := open(t, database.Memory)
	q := rollup.Query{Step: rollup.Hour, From: rolluptest.Noon.Add(-24 * time.Hour), To: rolluptest.Noon, Where: rollup.Where{Consumer: "shop"}}
	const time, series = "PRIMARY KEY (step=? AND at>? AND at<?)", "INDEX %s_by_series (series=? AND step=? AND at>? AND at<?)"
	const consumer = "SEARCH rollup_series USING INDEX rollup_series_by_consumer (consumer=?)"
	for shape, index := range map[shape]string{ofAll: time, byTime: time, bySeries: series, ofConsumer: series} {
		for text, args := range map[string][]any{
			selectPoints[shape]:                 shape.args(q),
			selectTop[rollup.ByConsumer][shape]: shape.args(q, string(rollup.OfEvents), 10),
			selectEndings[shape]:                shape.args(q),
		} {
			table := "rollup_point"
			if text == selectEndings[shape] {
				table = "rollup_ending"
			}
			plan := ""
			err := s.db.Query(t.Context(), "EXPLAIN QUERY PLAN "+text, func(r database.Row) error {
				var ignored any
				var step string
				err := r.Scan(&ignored, &ignored, &ignored, &step)
				plan += step + "\n"
				return err
			}, args...)
			want := "SEARCH " + table + " USING " + strings.ReplaceAll(index, "%s", table)
			if err != nil || !strings.Contains(plan, want) || strings.Contains(plan, consumer) != (shape == ofConsumer) {
				t.Errorf("the plan of shape %d is\n%s(%v)", shape, plan, err)
			}
		}
	}
}

// traffic has consumers each have a point in every second before Noon, so many of them.
func traffic(b *testing.B, s *Store, consumers int, span time.Duration) {
	b.Helper()
	batch := rolluptest.Batch("node", 1)
	for n := range consumers {
		l := labelled
		l.Consumer = fmt.Sprint("consumer", n)
		batch.Entries = append(batch.Entries, rolluptest.Entry(rollup.Second, 0, l, 1))
	}
	if err := s.Add(b.Context(), batch); err != nil {
		b.Fatal(err)
	}
	fill := `WITH RECURSIVE seconds(n) AS (SELECT CAST($1 AS BIGINT) UNION ALL SELECT n + 1 FROM seconds WHERE n + 1 < $2)
		INSERT INTO rollup_point (step, at, series, ` + strings.Join(figures, ", ") + `)
		SELECT 1, n, id, ` + each(figures, "1") + ` FROM seconds, rollup_series`
	exec := func(text string, args ...any) {
		if err := s.db.Write(b.Context(), func(t database.Tx) error { return t.Exec(text, args...) }); err != nil {
			b.Fatal(err)
		}
	}
	const at = 10 * time.Second // a time, or a busy machine takes longer than a statement may
	for from := rolluptest.Noon.Add(-span); from.Before(rolluptest.Noon); from = from.Add(at) {
		exec(fill, seconds(from), seconds(from.Add(at)))
	}
	if s.db.IsPostgres() {
		exec(`ANALYZE`)
	}
}

// What one consumer has had in each second costs the same, however many others there are.
func BenchmarkSecondsOfOneConsumer(b *testing.B) {
	const span = 5 * time.Minute
	q := rollup.Query{Step: rollup.Second, From: rolluptest.Noon.Add(-span), To: rolluptest.Noon, Where: rollup.Where{Consumer: "consumer7", Issuer: new("")}}
	for _, consumers := range []int{10, 1000} {
		for _, c := range []struct{ name, dsn string }{
			{"in a file", filepath.Join(b.TempDir(), "rollup.db")},
			{"in PostgreSQL", pgtest.Start(b)},
		} {
			b.Run(fmt.Sprintf("%s of %d", c.name, consumers), func(b *testing.B) {
				s := open(b, c.dsn)
				traffic(b, s, consumers, span)
				for b.Loop() {
					points, err := s.Series(b.Context(), q)
					if err != nil || len(points) != int(span/time.Second) {
						b.Fatalf("%d points (%v)", len(points), err)
					}
				}
			})
		}
	}
}

// flush is the batch of two seconds with so many active series.
func flush(sequence int64, series int) *rollup.Batch {
	b := rolluptest.Batch("node", sequence)
	for n := range series {
		l := labelled
		l.Operation, l.Consumer, l.Client = fmt.Sprint("Operation", n), fmt.Sprint("consumer", n%50), "web"
		e := rolluptest.Entry(rollup.Second, int(2*sequence), l, 25)
		e.Counts = rollup.Counts{Started: 1, Events: 25, Bytes: 5000, ConnectedMillis: 1000}
		for _, step := range rollup.Steps {
			e.Step, e.At = step, step.Start(rolluptest.Noon.Add(rollup.Step(2*sequence).Length()))
			b.Entries = append(b.Entries, e)
		}
		e.Step, e.At = rollup.Second, b.Entries[0].At.Add(rollup.Second.Length())
		b.Entries = append(b.Entries, e)
	}
	return b
}

func BenchmarkFlush(b *testing.B) {
	for _, c := range []struct{ name, dsn string }{
		{"in a file", filepath.Join(b.TempDir(), "rollup.db")},
		{"in PostgreSQL", pgtest.Start(b)},
	} {
		for _, series := range []int{300, 2000} {
			b.Run(fmt.Sprintf("%s of %d series", c.name, series), func(b *testing.B) {
				s := open(b, c.dsn)
				n := int64(series) << 20
				begun := n
				for b.Loop() {
					n++
					if err := s.Add(b.Context(), flush(n, series)); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64((n-begun)*int64(series)*5)/b.Elapsed().Seconds(), "rows/s")
			})
		}
	}
}

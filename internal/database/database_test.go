package database

import (
	"context"
	"embed"
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/sluice-gateway/sluice/internal/pgtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

//go:embed testdata/sqlite testdata/postgres
var testFiles embed.FS

const (
	insertThing = `INSERT INTO things (id, name, amount) VALUES ($1, $2, $3)`
	selectThing = `SELECT amount FROM things WHERE id = $1`
	updateThing = `UPDATE things SET amount = amount + $1 WHERE id = $2`
)

// options make two things with an amount of 0 each.
func options(t testing.TB) Options {
	t.Helper()
	files, err := fs.Sub(testFiles, "testdata")
	if err != nil {
		t.Fatal(err)
	}
	return Options{Migrations: files, Prepare: []string{selectThing, updateThing}, Fill: fill}
}

func fill(ctx context.Context, db *DB) error {
	return db.Write(ctx, func(t Tx) error {
		var n int
		err := t.Query(`SELECT count(*) FROM things`, func(r Row) error { return r.Scan(&n) })
		if err != nil || n > 0 {
			return err
		}
		for id := range 2 {
			if err := t.Exec(insertThing, id+1, "a thing", 0); err != nil {
				return err
			}
		}
		return nil
	})
}

func open(t testing.TB, dsn string) *DB {
	t.Helper()
	db, err := Open(t.Context(), dsn, options(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// everyShared runs a test on a new database of every kind that may be opened more than once.
func everyShared(t *testing.T, test func(t *testing.T, dsn string)) {
	t.Run("in a file", func(t *testing.T) { test(t, filepath.Join(t.TempDir(), "things.db")) })
	t.Run("in PostgreSQL", func(t *testing.T) { test(t, pgtest.Start(t)) })
}

// every runs a test on a new database of every kind.
func every(t *testing.T, test func(t *testing.T, db *DB)) {
	t.Run("in memory", func(t *testing.T) { test(t, open(t, Memory)) })
	everyShared(t, func(t *testing.T, dsn string) { test(t, open(t, dsn)) })
}

func amount(ctx context.Context, db *DB, id int) (n int64, err error) {
	err = db.Query(ctx, selectThing, func(r Row) error { return r.Scan(&n) }, id)
	return n, err
}

func add(ctx context.Context, db *DB, id int) error {
	return db.Write(ctx, func(t Tx) error { return t.Exec(updateThing, 1, id) })
}

func TestNodesThatStartTogetherSetUpOnce(t *testing.T) {
	everyShared(t, func(t *testing.T, dsn string) {
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				db, err := Open(t.Context(), dsn, options(t))
				if err != nil {
					t.Error(err)
					return
				}
				_ = db.Close()
			})
		}
		all.Wait()
		var things, versions int
		err := open(t, dsn).Query(t.Context(),
			`SELECT (SELECT count(*) FROM things), (SELECT count(*) FROM goose_db_version WHERE version_id > 0)`,
			func(r Row) error { return r.Scan(&things, &versions) })
		if things != 2 || versions != 1 || err != nil {
			t.Errorf("there are %d things and %d migrations (%v), want 2 and 1", things, versions, err)
		}
	})
}

func TestTwoUsersOfADatabaseHaveMigrationsOfTheirOwn(t *testing.T) {
	everyShared(t, func(t *testing.T, dsn string) {
		open(t, dsn)
		other := options(t)
		other.Versions, other.Fill = "other_version", nil
		_, err := Open(t.Context(), dsn, other)
		if err == nil || !strings.Contains(err.Error(), "things") {
			t.Errorf("the error is %v: its migration, which makes the same table, did not run", err)
		}
	})
}

func TestAWriteThatFailsChangesNothing(t *testing.T) {
	every(t, func(t *testing.T, db *DB) {
		stop := errors.New("stop")
		err := db.Write(t.Context(), func(tx Tx) error {
			if err := tx.Exec(updateThing, 1, 1); err != nil {
				return err
			}
			return stop
		})
		n, readErr := amount(t.Context(), db, 1)
		if !errors.Is(err, stop) || readErr != nil || n != 0 {
			t.Errorf("the amount is %d (%v, %v), want 0", n, err, readErr)
		}
	})
}

func TestTextThatIsNoneIsRefusedByBoth(t *testing.T) {
	every(t, func(t *testing.T, db *DB) {
		for _, text := range []string{"a\x00b", "\xff"} {
			var bad *TextError
			err := db.Write(t.Context(), func(tx Tx) error { return tx.Exec(insertThing, 7, text, 0) })
			if !errors.As(err, &bad) || bad.Text != text {
				t.Errorf("a write of %q: %v", text, err)
			}
			err = db.Query(t.Context(), `SELECT 1 FROM things WHERE name = $1`, func(Row) error { return nil }, text)
			if !errors.As(err, &bad) {
				t.Errorf("a read of %q: %v", text, err)
			}
		}
	})
}

func TestWhatFailsToFillIsNotOpen(t *testing.T) {
	everyShared(t, func(t *testing.T, dsn string) {
		o, stop := options(t), errors.New("stop")
		o.Fill = func(context.Context, *DB) error { return stop }
		if _, err := Open(t.Context(), dsn, o); !errors.Is(err, stop) {
			t.Errorf("the error is %v, want Fill's", err)
		}
	})
}

func TestClosingTwice(t *testing.T) {
	every(t, func(t *testing.T, db *DB) {
		if err := errors.Join(db.Close(), db.Close()); err != nil {
			t.Error(err)
		}
	})
}

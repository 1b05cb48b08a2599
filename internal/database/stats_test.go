package database

import (
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/sluice-gateway/sluice/internal/pgtest"
)

func TestNothingIsCountedThatDidNotHappen(t *testing.T) {
	every(t, func(t *testing.T, db *DB) {
		if err := add(t.Context(), db, 1); err != nil {
			t.Fatal(err)
		}
		if s := db.Stats(); s.Repeated != 0 || (s.Connected > 0) != db.IsPostgres() {
			t.Errorf("the counts are %+v", s)
		}
	})
}

func TestWhatIsBegunAnewIsCounted(t *testing.T) {
	db := open(t, pgtest.Start(t))
	done := 0
	err := db.Write(t.Context(), func(Tx) error {
		if done++; done <= 2 {
			return fmt.Errorf("a step: %w", &pgconn.PgError{Code: "40001"})
		}
		return nil
	})
	if s := db.Stats(); s.Repeated != 2 || err != nil {
		t.Errorf("the counts are %+v (%v), want 2 repeated", s, err)
	}
}

func TestConnectionsThatAreMadeAgainAreCounted(t *testing.T) {
	server := pgtest.StartServer(t)
	db := open(t, server.URL())
	for _, want := range []uint64{1, 2} {
		for range 3 {
			if _, err := amount(t.Context(), db, 1); err != nil {
				t.Fatal(err)
			}
		}
		if made := db.reader.stats().Connected; made != want {
			t.Errorf("%d connections were made, want %d", made, want)
		}
		server.Restart()
	}
}

func TestWhoWaitsForAConnectionIsCounted(t *testing.T) {
	db := open(t, Memory)
	before := db.Stats().Waits
	waited := make(chan error)
	err := db.Write(t.Context(), func(Tx) error { // has the only connection
		go func() { waited <- add(t.Context(), db, 1) }()
		for db.Stats().Waits == before {
			select {
			case err := <-waited:
				t.Errorf("the call has not waited (%v)", err)
				return err
			default:
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := <-waited; err != nil {
		t.Error(err)
	}
}

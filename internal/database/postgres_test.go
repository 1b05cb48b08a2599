package database

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/sluice-gateway/sluice/internal/pgtest"
)

// away fails unless err says that the database cannot be used now.
func away(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, ErrUnavailable) {
		t.Errorf("the error is %v, want one that wraps ErrUnavailable", err)
	}
}

func TestADatabaseThatIsKilledIsUnavailableUntilItIsBack(t *testing.T) {
	server := pgtest.StartServer(t)
	s := open(t, server.URL())
	if err := add(t.Context(), s, 1); err != nil {
		t.Fatal(err)
	}
	server.Kill()

	_, err := amount(t.Context(), s, 1)
	away(t, err)
	away(t, add(t.Context(), s, 1))
	_, err = Open(t.Context(), server.URL(), options(t))
	away(t, err)

	server.Restart()
	if n, err := amount(t.Context(), s, 1); n != 1 || err != nil {
		t.Errorf("the amount is %d (%v), want 1", n, err)
	}
	if err := add(t.Context(), s, 1); err != nil {
		t.Errorf("a write after the outage: %v", err)
	}
}

func TestConnectionsThatWereClosedWhileIdleHurtNobody(t *testing.T) {
	server := pgtest.StartServer(t)
	s := open(t, server.URL())
	for _, c := range []struct {
		name       string
		disconnect func()
	}{
		{"the server crashed", server.Restart},
		{"an operator closed them", func() {
			server.SQL(`SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE application_name = 'sluice'`)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var all sync.WaitGroup
			for range 4 * connections { // several connections of each pool
				all.Go(func() { _ = add(t.Context(), s, 1) })
				all.Go(func() { _, _ = amount(t.Context(), s, 1) })
			}
			all.Wait()
			c.disconnect()
			for range connections {
				if _, err := amount(t.Context(), s, 1); err != nil {
					t.Errorf("a read: %v", err)
				}
				if err := add(t.Context(), s, 1); err != nil {
					t.Errorf("a write: %v", err)
				}
			}
		})
	}
}

func TestADatabaseThatHangsIsUnavailableInTime(t *testing.T) {
	server := pgtest.StartServer(t)
	s := open(t, server.URL())
	server.Stop()
	s.reader.timeout, s.writer.timeout = 200*time.Millisecond, 200*time.Millisecond
	_, err := amount(t.Context(), s, 1)
	away(t, err)
	away(t, add(t.Context(), s, 1))

	// The caller's own deadline is not the database's fault.
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err = amount(ctx, s, 1); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, ErrUnavailable) {
		t.Errorf("the error is %v, want context.DeadlineExceeded alone", err)
	}
	server.Cont()
	s.reader.timeout = callTimeout
	if _, err := amount(t.Context(), s, 1); err != nil {
		t.Errorf("after the pause: %v", err)
	}
}

func TestAServerThatAcceptsAndSaysNothingIsUnavailableInTime(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	_, err = Open(t.Context(), "postgres://ann@"+l.Addr().String()+"/shop?connect_timeout=1&sslmode=disable", options(t))
	away(t, err)
}

func TestAWriteDoesNotWaitForARowForEver(t *testing.T) {
	s := open(t, pgtest.Start(t)+"&statement_timeout=300")
	err := s.Write(t.Context(), func(holder Tx) error {
		if err := holder.Hold(selectThing, func(Row) error { return nil }, 1); err != nil {
			return err
		}
		away(t, add(t.Context(), s, 1))
		if _, err := amount(t.Context(), s, 1); err != nil { // reads are not in the way
			t.Error(err)
		}
		return add(t.Context(), s, 2)
	})
	if err != nil {
		t.Error(err)
	}
}

func TestADeadlockIsResolvedByAnotherAttempt(t *testing.T) {
	s := open(t, pgtest.Start(t)+"&deadlock_timeout=50")
	both := make(chan struct{}) // closed when each transaction holds its first row
	var arrived, all sync.WaitGroup
	arrived.Add(2)
	go func() { arrived.Wait(); close(both) }()
	var mu sync.Mutex // guards attempts
	attempts := 0
	for _, ids := range [][2]int{{1, 2}, {2, 1}} {
		all.Go(func() {
			var first sync.Once
			err := s.Write(t.Context(), func(t Tx) error {
				mu.Lock()
				attempts++
				mu.Unlock()
				for _, id := range ids {
					if err := t.Exec(updateThing, 1, id); err != nil {
						return err
					}
					first.Do(func() { arrived.Done(); <-both })
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if attempts < 3 {
		t.Errorf("there were %d attempts: no deadlock", attempts)
	}
	for _, id := range []int{1, 2} {
		if n, err := amount(t.Context(), s, id); n != 2 || err != nil {
			t.Errorf("the amount is %d (%v), want 2", n, err)
		}
	}
}

func TestTheAttemptsOfATransactionAreCounted(t *testing.T) {
	s := open(t, pgtest.Start(t))
	for _, c := range []struct {
		name     string
		failures int
		state    string
		attempts int
		want     error
	}{
		{"what is undone once is done again", 1, "40001", 2, nil},
		{"what is undone always is given up", 100, "40001", attempts, ErrUnavailable},
		{"what fails for a reason is not done again", 100, "23505", 1, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			done := 0
			err := s.Write(t.Context(), func(Tx) error {
				done++
				if done <= c.failures {
					return fmt.Errorf("a step: %w", &pgconn.PgError{Code: c.state})
				}
				return nil
			})
			if done != c.attempts || errors.Is(err, ErrUnavailable) != (c.want != nil) {
				t.Errorf("%d attempts, %v", done, err)
			}
		})
	}
}

func TestWhatIsUnavailable(t *testing.T) {
	state := func(code string) error { return fmt.Errorf("a step: %w", &pgconn.PgError{Code: code}) }
	for _, c := range []struct {
		name string
		err  error
		want bool
	}{
		{"the server is shut down by its operator", state("57P01"), true},
		{"the server is starting", state("57P03"), true},
		{"a statement took too long", state("57014"), true},
		{"there are too many connections", state("53300"), true},
		{"the disk is full", state("53100"), true},
		{"the server has become a replica", state("25006"), true},
		{"a lock was not to be had", state("55P03"), true},
		{"a disk fails", state("58030"), true},
		{"a key is taken", state("23505"), false},
		{"a check fails", state("23514"), false},
		{"a table is missing", state("42P01"), false},
		{"the password is wrong", state("28P01"), false},
		{"the connection was closed", io.ErrUnexpectedEOF, true},
		{"the driver gave the connection up", driver.ErrBadConn, true},
		{"nobody listens", &net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded}, true},
		{"a mistake of the caller", &TextError{"\xff"}, false},
		{"a mistake of ours", errors.New("sql: Scan error"), false},
	} {
		if got := postgresAway(c.err); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestReadsCannotWrite(t *testing.T) {
	s := open(t, pgtest.Start(t))
	err := s.Query(t.Context(), `UPDATE things SET amount = 1 RETURNING id`, func(Row) error { return nil })
	if sqlState(err) != "25006" {
		t.Errorf("the error is %v, want 25006", err)
	}
}

func TestADatabaseThatCannotKeepEveryTextIsRefused(t *testing.T) {
	_, err := Open(t.Context(), pgtest.Start(t, "TEMPLATE template0", "ENCODING 'LATIN1'", "LOCALE_PROVIDER libc"), options(t))
	if err == nil || !strings.Contains(err.Error(), "LATIN1") {
		t.Errorf("the error is %v, want one that names the encoding", err)
	}
}

package store

import (
	"strings"
	"testing"

	"github.com/sluice-gateway/sluice/internal/pgtest"
)

func TestWritesAreMarkedWhenTheyMustBe(t *testing.T) {
	server := pgtest.StartServer(t)
	s := open(t, server.URL())
	server.SQL(`SELECT pg_create_logical_replication_slot('marks', 'test_decoding')`)
	marks := func() int {
		return strings.Count(server.SQL(`SELECT data FROM pg_logical_slot_get_changes('marks', NULL, NULL)`), "transactional: 1 prefix: mine")
	}
	write := func() {
		t.Helper()
		if _, err := s.ChangePrice(t.Context(), "1", 100); err != nil {
			t.Fatal(err)
		}
	}
	write()
	if n := marks(); n != 0 {
		t.Errorf("a store that marks nothing has left %d marks", n)
	}
	s.MarkWrites("mine")
	write()
	_, err := s.PlaceOrder(t.Context(), "ann", []OrderLineInput{{"2", 1}, {"3", 1}})
	if err != nil {
		t.Fatal(err)
	}
	if n := marks(); n != 2 {
		t.Errorf("two transactions have left %d marks", n)
	}
	_, err = s.ChangePrice(t.Context(), "0", 100)
	refused(t, err, "there is no product")
	if n := marks(); n != 0 {
		t.Errorf("a write that was refused has left %d marks", n)
	}
}

func TestAStoreInSQLiteHasNoMarks(t *testing.T) {
	s := open(t, Memory)
	s.MarkWrites("mine")
	if _, err := s.ChangePrice(t.Context(), "1", 100); err != nil {
		t.Error(err)
	}
}

func BenchmarkWritesInPostgreSQL(b *testing.B) {
	for _, mark := range []string{"unmarked", "marked"} {
		b.Run(mark, func(b *testing.B) {
			s := open(b, pgtest.StartServer(b).URL())
			if mark == "marked" {
				s.MarkWrites("mine")
			}
			for b.Loop() {
				if _, err := s.ChangePrice(b.Context(), "1", 100); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

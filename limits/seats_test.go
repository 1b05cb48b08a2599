package limits_test

import (
	"sync"
	"sync/atomic"
	"testing"

	"github.com/sluice-gateway/sluice/limits"
)

func TestSeatsAreAsManyAsThereAreAndComeBack(t *testing.T) {
	var s limits.Seats[string]
	for _, step := range []struct {
		leave bool
		key   string
		want  bool
	}{
		{key: "a", want: true},
		{key: "a", want: true},
		{key: "a", want: false},
		{key: "b", want: true},
		{key: "a", leave: true},
		{key: "a", want: true},
		{key: "a", want: false},
	} {
		if step.leave {
			s.Leave(step.key)
			continue
		}
		if got := s.Take(step.key, 2); got != step.want {
			t.Fatalf("Take(%q) = %v, want %v", step.key, got, step.want)
		}
	}
	for _, key := range []string{"a", "a", "b"} {
		s.Leave(key)
	}
	if n := s.Len(); n != 0 {
		t.Errorf("%d keys are remembered that have no seat", n)
	}
}

func TestSeatsAreNeverTakenTwice(t *testing.T) {
	var s limits.Seats[int]
	var taken atomic.Int64
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			for range 100 {
				if s.Take(1, 7) {
					if n := taken.Add(1); n > 7 {
						t.Errorf("%d seats are taken, of 7", n)
					}
					taken.Add(-1)
					s.Leave(1)
				}
			}
		})
	}
	all.Wait()
}

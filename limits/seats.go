package limits

import "sync"

// Seats bound how many of something each of many keys has at a time. The zero value is ready. They are
// safe for concurrent use.
type Seats[K comparable] struct {
	mu    sync.Mutex // guards taken
	taken map[K]int
}

// Take takes a seat of key, if fewer than most are taken. Who took it leaves it, once.
func (s *Seats[K]) Take(key K, most int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.taken[key] >= most {
		return false
	}
	if s.taken == nil {
		s.taken = make(map[K]int)
	}
	s.taken[key]++
	return true
}

// Leave gives a seat of key back.
func (s *Seats[K]) Leave(key K) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.taken[key]--; s.taken[key] <= 0 {
		delete(s.taken, key)
	}
}

// Len is how many keys have a seat.
func (s *Seats[K]) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.taken)
}

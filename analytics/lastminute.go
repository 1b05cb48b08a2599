package analytics

import "time"

// A lastMinute counts the calls of the last sixty seconds: the one that runs, and the 59 before it. Times
// are those since some fixed moment, and do not go back. The zero lastMinute is empty.
type lastMinute struct {
	seconds [60]struct {
		number          int64 // of seconds since that moment, from 1; 0: none
		calls, failures uint64
	}
}

func (m *lastMinute) add(at time.Duration, failed bool) {
	number := secondOf(at)
	s := &m.seconds[number%60]
	if s.number != number { // it is of a minute ago, or longer
		s.number, s.calls, s.failures = number, 0, 0
	}
	s.calls++
	if failed {
		s.failures++
	}
}

// sum is what the calls of the minute before a time were.
func (m *lastMinute) sum(at time.Duration) (calls, failures uint64) {
	oldest := secondOf(at) - 59
	for _, s := range m.seconds {
		if s.number >= oldest && s.number > 0 {
			calls += s.calls
			failures += s.failures
		}
	}
	return calls, failures
}

func secondOf(at time.Duration) int64 { return int64(at/time.Second) + 1 }

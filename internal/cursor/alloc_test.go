//go:build !race

package cursor

import "testing"

// Without the race detector, under which a sync.Pool forgets what it holds now and then.
func TestWritingAllocatesNothingAndReadingThePositions(t *testing.T) {
	keys := NewKeys()
	for _, n := range []int{1, MaxTopics} {
		topics, at := some(n)
		buf := make([]byte, 0, 1<<10)
		if allocs := testing.AllocsPerRun(1000, func() { buf = keys.Append(buf[:0], everybody, topics, at) }); allocs != 0 {
			t.Errorf("%d topics: %v allocations to write a cursor, want 0", n, allocs)
		}
		text := string(buf)
		if allocs := testing.AllocsPerRun(1000, func() { _, _ = keys.Read(text, everybody, topics) }); allocs != 1 {
			t.Errorf("%d topics: %v allocations to read a cursor, want 1", n, allocs)
		}
	}
}

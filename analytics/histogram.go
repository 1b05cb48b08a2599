package analytics

import (
	"slices"
	"time"
)

// Histogram is how many were done within each of some times, which are in order, and how long all took in
// sum: both right to 2 %.
func (s Sketch) Histogram(bounds []time.Duration) (within []uint64, sum time.Duration) {
	within = make([]uint64, len(bounds))
	for bucket, n := range s {
		took := lengthOf(bucket)
		sum += time.Duration(n) * took
		first, _ := slices.BinarySearch(bounds, took)
		for i := first; i < len(bounds); i++ {
			within[i] += n
		}
	}
	return within, sum
}

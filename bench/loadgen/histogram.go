package main

import (
	"math/bits"
	"time"
)

// fine is how many bits of a latency are kept: buckets are at most 1/128 of their value wide.
const fine = 7

// A histogram counts latencies in buckets of less than 1 % width. The zero value is empty.
type histogram struct {
	counts [(64 - fine) << fine]uint64
	total  uint64
	max    time.Duration
}

func (h *histogram) add(d time.Duration) {
	d = max(d, 0)
	h.counts[bucket(uint64(d))]++
	h.total++
	h.max = max(h.max, d)
}

// quantile gives the latency that q of all do not exceed, 0 when there are none.
func (h *histogram) quantile(q float64) time.Duration {
	rank := uint64(q * float64(h.total))
	var seen uint64
	for i, n := range h.counts {
		if seen += n; n > 0 && seen > rank {
			return min(time.Duration(upper(i)), h.max)
		}
	}
	return h.max
}

func bucket(v uint64) int {
	shift := max(bits.Len64(v)-fine-1, 0)
	return shift<<fine + int(v>>shift)
}

// upper is the largest value that falls into bucket i.
func upper(i int) uint64 {
	shift := max(i>>fine-1, 0)
	return (uint64(i-shift<<fine)+1)<<shift - 1
}

package analytics

import (
	"maps"
	"math"
	"slices"
	"sync/atomic"
	"time"

	"github.com/DataDog/sketches-go/ddsketch/mapping"
)

// What a Latency tells apart. Buckets are kept for years and added up with those of other nodes: what the
// number of one means never changes.
const (
	shortest = 10 * time.Microsecond
	slowest  = 100 * time.Second
	accuracy = 0.02 // of a quantile, to either side

	firstBucket = 232 // of shortest
	lastBucket  = 639 // of slowest
)

// bucketOf maps nanoseconds to buckets and back. It takes no logarithm.
var bucketOf = func() *mapping.CubicallyInterpolatedMapping {
	m, err := mapping.NewCubicallyInterpolatedMapping(accuracy)
	if err != nil {
		panic(err) // the accuracy is ours
	}
	return m
}()

// A Latency is how long something takes that is done often: so many times for each of about 400 lengths
// of time, from 10 µs to 100 s. What is shorter or longer counts as these. Observing takes no lock. The
// zero Latency is empty; it may not be copied.
type Latency struct {
	buckets [lastBucket - firstBucket + 1]atomic.Uint64
}

// Observe counts one that took so long.
func (l *Latency) Observe(d time.Duration) {
	d = min(max(d, shortest), slowest)
	l.buckets[bucketOf.Index(float64(d))-firstBucket].Add(1)
}

// Counts returns what was observed up to now.
func (l *Latency) Counts() Sketch {
	s := make(Sketch)
	for i := range l.buckets {
		if n := l.buckets[i].Load(); n > 0 {
			s[firstBucket+i] = n
		}
	}
	return s
}

// A Sketch is what a Latency has observed, by bucket. Sketches of several nodes or times are added up; the
// nil one is empty.
type Sketch map[int]uint64

// Merge adds another sketch to s, which must not be nil.
func (s Sketch) Merge(other Sketch) {
	for bucket, n := range other {
		s[bucket] += n
	}
}

// Since returns what was observed after an earlier sketch of the same Latency.
func (s Sketch) Since(earlier Sketch) Sketch {
	fresh := make(Sketch)
	for bucket, n := range s {
		if n > earlier[bucket] {
			fresh[bucket] = n - earlier[bucket]
		}
	}
	return fresh
}

// Total is how many were observed.
func (s Sketch) Total() uint64 {
	total := uint64(0)
	for _, n := range s {
		total += n
	}
	return total
}

// Quantile is the shortest time within which at least a share q of them was done, from 0 to 1: 0.99 is the
// 99th percentile, 0.5 of two the shorter one. It is right to 2 %. Of none it is 0.
func (s Sketch) Quantile(q float64) time.Duration {
	total := s.Total()
	if total == 0 {
		return 0
	}
	if !(q > 0) { // nor is what is not a number
		q = 0
	}
	// A share such as 0.55 is a little more than that as a float, and must not count one more.
	rank := uint64(max(math.Ceil(math.Nextafter(min(q, 1), 0)*float64(total)), 1)) - 1
	buckets := slices.Sorted(maps.Keys(s))
	for _, bucket := range buckets {
		if s[bucket] > rank {
			return lengthOf(bucket)
		}
		rank -= s[bucket]
	}
	return lengthOf(buckets[len(buckets)-1]) // a float was rounded up
}

// lengthOf is the time that stands for a bucket. One that no Latency has may come from elsewhere.
func lengthOf(bucket int) time.Duration {
	bucket = min(max(bucket, firstBucket), lastBucket)
	d := time.Duration(math.Round(bucketOf.Value(bucket)))
	return min(max(d, shortest), slowest)
}
